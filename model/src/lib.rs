//! (see package description)
