//! Everything the components tell each other. This is all that one knows of another.
//!
//! Three chapters: `site` is what was found, `pass` is one reconciliation from its trigger to its
//! end, `proxy` is what HAProxy does. How an event reads in the narrative is in `tell`.

mod pass;
mod proxy;
mod site;
pub(crate) mod tell;

pub(crate) use pass::*;
pub(crate) use proxy::*;
pub(crate) use site::*;
