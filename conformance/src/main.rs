//! The `scenario` command.
fn main() {}
