//! Deployer: puts a configuration in force, and keeps a HAProxy running on it.
//!
//! Write, then reload; when HAProxy refuses, the configuration before comes back. A HAProxy that
//! ends by itself is started again, at once the first time and ever more slowly if it does not
//! help.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::{Bus, Delivery, EventSet, Publisher};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::events::{
    ControllerStarted, ControllerStopping, DeployFailed, DeployRefused, DeployRequested,
    DeployRolledBack, DeployStarted, DeploySucceeded, HaproxyExited, HaproxyRestarted,
    HaproxyStarted, HaproxyStopped, HaproxyUnavailable, HaproxyWanted, Live,
};
use crate::logic::haproxy::binary::Binary;
use crate::logic::haproxy::process::{Failure, Proxy};
use crate::logic::layout::Layout;
use crate::logic::problem::Problem;
use crate::logic::store::{Attempt, Store};

/// Its name on the bus.
pub(crate) const NAME: &str = "deployer";

/// How long requests in flight may take when the controller ends.
const GRACE: Duration = Duration::from_secs(5);
/// How long a HAProxy may take to start when no configuration says otherwise.
const START: Duration = Duration::from_secs(10);
/// The delay before the second attempt to start it again; it doubles with every further one.
const RETRY: Duration = Duration::from_millis(250);
/// The longest delay between two attempts.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// Who runs HAProxy.
#[derive(Clone, Debug)]
pub(crate) enum Runner {
    /// This controller does.
    Own(Binary),
    /// Somebody else may; if so, it is reloaded.
    Other,
    /// Nobody: there is no binary.
    Nobody,
}

#[derive(Debug, EventSet)]
enum Inbox {
    Started(Delivery<ControllerStarted>),
    Requested(Delivery<DeployRequested>),
    Exited(Delivery<HaproxyExited>),
    Wanted(Delivery<HaproxyWanted>),
    Stopping(Delivery<ControllerStopping>),
}

/// Subscribes.
pub(crate) fn run(
    bus: &Bus,
    layout: Layout,
    runner: Runner,
) -> impl Future<Output = ()> + Send + use<> {
    let inbox = bus.subscribe::<Inbox>(NAME);
    publishes!(
        bus,
        NAME,
        DeployStarted,
        DeploySucceeded,
        DeployRefused,
        DeployRolledBack,
        DeployFailed
    );
    publishes!(bus, NAME, HaproxyStarted, HaproxyRestarted, HaproxyStopped, HaproxyUnavailable);
    let deployer = Arc::new(Mutex::new(Deployer {
        bus: bus.clone(),
        exits: bus.publisher(NAME),
        wishes: bus.publisher(NAME),
        store: Store::open(&layout),
        layout,
        runner,
        proxy: None,
        watch: None,
        ended: None,
        stopping: false,
    }));
    inbox.serve(move |item| {
        let deployer = Arc::clone(&deployer);
        async move {
            let mut deployer = deployer.lock().await;
            match item {
                Inbox::Started(_) => deployer.resume().await,
                Inbox::Requested(requested) => deployer.deploy(&requested).await,
                Inbox::Exited(exited) => deployer.exited(exited.pid).await,
                Inbox::Wanted(wanted) => deployer.restart(wanted.attempts).await,
                Inbox::Stopping(_) => deployer.stop().await,
            }
        }
    })
}

struct Deployer {
    bus: Bus,
    /// What is published by its own tasks, which no handler runs.
    exits: Publisher<HaproxyExited>,
    wishes: Publisher<HaproxyWanted>,
    store: Store,
    layout: Layout,
    runner: Runner,
    proxy: Option<Proxy>,
    /// Tells when `proxy` ends.
    watch: Option<JoinHandle<()>>,
    /// When the last one ended, while there is none.
    ended: Option<Instant>,
    stopping: bool,
}

impl Deployer {
    /// Goes on with the configuration an earlier controller left.
    async fn resume(&mut self) {
        if self.store.is_empty() || !matches!(self.runner, Runner::Own(_)) {
            return;
        }
        match self.start(START).await {
            Ok(pid) => {
                self.bus.publish(HaproxyStarted {
                    pid,
                    on: format!("{}, as it was left", self.layout.config.display()),
                });
            }
            Err(failure) => {
                self.bus.publish(HaproxyUnavailable {
                    problems: self.problems(failure),
                    retry_in: None,
                });
            }
        }
    }

    async fn deploy(&mut self, requested: &DeployRequested) {
        let pass = requested.inputs.pass;
        let limit = requested.inputs.config.settings.reload_timeout;
        let same = self.store.holds(&requested.rendered);
        let serves = self.proxy.is_some() || !matches!(self.runner, Runner::Own(_));
        if same && serves {
            return self.succeeded(pass, Live::Unchanged);
        }
        self.bus.publish(DeployStarted { pass });
        let attempt = match self.store.put(&requested.rendered) {
            Ok(attempt) => attempt,
            Err((path, error)) => {
                let problem = Problem::io(&path, "write it", &error);
                self.bus.publish(DeployFailed { pass, problem });
                return;
            }
        };
        match self.activate(limit).await {
            Ok(live) => {
                self.store.keep(attempt, &requested.rendered);
                self.ended = None;
                self.succeeded(pass, live);
            }
            Err(failure) => {
                let template = &requested.inputs.config.template.file;
                let located = |alert: crate::logic::haproxy::messages::Alert| {
                    let line = alert.line.and_then(|line| requested.rendered.template_line(line));
                    Problem::fatal(template, line, alert.message)
                };
                let problems = match failure {
                    Failure::Refused(alerts) => alerts.into_iter().map(located).collect(),
                    Failure::Io(error) => vec![Problem::io(&self.layout.config, "load it", &error)],
                };
                self.roll_back(pass, attempt, limit, problems).await;
            }
        }
    }

