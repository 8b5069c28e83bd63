//! What the run says of itself: a line every few seconds, a page at the end, and the same page for
//! machines.

mod figures;
mod histogram;
mod json;
mod page;

pub(crate) use figures::{Figures, Totals};
pub(crate) use histogram::Histogram;
pub(crate) use page::{Pace, Page};
