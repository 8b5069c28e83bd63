//! The `haproxy` program: where it is, and what it says about a configuration.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::messages::{Alert, alerts, warnings};

/// An `haproxy` program that answered to `-v`.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    /// Its path, absolute, since a reload runs it again.
    pub(crate) path: PathBuf,
    /// Its version, such as `2.6.12`.
    pub(crate) version: String,
}

impl Binary {
    /// Finds `wanted` (`none` for doing without), or else `haproxy` in the search path and the places packages put it.
    ///
    /// # Errors
    /// When `wanted` was named and is no HAProxy. Finding none is `Ok(None)`.
    pub(crate) async fn find(wanted: Option<&Path>) -> io::Result<Option<Self>> {
        if wanted == Some(Path::new("none")) {
            return Ok(None);
        }
        if let Some(path) = wanted {
            return Self::at(path).await.map(Some).map_err(|error| {
                io::Error::new(error.kind(), format!("{} is no haproxy: {error}", path.display()))
            });
        }
        let search = std::env::var_os("PATH").unwrap_or_default();
        for folder in
            std::env::split_paths(&search).chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        {
            let path = folder.join("haproxy");
            if path.is_file()
                && let Ok(binary) = Self::at(&path).await
            {
                return Ok(Some(binary));
            }
        }
        Ok(None)
    }

    async fn at(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let output = Command::new(&path).arg("-v").stdin(Stdio::null()).output();
        let output = timeout(Duration::from_secs(5), output).await.map_err(io::Error::from)??;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = version(&text).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "it does not tell its version")
        })?;
        Ok(Self { path, version })
    }

    /// Asks whether `config` is valid, without writing it anywhere.
    ///
    /// The inner result is HAProxy's answer: its warnings, or the reasons for a refusal. The outer
    /// one fails when HAProxy could not be run.
    pub(crate) async fn check(
        &self,
        config: &str,
        limit: Duration,
    ) -> io::Result<Result<Vec<Alert>, Vec<Alert>>> {
        let mut child = Command::new(&self.path)
            .args([OsStr::new("-c"), OsStr::new("-f"), OsStr::new("/dev/stdin")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        let text = config.as_bytes().to_vec();
        // Beside reading its output, so that neither side waits for the other's pipe.
        let write = tokio::spawn(async move {
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(&text).await;
            }
        });
        let output = timeout(limit, child.wait_with_output()).await.map_err(io::Error::from)??;
        write.abort();
        let stderr = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            return Ok(Ok(warnings(&stderr)));
        }
        let mut found = alerts(&stderr);
        if found.is_empty() {
            found.push(Alert {
                line: None,
                message: format!("haproxy -c ended with {} and no reason", output.status),
            });
        }
        Ok(Err(found))
    }
}

/// The number in `HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/`.
fn version(text: &str) -> Option<String> {
    let rest =
        text.strip_prefix("HAProxy version ").or_else(|| text.strip_prefix("HA-Proxy version "))?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    Some(rest[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_number() {
        let text = "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\n";
        assert_eq!(version(text).as_deref(), Some("2.6.12"));
        assert_eq!(version("bash: haproxy: command not found"), None);
    }

    #[tokio::test]
    async fn a_wrong_path_is_an_error_that_names_it() {
        let error = Binary::find(Some(Path::new("/nowhere/haproxy"))).await.unwrap_err();
        assert!(error.to_string().contains("/nowhere/haproxy is no haproxy"), "{error}");
        let error = Binary::find(Some(Path::new("/bin/true"))).await.unwrap_err();
        assert!(error.to_string().contains("does not tell its version"), "{error}");
    }
}
