//! Three opinions on a configuration, asked for at once.

pub(crate) mod haproxy;
pub(crate) mod schema;
pub(crate) mod template;