    /// Makes HAProxy run what was written.
    async fn activate(&mut self, limit: Duration) -> Result<Live, Failure> {
        match (&self.runner, &self.proxy) {
            (Runner::Nobody, _) => Ok(Live::Written),
            (Runner::Other, _) => {
                let reloaded = Proxy::reload_other(&self.layout, limit).await?;
                Ok(reloaded.map_or(Live::Written, Live::Reloaded))
            }
            (Runner::Own(_), Some(proxy)) => {
                proxy.reload(&self.layout, limit).await.map(Live::Reloaded)
            }
            (Runner::Own(_), None) => self.start(limit).await.map(|_| Live::Started),
        }
    }

    async fn roll_back(
        &mut self,
        pass: u64,
        attempt: Attempt,
        limit: Duration,
        problems: Vec<Problem>,
    ) {
        let restored = self.store.restore(attempt);
        // A refused reload leaves the old worker serving; a refused start leaves nobody.
        if self.proxy.is_none() && restored.is_ok() && !self.store.is_empty() {
            let _ = self.start(limit).await;
        }
        let dark = self.proxy.is_none() && matches!(self.runner, Runner::Own(_));
        self.bus.publish(DeployRefused { pass, problems, dark });
        match restored {
            Ok(to) => {
                self.bus.publish(DeployRolledBack { pass, to });
            }
            Err(error) => {
                let problem = Problem::io(&self.layout.config, "put the old one back", &error);
                self.bus.publish(DeployFailed { pass, problem });
            }
        }
    }

    fn succeeded(&self, pass: u64, live: Live) {
        if let (Live::Started, Some(proxy)) = (live, &self.proxy) {
            let on = self.layout.config.display().to_string();
            self.bus.publish(HaproxyStarted { pid: proxy.pid, on });
        }
        let config = self.layout.config.clone();
        self.bus.publish(DeploySucceeded { pass, live, config });
    }

    async fn start(&mut self, limit: Duration) -> Result<u32, Failure> {
        let Runner::Own(binary) = &self.runner else {
            return Err(Failure::Io(std::io::ErrorKind::Unsupported.into()));
        };
        let proxy = Proxy::start(binary, &self.layout, limit).await?;
        let (exits, watched) = (self.exits.clone(), proxy.clone());
        self.watch = Some(tokio::spawn(async move {
            let status = watched.exited().await;
            let pid = watched.pid;
            exits.publish(HaproxyExited { pid, status });
        }));
        let pid = proxy.pid;
        self.proxy = Some(proxy);
        Ok(pid)
    }

    async fn exited(&mut self, pid: u32) {
        // An exit that was told while a newer one was started is history.
        if self.proxy.as_ref().is_none_or(|proxy| proxy.pid != pid) {
            return;
        }
        self.proxy = None;
        self.ended = Some(Instant::now());
        self.restart(0).await;
    }

    async fn restart(&mut self, attempts: u32) {
        if self.stopping || self.proxy.is_some() {
            return;
        }
        match self.start(START).await {
            Ok(pid) => {
                let gap = self.ended.take().map_or(Duration::ZERO, |ended| ended.elapsed());
                self.bus.publish(HaproxyRestarted { pid, gap });
            }
            Err(failure) => {
                let delay = RETRY.saturating_mul(1 << attempts.min(10)).min(RETRY_MAX);
                let problems = self.problems(failure);
                let told = self.bus.publish(HaproxyUnavailable { problems, retry_in: Some(delay) });
                let wishes = self.wishes.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    let attempts = attempts + 1;
                    wishes.publish_caused_by(HaproxyWanted { attempts }, told.sequence());
                });
            }
        }
    }

    async fn stop(&mut self) {
        self.stopping = true;
        if let Some(watch) = self.watch.take() {
            watch.abort();
        }
        let proxy = self.proxy.take();
        if let Some(proxy) = &proxy {
            proxy.stop(GRACE).await;
        }
        let pid = proxy.map(|proxy| proxy.pid);
        self.bus.publish(HaproxyStopped { pid });
    }

    /// A failure to run what is on disk, which no template is known for.
    fn problems(&self, failure: Failure) -> Vec<Problem> {
        let config = &self.layout.config;
        match failure {
            Failure::Refused(alerts) => alerts
                .into_iter()
                .map(|alert| Problem::fatal(config, alert.line, alert.message))
                .collect(),
            Failure::Io(error) => vec![Problem::io(config, "run haproxy on it", &error)],
        }
    }
}
