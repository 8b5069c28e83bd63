//! The controller's knowledge, without the bus: everything here is plain functions and values,
//! tested alone.
//!
//! `placeholder`, `json`, `yaml` → `manifest`, `settings` → `inventory` → `model` → `maps` → `render`
//! → `lint`, and beside them `walk`, `files` and `haproxy` for the outside world, `ring`, `line` and `count`
//! for the narrative, `generate` for the large site.

pub(crate) mod count;
pub(crate) mod files;
pub(crate) mod generate;
pub(crate) mod haproxy;
pub(crate) mod inventory;
pub(crate) mod json;
pub(crate) mod layout;
pub(crate) mod line;
pub(crate) mod lint;
pub(crate) mod manifest;
pub(crate) mod maps;
pub(crate) mod model;
pub(crate) mod placeholder;
pub(crate) mod problem;
pub(crate) mod render;
pub(crate) mod ring;
pub(crate) mod scan;
pub(crate) mod settings;
pub(crate) mod store;
pub(crate) mod walk;
pub(crate) mod yaml;
