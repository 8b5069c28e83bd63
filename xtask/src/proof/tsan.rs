//! ThreadSanitizer over every test of the core.

use std::path::{Path, PathBuf};

use super::folder;
use super::sanitizer::{Sanitizer, TARGET};
use crate::Result;
use crate::command::Program;

/// What tells the sanitizer what the standard library's locks order: that library is not instrumented.
const LOCKS: &str = "proof/std_locks.c";

/// The functions that are wrapped, by the end of their names.
const WRAPPED: &[&str] = &[
    "5mutex5futexNtB2_5Mutex14lock_contended",
    "6rwlock5futexNtB2_6RwLock14read_contended",
    "6rwlock5futexNtB2_6RwLock15write_contended",
    "7condvar5futexNtB2_7Condvar4wait",
    "7condvar5futexNtB2_7Condvar12wait_timeout",
];

/// # Errors
/// When a test fails, a race is reported, or the planted one is not.
pub(super) fn run() -> Result<String> {
    let tsan = sanitizer()?;
    let tests = tsan.run_suite("")?;
    let storm = "test --package callboard --all-features --test it -- storm::";
    tsan.sees("relaxed", storm, "WARNING: ThreadSanitizer: data race")?;
    Ok(format!("{tests} tests, 1 planted bug seen"))
}

fn sanitizer() -> Result<Sanitizer> {
    let mut flags =
        "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg callboard_tsan".to_owned();
    for part in locks()? {
        flags.push_str(" -Clink-arg=");
        flags.push_str(&part);
    }
    Ok(Sanitizer {
        name: "tsan",
        flags: flags.into(),
        options: &[("TSAN_OPTIONS", "halt_on_error=0:suppressions=proof/races.supp")],
    })
}

/// Compiles what wraps the locks; what the linker has to be told.
fn locks() -> Result<Vec<String>> {
    let sysroot = Program::new("rustc", "--print sysroot").read()?;
    let libraries = Path::new(sysroot.trim()).join(format!("lib/rustlib/{TARGET}/lib"));
    let prefix = prefix(&std::fs::read(library(&libraries)?)?)?;
    let folder = folder("std_locks")?;
    std::fs::create_dir_all(&folder)?;
    let object = folder.join("std_locks.o");
    let object = object.to_str().filter(|path| !path.contains(char::is_whitespace));
    let object =
        object.ok_or("the target folder's name has a blank, which RUSTFLAGS can't hold")?;
    let macro_of_c = format!("-DPREFIX=\"{prefix}\"");
    let compiler = Program::new("cc", "-O1 -Wall -Werror -c");
    compiler.args([&macro_of_c, LOCKS, "-o", object]).run()?;
    let wraps = WRAPPED.iter().map(|name| format!("-Wl,--wrap={prefix}{name}"));
    Ok(std::iter::once(object.to_owned()).chain(wraps).collect())
}

/// The file of the crate `std` among the compiler's libraries.
fn library(libraries: &Path) -> Result<PathBuf> {
    for entry in std::fs::read_dir(libraries)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("libstd-") && name.ends_with(".rlib") {
            return Ok(path);
        }
    }
    Err(format!("{} has no libstd-*.rlib", libraries.display()).into())
}

/// What the names of [`WRAPPED`] begin with in a library: that has a hash of this compiler's.
///
/// # Errors
/// When one of them is not there, as in a compiler whose locks are made otherwise.
fn prefix(library: &[u8]) -> Result<String> {
    let prefix = WRAPPED.first().and_then(|name| before(library, name));
    let prefix = prefix.ok_or("this compiler's `std` has not the locks that are to be wrapped")?;
    for name in WRAPPED {
        if before(library, name).as_ref() != Some(&prefix) {
            return Err(format!("this compiler's `std` has no function {prefix}{name}").into());
        }
    }
    Ok(prefix)
}

/// The beginning of the first symbol that ends with `end`.
fn before(library: &[u8], end: &str) -> Option<String> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let symbols = library.split(|byte| !is_part(byte)).filter(|symbol| symbol.starts_with(b"_RN"));
    let mut prefixes = symbols.filter_map(|symbol| symbol.strip_suffix(end.as_bytes()));
    prefixes.next().map(|prefix| String::from_utf8_lossy(prefix).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{WRAPPED, prefix};

    fn library(names: &[&str]) -> Vec<u8> {
        let symbols = names.iter().map(|name| format!("\0_RNvCsX1_3std{name}\0.text"));
        symbols.collect::<String>().into_bytes()
    }

    #[test]
    fn the_compilers_hash_is_read_from_its_library() {
        assert_eq!(prefix(&library(WRAPPED)).unwrap(), "_RNvCsX1_3std");
    }

    #[test]
    fn a_library_with_other_locks_is_an_error() {
        assert!(prefix(b"nothing").unwrap_err().to_string().contains("has not the locks"));
        let (last, others) = WRAPPED.split_last().unwrap();
        let error = prefix(&library(others)).unwrap_err().to_string();
        assert!(error.ends_with(&format!("_RNvCsX1_3std{last}")), "{error}");
    }
}
