//! Processes that do not outlive the tests.

use std::io;
use std::process::{Child, Command};
use std::sync::{OnceLock, mpsc};

type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// A command whose process gets SIGKILL when this one dies, however it dies.
pub(super) fn command(program: &std::path::Path) -> Command {
    if cfg!(target_os = "linux") {
        // setpriv replaces itself by the program, so the child's id is the program's.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// Starts a process from a thread that lives as long as this process: Linux sends the signal of
/// [`command`] when the *thread* ends that started the child.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in inbox {
                // A caller that has gone away drops the child.
                let _ = answer.send(command.spawn());
            }
        });
        orders
    });
    let (answer, child) = mpsc::channel();
    spawner.send((command, answer)).map_err(io::Error::other)?;
    child.recv().map_err(io::Error::other)?
}
