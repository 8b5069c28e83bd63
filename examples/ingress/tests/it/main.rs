//! The controller as its users meet it: the built program, a folder of manifests, a real HAProxy
//! and real requests.

mod cluster;
mod console;
mod external;
mod folder;
mod once;
mod problems;
mod proxy;
mod recovery;
mod support;
