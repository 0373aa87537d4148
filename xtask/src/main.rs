//! Tasks of the repository itself.
//!
//! `cargo run -p xtask -- header` writes `include/ptexit.h` from the sources of `ffi/`;
//! with `--check` it only says whether the file is up to date.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod header;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args[..] {
        ["header"] => header::write(&repository()),
        ["header", "--check"] => header::check(&repository()),
        _ => Err("usage: xtask header [--check]".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The top of the repository: this package lives one level below it.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}
