//! What is shown and written: tables while it runs, and the whole at the end.

mod table;

pub(crate) use table::{row_table, summary_table};
