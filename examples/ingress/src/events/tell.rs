//! How each event reads in the narrative.

use std::collections::BTreeMap;

use callboard::AnyEvent;
use serde_json::json;

use super::*;
use crate::cluster::events::{
    ClusterChanged, ConfigDeployed, ConfigFollowed, LeaderElected, SteppedDown,
};
use crate::logic::count::count;
use crate::logic::line::{Body, Level, level, short};
use crate::logic::model::PassedOver;
use crate::logic::problem::{Problem, headline};

/// An event that can be put into words.
trait Tell {
    /// The words, and how they should be taken.
    fn tell(&self) -> Body;
}

/// Puts `event` into words; one this list forgets is told by its `Debug`.
pub(crate) fn tell(event: &AnyEvent) -> Body {
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
        ResourcesIgnored,
        ResourcesSynced,
        ResourcesWanted,
        WatchDegraded,
        ReconcileTriggered,
        ReconcileHeld,
        RetryDue,
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
        ClusterChanged,
        LeaderElected,
        SteppedDown,
        ConfigDeployed,
        ConfigFollowed,
    );
    Body::new(Level::Info, format!("{event:?}"))
}

macro_rules! tell {
    ($($event:ty: |$it:ident| $level:expr, $text:expr $(, $part:ident: $value:expr)*;)*) => {
        $(impl Tell for $event {
            fn tell(&self) -> Body {
                let $it = self;
                Body { $($part: $value,)* ..Body::new($level, $text) }
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
            "class {}, http {}:{}, {} ({})",
            settings.ingress_class,
            settings.listen.address,
            settings.listen.http,
            template.file.display(),
            count(template.source.lines().count(), "line"),
        )
    };
    ConfigRejected: |it| Level::Error, kept(&it.problem.to_string()), problems: vec![it.problem.clone()];
    ResourceChanged: |it| Level::Info, {
        let manifest = &it.manifest;
        let mut text = format!("{}: {}", manifest.file.display(), count(manifest.objects.len(), "object"));
        for (kind, count) in &manifest.ignored {
            text += &format!(", {count} {kind} left alone");
        }
        text
    };
    ResourceRemoved: |it| Level::Info, it.file.display().to_string();
    ResourceRejected: |it| verdict_level(&it.manifest.problems), headline(&it.manifest.problems), problems: it.manifest.problems.clone();
    ResourcesIgnored: |it| Level::Info, {
        let names: Vec<_> = it.files.iter().map(|file| file.display().to_string()).collect();
        format!("{}: not read, since manifests are .yaml, .yml and .json files", some(&names))
    }, fields: vec![("files", json!(it.files))];
    ResourcesSynced: |it| Level::Good, format!("{}, {} new or changed", count(it.files, "file"), it.changed);
    ResourcesWanted: |it| if it.missed == 0 { Level::Info } else { Level::Warning }, match it.missed {
        0 => "reading everything".to_owned(),
        missed => format!("missed {}; reading everything again", count(usize::try_from(missed).unwrap_or(usize::MAX), "event")),
    };
    WatchDegraded: |it| Level::Warning, it.reason.clone();
    ReconcileTriggered: |it| Level::Info, format!("pass {}: {}", it.inputs.pass, some(&it.changed)), fields: vec![("changed", json!(it.changed))];
    ReconcileHeld: |it| Level::Warning, kept(&it.problem.to_string()), problems: vec![it.problem.clone()];
    RetryDue: |it| Level::Info, format!("{} failed; trying again", count(it.failures as usize, "attempt"));
    ReconcileStarted: |it| Level::Info, format!("pass {}: {}", it.inputs.pass, it.inputs.inventory.describe());
    ConfigRendered: |it| Level::Good, {
        let [routes, backends, servers, certificates] = it.counts;
        format!(
            "pass {}: {} for {} to {} with {}, {}",
            it.inputs.pass,
            count(it.rendered.text.lines().count(), "line"),
            count(routes, "route"),
            count(backends, "backend"),
            count(servers, "server"),
            count(certificates, "certificate"),
        )
    }, remarks: passed_over(&it.passed_over).into_iter().collect(), fields: vec![("passed_over", json!(it.passed_over))];
    RenderFailed: |it| Level::Error, format!("pass {}: {}", it.pass, it.problem), problems: vec![it.problem.clone()];
    ValidateConfig: |it| Level::Info, format!("pass {}: asking the validators", it.inputs.pass);
    Verdict: |it| verdict_level(&it.problems), verdict(it), problems: it.problems.clone();
    ReconcileFinished: |it| if it.errors == 0 { Level::Good } else { Level::Warning }, {
        let without = match it.errors {
            0 => String::new(),
            1 => "1 error, what it concerns is left out; ".to_owned(),
            errors => format!("{errors} errors, what they concern is left out; "),
        };
        format!("pass {}: {without}{}", it.pass, stages(&it.durations))
    }, fields: vec![("errors", json!(it.errors))];
    ReconcileFailed: |it| Level::Error, format!(
        "pass {}: {} after {}: {}",
        it.pass,
        it.stage,
        short(it.durations.total),
        kept(&headline(&it.problems)),
    ), problems: it.problems.clone();
    DeployRequested: |it| Level::Info, match it.inputs.pass {
        Inputs::FOLLOWED => "as the leader has it".to_owned(),
        pass => format!("pass {pass}: every validator agreed"),
    };
    DeployStarted: |it| Level::Info, pass(it.pass);
    DeploySucceeded: |it| Level::Good, {
        let how = match it.live {
            Live::Unchanged => "nothing to do, the file is as it should be".to_owned(),
            Live::Written => format!("wrote {}", it.config.display()),
            Live::Started => format!("wrote {} and started haproxy", it.config.display()),
            Live::Reloaded(worker) => format!("haproxy reloaded, worker {worker} took over"),
        };
        format!("{}: {how}", pass(it.pass))
    };
    DeployRefused: |it| Level::Error, format!("{}: haproxy says: {}", pass(it.pass), headline(&it.problems)), problems: it.problems.clone();
    DeployRolledBack: |it| Level::Warning, format!("{}: {} is in force again", pass(it.pass), it.to);
    DeployFailed: |it| Level::Error, format!("{}: {}", pass(it.pass), it.problem), problems: vec![it.problem.clone()];
    HaproxyStarted: |it| Level::Good, format!("pid {} on {}", it.pid, it.on);
    HaproxyExited: |it| Level::Error, format!("pid {} ended with {}", it.pid, it.status);
    HaproxyRestarted: |it| Level::Good, format!("pid {}, after {} without", it.pid, short(it.gap));
    HaproxyUnavailable: |it| Level::Error, format!(
        "{}; trying again {}",
        headline(&it.problems),
        it.retry_in.map_or_else(|| "with the next configuration".to_owned(), |delay| format!("in {}", short(delay))),
    ), problems: it.problems.clone();
    HaproxyWanted: |it| Level::Info, format!("attempt {}", it.attempts + 1);
    HaproxyStopped: |it| Level::Info, it.pid.map_or_else(|| "this run started none".to_owned(), |pid| format!("pid {pid}"));
    ClusterChanged: |it| Level::Info, {
        let validators = if it.validators.is_empty() { "no validator".to_owned() } else { it.validators.join(", ") };
        format!("{}; {validators} here", it.nodes.join(", "))
    }, fields: vec![("nodes", json!(it.nodes)), ("validators", json!(it.validators))];
    LeaderElected: |it| Level::Good, format!("{} leads, term {}", it.node, it.term), fields: vec![("node", json!(it.node)), ("term", json!(it.term))];
    SteppedDown: |it| Level::Warning, format!("this replica leads no more, term {} is over for it", it.term);
    ConfigDeployed: |it| Level::Good, format!("{} has version {} in force", it.node, version(it.version)), fields: vec![("node", json!(it.node))];
    ConfigFollowed: |it| Level::Good, format!("{} follows, with version {}", it.node, version(it.version)), fields: vec![("node", json!(it.node))];
}

fn pass(number: u64) -> String {
    match number {
        Inputs::FOLLOWED => "following".to_owned(),
        number => format!("pass {number}"),
    }
}

fn version((term, pass): (u64, u64)) -> String {
    format!("{term}.{pass}")
}

fn kept(why: &str) -> String {
    format!("{why}; whatever was in force stays in force")
}

fn verdict(verdict: &Verdict) -> String {
    let Verdict { validator, looked_at, problems, .. } = verdict;
    match (looked_at.as_str(), &problems[..]) {
        (looked_at, []) => format!("{validator}: {looked_at}"),
        ("", problems) => format!("{validator}: {}", headline(problems)),
        (looked_at, problems) => format!("{validator}: {looked_at}; {}", headline(problems)),
    }
}

fn verdict_level(problems: &[Problem]) -> Level {
    problems.iter().map(|problem| problem.severity).min().map_or(Level::Good, level)
}

/// The first of several names; `--json` has all of them in a field.
fn some(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more (see --json)", rest.len()),
    }
}

/// How many Ingresses of which other classes there are.
fn passed_over(ingresses: &[PassedOver]) -> Option<String> {
    let mut classes: BTreeMap<_, usize> = BTreeMap::new();
    for it in ingresses {
        *classes.entry(it.class.as_deref()).or_default() += 1;
    }
    let classes: Vec<_> = classes
        .into_iter()
        .map(|(class, count)| format!("{} {count}", class.unwrap_or("without a class")))
        .collect();
    (!classes.is_empty()).then(|| {
        let number = count(ingresses.len(), "Ingress");
        format!("passed over {number} of another class: {}", classes.join(", "))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shortened_for_people() {
        let names = |count: usize| some(&["a", "b", "c", "d"].map(str::to_owned)[..count]);
        assert_eq!(names(1), "a");
        assert_eq!(names(2), "a and b");
        assert_eq!(names(4), "a, b and 2 more (see --json)");
    }

    #[test]
    fn ingresses_of_other_classes_are_counted_by_class() {
        let of = |class: Option<&str>| PassedOver {
            ingress: "web/shop".to_owned(),
            class: class.map(str::to_owned),
            file: "a.yaml".into(),
            line: 1,
        };
        assert_eq!(passed_over(&[]), None);
        assert_eq!(
            passed_over(&[of(Some("nginx")), of(None), of(Some("nginx"))]).unwrap(),
            "passed over 3 Ingresses of another class: without a class 1, nginx 2"
        );
    }
}
