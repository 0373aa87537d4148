//! The layers of the core, as a table, and what may be spelled in which: read from the source text.

mod text {
    pub mod files;
    pub mod source;
}

use text::source::{Source, sources};

/// Modules at the top of the crate, left to right. A file may name its own module and those of columns
/// further left.
const LAYERS: [&[&str]; 7] =
    [&["uapi", "ids"], &["terms", "sync", "host"], &["fault"], &["lockfree"], &["record"], &["protocol"], &["tree"]];

/// Where words of the memory model may be spelled: the facade, the structures, the packed words.
const ATOMICS: [&str; 4] = ["sync", "fault", "lockfree", "record"];

/// The one lock: setpgid(2) and setsid(2) take turns. And the one wait: for a host that is being told.
const WAITS: [(&str, &str); 5] = [
    ("record/tables.rs", "Mutex"),
    ("protocol/outbox.rs", "yield_now"),
    ("protocol/outbox.rs", "sleep"),
    ("sync.rs", "yield_now"),
    ("sync.rs", "sleep"),
];

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// The core's files but `lib.rs`, which only lists the modules.
fn core() -> Vec<Source> {
    sources("core/src").into_iter().filter(|source| source.path != "lib.rs").collect()
}

fn core_without_tests() -> Vec<Source> {
    core().into_iter().filter_map(Source::without_tests).collect()
}

fn fail_with(offences: Vec<String>, rule: &str) {
    assert!(offences.is_empty(), "{rule}:\n{}\n", offences.join("\n"));
}

#[test]
fn every_module_has_a_layer() {
    let unknown = core().iter().filter(|source| layer_of(source.top()).is_none()).map(|s| s.path.clone()).collect();
    fail_with(unknown, "modules that the table of layers does not know");
}

#[test]
fn imports_go_left() {
    let mut offences = Vec::new();
    let mut imports = 0;
    for source in core() {
        let Some(own) = layer_of(source.top()) else { continue };
        for (offset, module) in imported(&source) {
            imports += 1;
            let allowed = module == source.top() || layer_of(&module).is_some_and(|layer| layer < own);
            if layer_of(&module).is_some() && !allowed {
                offences.push(source.line_at(offset));
            }
        }
    }
    assert!(imports > 100, "{imports} imports found: the search is broken");
    fail_with(offences, "imports that go right, or across");
}

/// The top-level modules that a file names, with the place where it does.
fn imported(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (offset, path) in source.occurrences("crate::") {
        found.extend(first_names(path).into_iter().map(|name| (offset, name)));
    }
    for (offset, path) in source.occurrences("super::") {
        let mut rest = path;
        let mut up = 1;
        while let Some(further) = rest.strip_prefix("super::") {
            (rest, up) = (further, up + 1);
        }
        // Within a file, a module of tests is one deeper than this takes it to be: then `rest` is no module.
        if up >= source.depth() {
            found.extend(first_names(rest).into_iter().map(|name| (offset, name)));
        }
    }
    found
}

/// `a` of `a::b`, `a` and `c` of `{a::b, c}`.
fn first_names(path: &str) -> Vec<String> {
    let name = |path: &str| path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(list) = path.strip_prefix('{') else { return vec![name(path)] };
    let mut depth = 0;
    let mut names = Vec::new();
    let mut start = 0;
    for (i, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(name(list[start..i].trim_start()));
                start = i + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

#[test]
fn only_structures_and_words_spell_orderings() {
    let words = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst", "fence", "compare_exchange", "fetch_add"];
    let mut offences = Vec::new();
    for source in core().iter().filter(|source| !ATOMICS.contains(&source.top())) {
        for word in words {
            offences.extend(source.words(word).map(|offset| source.line_at(offset)));
        }
        offences.extend(source.occurrences("Atomic").map(|(offset, _)| source.line_at(offset)));
    }
    fail_with(offences, "orderings and atomics outside of sync, fault, lockfree and record");
}

#[test]
fn only_the_facade_names_the_real_atomics() {
    let mut offences = Vec::new();
    for source in core_without_tests().iter().filter(|source| source.top() != "sync") {
        for path in ["sync::atomic", "loom::sync"] {
            offences.extend(source.occurrences(path).map(|(offset, _)| source.line_at(offset)));
        }
    }
    fail_with(offences, "atomics that loom would not see");
}

#[test]
fn only_structures_are_unsafe() {
    let mut offences = Vec::new();
    for source in core().iter().filter(|source| source.top() != "lockfree") {
        offences.extend(source.words("unsafe").map(|offset| source.line_at(offset)));
    }
    fail_with(offences, "unsafe code outside of lockfree");
    let packages = ["model/src", "conformance/src", "xtask/src"];
    let offences = packages.iter().flat_map(|folder| sources(folder)).collect::<Vec<_>>();
    let offences = offences.iter().flat_map(|source| source.words("unsafe").map(|offset| source.line_at(offset)));
    fail_with(offences.collect(), "unsafe code in a package that needs none");
}

#[test]
fn there_is_one_lock_and_one_wait() {
    let mut offences = Vec::new();
    for source in core_without_tests() {
        for word in ["Mutex", "RwLock", "Condvar", "Barrier", "park", "yield_now", "sleep", "spin_loop"] {
            if !WAITS.contains(&(&source.path, word)) {
                offences.extend(source.words(word).map(|offset| source.line_at(offset)));
            }
        }
    }
    fail_with(offences, "something that waits");
}
