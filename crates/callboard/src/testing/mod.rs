//! What users need to test their own components.
pub use crate::sync::block_on;
