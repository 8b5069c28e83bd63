//! The socket of HAProxy's master process: which workers there are, and reloading them.
//!
//! A reload is refused when the new configuration loads but cannot start, for example because a
//! port is taken; `haproxy -c` cannot know. The master then keeps the old worker and counts a
//! failed reload, which is what [`reload`] looks for.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout};

/// How often the master is asked while waiting for it.
const POLL: Duration = Duration::from_millis(15);
/// How long one question may take.
const ANSWER: Duration = Duration::from_secs(2);

/// The master's own account of its processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Processes {
    /// The master's pid.
    pub(crate) master: u32,
    /// How many reloads failed.
    pub(crate) failed: u32,
    /// Workers that run the current configuration.
    pub(crate) current: BTreeSet<u32>,
    /// Workers that finish what they began under an earlier one.
    pub(crate) old: BTreeSet<u32>,
}

/// How a reload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload {
    /// This worker serves the new configuration.
    Loaded(u32),
    /// The old worker goes on.
    Refused,
}

/// Asks the master at `socket` for its processes.
pub(crate) async fn processes(socket: &Path) -> io::Result<Processes> {
    let text = ask(socket, "show proc").await?;
    parse(&text)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "`show proc` named no master"))
}

/// Waits until the master at `socket` has a worker, of whatever age: after a refused reload it is
/// the one from before.
pub(crate) async fn wait_ready(socket: &Path, limit: Duration) -> io::Result<Processes> {
    let deadline = Instant::now() + limit;
    loop {
        match processes(socket).await {
            Ok(found) if !(found.current.is_empty() && found.old.is_empty()) => return Ok(found),
            _ if Instant::now() >= deadline => return Err(io::ErrorKind::TimedOut.into()),
            _ => sleep(POLL).await,
        }
    }
}

/// Makes the master at `socket` load its configuration again, and waits for the outcome.
pub(crate) async fn reload(socket: &Path, limit: Duration) -> io::Result<Reload> {
    let deadline = Instant::now() + limit;
    // It may be amid a reload that somebody else asked for.
    let before = wait_ready(socket, limit).await?;
    // The master closes the connection when it starts itself anew.
    match ask(socket, "reload").await {
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => return Err(error),
        _ => {}
    }
    loop {
        // Until the new master listens, its socket refuses.
        if let Ok(now) = processes(socket).await {
            let known = |pid: &&u32| !before.current.contains(pid) && !before.old.contains(pid);
            if let Some(worker) = now.current.iter().find(known) {
                return Ok(Reload::Loaded(*worker));
            }
            if now.failed > before.failed {
                return Ok(Reload::Refused);
            }
        }
        if Instant::now() >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        sleep(POLL).await;
    }
}

/// The state of the servers of the worker that listens at `socket`, in the format that the next
/// worker loads.
pub(crate) async fn server_state(socket: &Path) -> io::Result<String> {
    ask(socket, "show servers state").await
}

async fn ask(socket: &Path, command: &str) -> io::Result<String> {
    let conversation = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(format!("{command}\n").as_bytes()).await?;
        // The master answers until nobody asks any more.
        stream.shutdown().await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    timeout(ANSWER, conversation).await.map_err(io::Error::from)?
}

/// Reads the table `show proc` prints.
fn parse(text: &str) -> Option<Processes> {
    let mut found = Processes::default();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let Some(pid) = words.next().and_then(|word| word.parse().ok()) else {
            continue;
        };
        match words.next() {
            Some("master") => {
                found.master = pid;
                let failed =
                    line.split_once("[failed: ").and_then(|(_, rest)| rest.split_once(']'));
                found.failed = failed.and_then(|(number, _)| number.parse().ok()).unwrap_or(0);
            }
            // A worker's count is the number of reloads it has seen; the newest has seen none,
            // and after a refused reload it counts that one, but no younger worker is there.
            Some("worker") => match words.next() {
                Some("0") => drop(found.current.insert(pid)),
                _ => drop(found.old.insert(pid)),
            },
            _ => {}
        }
    }
    (found.master != 0).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
#<PID>          <type>          <reloads>       <uptime>        <version>
3753            master          2 [failed: 1]   0d00h00m11s     2.6.12-1+deb12u4
# workers
3901            worker          0               0d00h00m04s     2.6.12-1+deb12u4
# old workers
3819            worker          1               0d00h00m04s     2.6.12-1+deb12u4
# programs

";

    #[test]
    fn the_table_of_processes_is_read() {
        let found = parse(TABLE).unwrap();
        assert_eq!((found.master, found.failed), (3753, 1));
        assert_eq!(found.current, BTreeSet::from([3901]));
        assert_eq!(found.old, BTreeSet::from([3819]));
        assert_eq!(parse("Unknown command"), None);
    }

    #[tokio::test]
    async fn nobody_at_the_socket_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("master.sock");
        assert!(processes(&socket).await.is_err());
        let error = wait_ready(&socket, Duration::ZERO).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
