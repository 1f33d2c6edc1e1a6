//! Each rule by its name.
