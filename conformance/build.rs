//! Compiles the puppet of `src/subjects/kernel/puppet/`: a program of its own, without any library.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

const SOURCE: &str = "src/subjects/kernel/puppet/main.rs";
const LAYOUT: &str = "src/subjects/kernel/layout.rs";

fn main() {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed={LAYOUT}");
    println!("cargo::rerun-if-changed=build.rs");
    let get = |name| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let program = Path::new(&get("OUT_DIR")).join("puppet");
    if get("CARGO_CFG_TARGET_OS") != "linux" || get("CARGO_CFG_TARGET_ARCH") != "x86_64" {
        // Nobody to execute it: the subject says so.
        fs::write(&program, []).expect("OUT_DIR can be written");
        return;
    }
    // Neither RUSTFLAGS nor the profile: a sanitizer or a model checker has no business in there.
    let status = Command::new(get("RUSTC"))
        .args([SOURCE, "--edition", "2024", "--crate-name", "puppet", "--crate-type", "bin"])
        .args(["--target", &get("TARGET"), "-Cpanic=abort", "-Copt-level=2", "-Crelocation-model=static"])
        .args(["-Clink-arg=-nostartfiles", "-Clink-arg=-nostdlib", "-Clink-arg=-static", "-Cstrip=symbols"])
        .arg("-o")
        .arg(&program)
        .status()
        .expect("rustc can be started");
    assert!(status.success(), "the puppet does not compile");
}
