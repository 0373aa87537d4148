//! Link options of the shared library.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    // The name by which programs find the library: one number for each incompatible ABI.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libptexit.so.0");
    // Symbols are bound once, at load time, and their table is read-only from then on.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,relro,-z,now");
    // Unloading would leave behind what the Rust runtime has registered with the threads of the program.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
