//! The C header, generated from the doc comments and `repr(C)` types of `ffi/`.

use std::fs;
use std::path::Path;

use cbindgen::{Builder, Config};

/// The sources in the order in which their contents shall appear.
const SOURCES: &[&str] = &[
    "codes.rs",
    "structs.rs",
    "ctx.rs",
    "events.rs",
    "tasks.rs",
    "exits.rs",
    "waits.rs",
    "groups.rs",
    "attrs.rs",
    "queries.rs",
    "signals.rs",
];

/// Where the header is, below the repository.
const HEADER: &str = "include/ptexit.h";

/// Writes the header.
pub fn write(repository: &Path) -> Result<(), String> {
    let path = repository.join(HEADER);
    let text = generate(repository)?;
    if fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(&path, text).map_err(|why| format!("{}: {why}", path.display()))
}

/// Fails if the header is not what `write` would write.
pub fn check(repository: &Path) -> Result<(), String> {
    let path = repository.join(HEADER);
    let old = fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
    let new = generate(repository)?;
    match old.lines().zip(new.lines()).position(|(old, new)| old != new) {
        None if old == new => Ok(()),
        difference => {
            let line = difference.unwrap_or_else(|| old.lines().count().min(new.lines().count())) + 1;
            Err(format!("{HEADER}:{line}: not what the sources say; run `cargo run -p xtask -- header`"))
        }
    }
}

fn generate(repository: &Path) -> Result<String, String> {
    let ffi = repository.join("ffi");
    let mut config = Config::from_file(ffi.join("cbindgen.toml").to_string_lossy().as_ref())?;
    config.after_includes = Some(format!("\n{}\n{PREAMBLE}", versions()?));
    let mut builder = Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(ffi.join("src").join(source));
    }
    let bindings = builder.generate().map_err(|why| why.to_string())?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).map_err(|why| why.to_string())?;
    Ok(tidy(&text))
}

/// Puts one-line comments on one line, negative numbers in parentheses, and high bits in hexadecimal: in
/// decimal they would be signed, and wider than the fields they go into.
fn tidy(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if line.trim_start() == "*/"
            && let [.., open, only] = &lines[..]
            && open.trim_start() == "/**"
        {
            let joined = format!("{open} {} */", only.trim_start().trim_start_matches("* "));
            lines.truncate(lines.len() - 2);
            lines.push(joined);
        } else if let Some((define, number)) = line.split_once(" -")
            && define.starts_with("#define ")
        {
            lines.push(format!("{define} (-{number})"));
        } else if let Some((define, number)) = line.rsplit_once(' ')
            && define.starts_with("#define ")
            && let Ok(number) = number.parse::<u32>()
            && number >= 1 << 16
        {
            lines.push(format!("{define} {number:#010x}u"));
        } else if !(line.is_empty() && lines.last().is_some_and(String::is_empty)) {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n") + "\n"
}

/// The version macros. All packages of the workspace have one version, so this package's own will do.
fn versions() -> Result<String, String> {
    let parts: Vec<u32> = env!("CARGO_PKG_VERSION").split('.').map_while(|part| part.parse().ok()).collect();
    let [major, minor, patch] = parts[..] else {
        return Err(concat!("not a version: ", env!("CARGO_PKG_VERSION")).to_owned());
    };
    Ok(format!(
        "/** The version this header belongs to; ptexit_version() tells the library's. */\n\
         #define PTEXIT_VERSION_MAJOR {major}\n\
         #define PTEXIT_VERSION_MINOR {minor}\n\
         #define PTEXIT_VERSION_PATCH {patch}\n\
         #define PTEXIT_VERSION {}u\n",
        major << 24 | minor << 16 | patch << 8
    ))
}

/// What C needs and Rust has no word for.
const PREAMBLE: &str = r#"
/** On functions whose result must be looked at. */
#if defined(__GNUC__)
#define PTEXIT_NODISCARD __attribute__((warn_unused_result))
#else
#define PTEXIT_NODISCARD
#endif

/** The wait status of a process that called exit(code); compare W_EXITCODE in <sys/wait.h>. */
#define PTEXIT_EXITED(code) (((uint32_t)(code) & 0xffu) << 8)
/** The wait status of a process killed by a signal. */
#define PTEXIT_KILLED(signo) ((uint32_t)(signo) & 0x7fu)
/** The wait status of a process killed by a signal that dumped core. */
#define PTEXIT_DUMPED(signo) (PTEXIT_KILLED(signo) | 0x80u)

/** The initial value of a struct with a `size`: ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args); */
#ifdef __cplusplus
extern "C++" {
template <typename T> inline T ptexit_init()
{
    T value = T();
    value.size = static_cast<uint32_t>(sizeof(T));
    return value;
}
}
#define PTEXIT_INIT(type) ptexit_init<type>()
#else
#define PTEXIT_INIT(type) { .size = (uint32_t)sizeof(type) }
#endif
"#;
