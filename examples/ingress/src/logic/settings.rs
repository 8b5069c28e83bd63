//! `controller.yaml`: how the controller itself behaves.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::problem::Problem;
use super::yaml;

/// The settings of a site.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Settings {
    /// The ingress class this controller serves.
    #[serde(default = "default_class")]
    pub(crate) ingress_class: String,
    /// Whether an Ingress that names no class is served too.
    #[serde(default)]
    pub(crate) watch_without_class: bool,
    /// The template, relative to the site.
    #[serde(default = "default_template")]
    pub(crate) template: String,
    /// A ConfigMap (`namespace/name`) whose entries the template sees as `options`.
    pub(crate) options: Option<String>,
    /// A Secret (`namespace/name`) with the certificate for hosts that have none of their own.
    pub(crate) default_certificate: Option<String>,
    /// Whether an error of one resource holds the whole configuration.
    #[serde(default)]
    pub(crate) strict: bool,
    /// Where HAProxy listens.
    pub(crate) listen: Listen,
    /// How long the site must be quiet before a pass starts.
    #[serde(default = "default_debounce", with = "duration")]
    pub(crate) debounce: Duration,
    /// How long changes may keep a pass waiting at most.
    #[serde(default = "default_debounce_max", with = "duration")]
    pub(crate) debounce_max: Duration,
    /// How long the validators may take.
    #[serde(default = "default_validation", with = "duration")]
    pub(crate) validation_timeout: Duration,
    /// How long HAProxy may take to load a configuration.
    #[serde(default = "default_reload", with = "duration")]
    pub(crate) reload_timeout: Duration,
}

/// Where HAProxy listens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    /// The address, `*` for all.
    pub(crate) address: String,
    /// The port for HTTP.
    pub(crate) http: u16,
    /// The port for HTTPS; none for no TLS.
    pub(crate) https: Option<u16>,
}

/// Parses the text of `file`.
pub(crate) fn parse(file: &Path, text: &str) -> Result<Settings, Problem> {
    let documents = yaml::documents(text)
        .map_err(|error| Problem::fatal(file, Some(error.line), error.to_string()))?;
    let [document] = &documents[..] else {
        let reason = format!("expected 1 document, found {}", documents.len());
        return Err(Problem::fatal(file, None, reason));
    };
    yaml::from_node(document)
        .map_err(|error| Problem::fatal(file, Some(error.line), error.to_string()))
}

/// Reads `250ms`, `10s` or `2m`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        _ => None,
    }
}

/// Durations as they are written in the file.
mod duration {
    use super::*;

    pub(super) fn serialize<S: Serializer>(it: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{}ms", it.as_millis()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        parse_duration(&text).ok_or_else(|| {
            de::Error::custom(format!("`{text}` is not a duration such as `250ms` or `10s`"))
        })
    }
}

fn default_class() -> String {
    "haproxy".to_owned()
}

fn default_template() -> String {
    "templates/haproxy.cfg.j2".to_owned()
}

fn default_debounce() -> Duration {
    Duration::from_millis(200)
}

fn default_debounce_max() -> Duration {
    Duration::from_secs(2)
}

fn default_validation() -> Duration {
    Duration::from_secs(10)
}

fn default_reload() -> Duration {
    Duration::from_secs(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_str(text: &str) -> Result<Settings, Problem> {
        parse(Path::new("controller.yaml"), text)
    }

    #[test]
    fn little_is_required() {
        let settings = parse_str("listen:\n  address: 127.0.0.1\n  http: 8080\n").unwrap();
        assert_eq!(settings.ingress_class, "haproxy");
        assert_eq!(settings.debounce, Duration::from_millis(200));
        assert_eq!(settings.listen.https, None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = "listen: {address: '*', http: 1}\ndebounce: 1s\nstrict: true\n";
        let settings = parse_str(text).unwrap();
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
    }

    #[test]
    fn a_misspelt_setting_is_named_with_its_line() {
        let problem =
            parse_str("listen:\n  address: '*'\n  http: 8080\ndebonce: 1s\n").unwrap_err();
        assert_eq!(problem.line, Some(4));
        assert!(problem.reason.contains("unknown field `debonce`"), "{problem}");
    }

    #[test]
    fn durations_are_written_with_a_unit() {
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("2m"), Some(Duration::from_secs(120)));
        for wrong in ["", "10", "s", "1h30", "-1s"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
        let text = "listen: {address: '*', http: 1}\ndebounce: soon\n";
        assert_eq!(parse_str(text).unwrap_err().line, Some(2));
    }
}
