//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::*;

use crate::cluster::Replica;
use crate::logic::line::Format;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A configuration controller for HAProxy: watches Kubernetes manifests in a folder, renders a
configuration, has it validated, and keeps a HAProxy running on it.

Usage: ingress [OPTIONS]
       ingress generate --ingresses N DIR

Options:
  --site DIR       the folder with controller.yaml, templates/ and resources/
                   [default: the sample site]
  --out DIR        where the configuration is written [default: target/ingress]
  --haproxy PATH   the haproxy program, or `none` [default: the one in the search path, if any]
  --once           one pass, without starting HAProxy: exits with 0, or with 1 and the reason
  --json           one JSON object per line
  --console ADDR   where the console's page is served, on this machine only, or `off`
                   [default: 127.0.0.1:4870, or a free port if that is taken; off with --once]
  --cluster N      N replicas, as child processes, and a nats-server that links them; each writes
                   a folder of its own in the output folder
  --node NAME, --nats URL
                   one replica more, linked by that server; with `--cluster N` it waits a few
                   seconds for the others before it begins
  -h, --help       this text
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Control.
    Run(Options),
    /// Write a large site.
    Generate {
        /// How large.
        ingresses: usize,
        /// Where.
        folder: PathBuf,
    },
    /// Explain.
    Help,
}

/// How to control.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The site.
    pub(crate) site: PathBuf,
    /// The output folder.
    pub(crate) out: PathBuf,
    /// The program, if one was named.
    pub(crate) haproxy: Option<PathBuf>,
    /// How long.
    pub(crate) mode: Mode,
    /// How the narrative is written.
    pub(crate) format: Format,
    /// Where the console is.
    pub(crate) console: Place,
    /// How many replicas to start as child processes.
    pub(crate) cluster: Option<usize>,
    /// Which replica of a cluster this is.
    pub(crate) replica: Option<Replica>,
}

/// Where the console's page is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the usual address or, if that is taken, at a free port.
    Usual,
    /// There and nowhere else.
    At(String),
    /// Nowhere.
    Off,
}

/// How long to control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Until it is asked to end.
    Watch,
    /// For one pass.
    Once,
}

/// Reads the arguments after the program's name.
pub(crate) fn parse<I>(arguments: I) -> Result<Command, lexopt::Error>
where
    I: IntoIterator,
    I::Item: Into<OsString>,
{
    let mut options = Options {
        site: default_site(),
        out: PathBuf::from("target/ingress"),
        haproxy: None,
        mode: Mode::Watch,
        format: Format::Human,
        console: Place::Usual,
        cluster: None,
        replica: None,
    };
    let (mut node, mut nats) = (None, None);
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("site") => options.site = parser.value()?.into(),
            Long("out") => options.out = parser.value()?.into(),
            Long("haproxy") => options.haproxy = Some(parser.value()?.into()),
            Long("once") => options.mode = Mode::Once,
            Long("console") => {
                let place = parser.value()?.string()?;
                options.console = if place == "off" { Place::Off } else { Place::At(place) };
            }
            Long("cluster") => options.cluster = Some(replicas(&parser.value()?.string()?)?),
            Long("node") => node = Some(parser.value()?.string()?),
            Long("nats") => nats = Some(parser.value()?.string()?),
            Long("json") => options.format = Format::Json,
            Short('h') | Long("help") => return Ok(Command::Help),
            Value(word) if word == "generate" => return generate(&mut parser),
            other => return Err(other.unexpected()),
        }
    }
    match (node, nats) {
        (None, None) => {}
        (Some(node), Some(nats)) => {
            let of = options.cluster.take().unwrap_or(1);
            options.replica = Some(Replica { node, nats, of });
        }
        _ => return Err("--node and --nats go together".into()),
    }
    Ok(Command::Run(options))
}

fn replicas(number: &str) -> Result<usize, lexopt::Error> {
    match number.parse() {
        Ok(number @ 1..=9) => Ok(number),
        _ => Err(format!("--cluster: `{number}` is not a number from 1 to 9").into()),
    }
}

fn generate(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut ingresses = 1_000;
    let mut folder = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("ingresses") => ingresses = parser.value()?.parse()?,
            Value(path) if folder.is_none() => folder = Some(PathBuf::from(path)),
            other => return Err(other.unexpected()),
        }
    }
    let folder = folder.ok_or("generate: where to? give a folder")?;
    Ok(Command::Generate { ingresses, folder })
}

/// The sample site: in the folder it is run from, or where it was built.
fn default_site() -> PathBuf {
    let near = PathBuf::from("examples/ingress/site");
    if near.is_dir() {
        return near;
    }
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/site"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_required() {
        let Command::Run(options) = parse([""; 0]).unwrap() else {
            panic!("no arguments run");
        };
        assert!(options.site.ends_with("site"));
        assert_eq!((options.mode, options.format), (Mode::Watch, Format::Human));
    }

    #[test]
    fn every_option_is_read() {
        let arguments = [
            "--site",
            "s",
            "--out=o",
            "--haproxy",
            "/h",
            "--once",
            "--json",
            "--console",
            "[::1]:0",
        ];
        let expected = Options {
            site: "s".into(),
            out: "o".into(),
            haproxy: Some("/h".into()),
            mode: Mode::Once,
            format: Format::Json,
            console: Place::At("[::1]:0".to_owned()),
            cluster: None,
            replica: None,
        };
        assert_eq!(parse(arguments).unwrap(), Command::Run(expected));
    }

    #[test]
    fn the_console_can_be_off() {
        let Command::Run(options) = parse(["--console=off"]).unwrap() else {
            panic!("an option runs");
        };
        assert_eq!(options.console, Place::Off);
        assert!(parse(["--console"]).is_err());
    }

    #[test]
    fn a_replica_has_a_name_and_a_server() {
        let read =
            |arguments: &[&str]| parse(arguments.to_vec()).map_err(|error| error.to_string());
        let Ok(Command::Run(options)) = read(&["--cluster", "3"]) else { panic!("it runs") };
        assert_eq!((options.cluster, options.replica), (Some(3), None));
        let Ok(Command::Run(options)) = read(&["--node", "a", "--nats", "n", "--cluster=3"]) else {
            panic!("it runs")
        };
        let replica = Replica { node: "a".to_owned(), nats: "n".to_owned(), of: 3 };
        assert_eq!((options.cluster, options.replica), (None, Some(replica)));
        for wrong in [&["--cluster", "0"][..], &["--cluster", "many"], &["--node", "a"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn generate_wants_a_folder() {
        let expected = Command::Generate { ingresses: 5, folder: "d".into() };
        assert_eq!(parse(["generate", "--ingresses", "5", "d"]).unwrap(), expected);
        assert!(parse(["generate"]).is_err());
        assert!(parse(["--nonsense"]).is_err());
    }
}
