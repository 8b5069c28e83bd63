//! A foreign client that may publish anything in the namespace.
