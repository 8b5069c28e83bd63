//! How each event reads in the narrative.

use callboard::AnyEvent;

use super::*;
use crate::logic::line::{Level, short};
use crate::logic::problem::{Problem, summary};

/// An event that can be put into words.
trait Tell {
    /// How it should be taken, and the words.
    fn tell(&self) -> (Level, String);
}

/// Puts `event` into words; one this list forgets is told by its `Debug`.
pub(crate) fn tell(event: &AnyEvent) -> (Level, String) {
    macro_rules! first_of {
        ($($event:ty),* $(,)?) => {
            $(if let Some(event) = event.downcast_ref::<$event>() {
                return event.tell();
            })*
        };
    }
    first_of!(
        ControllerStarted,
        ControllerStopping,
        SettingsChanged,
        ConfigLoaded,
        ConfigRejected,
        ResourceChanged,
        ResourceRemoved,
        ResourceRejected,
        ResourcesSynced,
        ResourcesWanted,
        WatchDegraded,
        ReconcileTriggered,
        ReconcileHeld,
        ReconcileStarted,
        ConfigRendered,
        RenderFailed,
        ValidateConfig,
        Verdict,
        ReconcileFinished,
        ReconcileFailed,
        DeployRequested,
        DeployStarted,
        DeploySucceeded,
        DeployRefused,
        DeployRolledBack,
        DeployFailed,
        HaproxyStarted,
        HaproxyExited,
        HaproxyRestarted,
        HaproxyUnavailable,
        HaproxyWanted,
        HaproxyStopped,
    );
    (Level::Info, format!("{event:?}"))
}

macro_rules! tell {
    ($($event:ty: |$it:ident| $level:expr, $text:expr;)*) => {
        $(impl Tell for $event {
            fn tell(&self) -> (Level, String) {
                let $it = self;
                ($level, $text)
            }
        })*
    };
}

tell! {
    ControllerStarted: |it| Level::Good, format!(
        "{} components; {} -> {}; {}",
        it.components,
        it.site.display(),
        it.out.display(),
        it.haproxy.as_ref().map_or_else(
            || "no haproxy found: checking what can be checked, and writing the file".to_owned(),
            |version| format!("haproxy {version}"),
        ),
    );
    ControllerStopping: |it| Level::Info, it.reason.clone();
    SettingsChanged: |it| Level::Info, it.file.display().to_string();
    ConfigLoaded: |it| Level::Good, {
        let Config { settings, template } = &*it.config;
        format!(
            "class {}, http {}:{}, {} ({} lines)",
            settings.ingress_class,
            settings.listen.address,
            settings.listen.http,
            template.file.display(),
            template.source.lines().count(),
        )
    };
    ConfigRejected: |it| Level::Error, kept(&it.problem.to_string());
    ResourceChanged: |it| Level::Info, {
        let manifest = &it.manifest;
        let mut text = format!("{}: {}", manifest.file.display(), objects(manifest.objects.len()));
        if manifest.ignored > 0 {
            text += &format!(", {} of other kinds left alone", manifest.ignored);
        }
        text
    };
    ResourceRemoved: |it| Level::Info, it.file.display().to_string();
    ResourceRejected: |it| Level::Error, it.problem.to_string();
    ResourcesSynced: |it| Level::Good, format!("{} files, {} new or changed", it.files, it.changed);
    ResourcesWanted: |it| Level::Warning, format!("{} events were missed; reading everything again", it.missed);
    WatchDegraded: |it| Level::Warning, it.reason.clone();
    ReconcileTriggered: |it| Level::Info, format!("pass {}: {}", it.inputs.pass, it.reason);
    ReconcileHeld: |it| Level::Warning, kept(&summary(&it.problems));
    ReconcileStarted: |it| Level::Info, format!("pass {}: {}", it.inputs.pass, it.inputs.inventory.describe());
    ConfigRendered: |it| Level::Good, {
        let [routes, backends, servers, certificates] = it.counts;
        format!(
            "pass {}: {} lines for {routes} routes to {backends} backends with {servers} servers, {certificates} certificates",
            it.inputs.pass,
            it.rendered.text.lines().count(),
        )
    };
    RenderFailed: |it| Level::Error, format!("pass {}: {}", it.pass, it.problem);
    ValidateConfig: |it| Level::Info, format!("pass {}: asking the validators", it.inputs.pass);
    Verdict: |it| verdict_level(&it.problems), {
        if it.problems.is_empty() {
            format!("{}: {}", it.validator, it.looked_at)
        } else {
            format!("{}: {}", it.validator, summary(&it.problems))
        }
    };
    ReconcileFinished: |it| Level::Good, format!("pass {}: {}", it.pass, stages(&it.durations));
    ReconcileFailed: |it| Level::Error, format!(
        "pass {}: {} after {}: {}",
        it.pass,
        it.stage,
        short(it.durations.total),
        kept(&summary(&it.problems)),
    );
    DeployRequested: |it| Level::Info, format!("pass {}: every validator agreed", it.inputs.pass);
    DeployStarted: |it| Level::Info, format!("pass {}", it.pass);
    DeploySucceeded: |it| Level::Good, {
        let how = match it.live {
            Live::Unchanged => "nothing to do, the file is as it should be".to_owned(),
            Live::Written => format!("wrote {}", it.config.display()),
            Live::Started => format!("wrote {} and started haproxy", it.config.display()),
            Live::Reloaded(worker) => format!("haproxy reloaded, worker {worker} took over"),
        };
        format!("pass {}: {how}", it.pass)
    };
    DeployRefused: |it| Level::Error, format!("pass {}: haproxy says: {}", it.pass, summary(&it.problems));
    DeployRolledBack: |it| Level::Warning, format!("pass {}: {} is in force again", it.pass, it.to);
    DeployFailed: |it| Level::Error, format!("pass {}: {}", it.pass, it.problem);
    HaproxyStarted: |it| Level::Good, format!("pid {} on {}", it.pid, it.on);
    HaproxyExited: |it| Level::Error, format!("pid {} ended with {}", it.pid, it.status);
    HaproxyRestarted: |it| Level::Good, format!("pid {}, after {} without", it.pid, short(it.gap));
    HaproxyUnavailable: |it| Level::Error, format!(
        "{}; trying again {}",
        summary(&it.problems),
        it.retry_in.map_or_else(|| "with the next configuration".to_owned(), |delay| format!("in {}", short(delay))),
    );
    HaproxyWanted: |it| Level::Info, format!("attempt {}", it.attempts + 1);
    HaproxyStopped: |it| Level::Info, it.pid.map_or_else(|| "this run started none".to_owned(), |pid| format!("pid {pid}"));
}

fn kept(why: &str) -> String {
    format!("{why}; whatever was in force stays in force")
}

fn objects(count: usize) -> String {
    match count {
        1 => "1 object".to_owned(),
        _ => format!("{count} objects"),
    }
}

fn verdict_level(problems: &[Problem]) -> Level {
    match problems {
        [] => Level::Good,
        _ if problems.iter().any(Problem::is_error) => Level::Error,
        _ => Level::Warning,
    }
}

fn stages(durations: &Durations) -> String {
    format!(
        "done in {} (render {}, validate {}, deploy {})",
        short(durations.total),
        short(durations.render),
        short(durations.validate),
        short(durations.deploy),
    )
}
