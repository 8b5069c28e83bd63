//! Asks a server what it knows, at its monitoring port.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long one question may take. A frozen server never answers.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A page of the monitoring port, such as `/varz`; `None` if the server does not answer.
pub(super) fn page(port: u16, path: &str) -> Option<Value> {
    let mut stream = connect(port)?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    serde_json::from_str(body).ok()
}

/// The name of the server that listens for clients at a port, from its first line.
pub(super) fn name(port: u16) -> Option<String> {
    let mut line = String::new();
    BufReader::new(connect(port)?).read_line(&mut line).ok()?;
    let info: Value = serde_json::from_str(line.strip_prefix("INFO ")?).ok()?;
    Some(info["server_name"].as_str()?.to_owned())
}

/// The names of the servers to which a server has routes.
pub(super) fn routes(port: u16) -> Option<BTreeSet<String>> {
    let page = page(port, "/routez")?;
    let routes = page["routes"].as_array()?;
    Some(routes.iter().filter_map(|it| it["remote_name"].as_str()).map(str::to_owned).collect())
}

/// The name of the server that leads JetStream in a cluster.
pub(super) fn leader(port: u16) -> Option<String> {
    let page = page(port, "/jsz")?;
    let leader = page["meta_cluster"]["leader"].as_str()?;
    (!leader.is_empty()).then(|| leader.to_owned())
}

fn connect(port: u16) -> Option<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(TIMEOUT)).ok()?;
    Some(stream)
}
