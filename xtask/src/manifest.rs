//! Reads values of the repository's TOML files.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::{Result, tree};

/// The value of a key of a file, such as `workspace.members` of `Cargo.toml`.
///
/// # Errors
/// When the file can't be read, or has no such value.
pub(crate) fn value<T: DeserializeOwned>(path: &str, key: &str) -> Result<T> {
    let table: Table =
        toml::from_str(&tree::read(path)?).map_err(|error| format!("{path}: {error}"))?;
    let mut value = Value::Table(table);
    for part in key.split('.') {
        let found = value.get(part).cloned();
        value = found.ok_or_else(|| format!("{path} has no `{key}`"))?;
    }
    Ok(value.try_into().map_err(|error| format!("{path}: `{key}`: {error}"))?)
}
