//! What the documents say exists, exists: files, functions, tests, links, dependencies.

mod text {
    pub mod files;
}

use std::collections::{BTreeMap, BTreeSet};

use text::files::{files, read, repository};

fn fail_with(offences: Vec<String>, rule: &str) {
    assert!(offences.is_empty(), "{rule}:\n{}\n", offences.join("\n"));
}

fn documents() -> Vec<String> {
    let mut found = files("docs", "md");
    found.extend(["README.md".into(), "CHANGELOG.md".into()]);
    found
}

/// The lines of a document with their numbers, those between ``` left out.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// What stands between backquotes in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Does a file or folder of that name exist, from the top, in the core's sources or among the models?
fn exists(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    [path.to_owned(), format!("core/src/{path}"), format!("loom-tests/tests/{path}")]
        .iter()
        .any(|path| repository().join(path).exists())
}

fn is_path(word: &str) -> bool {
    let folders =
        ["core/", "ffi/", "model/", "conformance/", "loom-tests/", "benches/", "sandbox/", "examples/", "docs/"];
    let layers = ["uapi/", "lockfree/", "record/", "protocol/", "include/", "xtask/"];
    let starts = |starts: &[&str]| starts.iter().any(|start| word.starts_with(start));
    !word.contains([' ', '*', '<']) && (starts(&folders) || starts(&layers))
}

#[test]
fn readme_shows_the_example_that_is_tested() {
    let readme = read("README.md");
    let example = readme.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example in C");
    assert_eq!(example, read("examples/first.c"), "README.md and examples/first.c differ");
}

#[test]
fn readme_names_the_rust_that_is_needed() {
    let version = read("Cargo.toml").lines().find_map(|line| line.strip_prefix("rust-version = ").map(str::to_owned));
    let version = version.expect("a rust-version").trim_matches('"').to_owned();
    assert!(read("README.md").contains(&format!("Rust {version} or later")), "README.md: not Rust {version}");
}

#[test]
fn links_lead_somewhere() {
    let mut offences = Vec::new();
    for document in documents() {
        let text = read(&document);
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, line) in prose(&text) {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                if path.contains("://") {
                    continue;
                }
                let path = if path.is_empty() { document.clone() } else { format!("{folder}/{path}") };
                let path = path.trim_start_matches('/').to_owned();
                let leads =
                    repository().join(&path).exists() && (anchor.is_empty() || headings(&read(&path)).contains(anchor));
                if !leads {
                    offences.push(format!("{document}:{}: {target}", number + 1));
                }
            }
        }
    }
    fail_with(offences, "dead links");
}

/// The anchors of a document's headings.
fn headings(text: &str) -> BTreeSet<String> {
    let anchor = |title: &str| {
        let kept = title.trim().to_lowercase().replace(' ', "-");
        kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
    };
    prose(text)
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| anchor(line.trim_start_matches('#')))
        .collect()
}

#[test]
fn named_files_exist() {
    let mut offences = Vec::new();
    let mut seen = 0;
    for document in documents() {
        for (number, line) in prose(&read(&document)) {
            for word in quoted(line).filter(|word| is_path(word)) {
                seen += 1;
                if !exists(word) {
                    offences.push(format!("{document}:{}: {word}", number + 1));
                }
            }
        }
    }
    assert!(seen > 100, "{seen} paths found: the search is broken");
    fail_with(offences, "named files that do not exist");
}

/// The name of the function that a line of Rust declares.
fn function(line: &str) -> Option<&str> {
    line.split_once("fn ")?.1.split(['(', '<']).next()
}

#[test]
fn functions_of_the_design_exist() {
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in ["core/src", "ffi/src"].iter().flat_map(|folder| files(folder, "rs")) {
        for name in read(&path).lines().filter_map(function) {
            known.entry(name.to_owned()).or_default().push(path.clone());
        }
    }
    let mut offences = Vec::new();
    let mut seen = 0;
    for (number, line) in prose(&read("docs/design.md")) {
        for word in quoted(line) {
            let Some((owner, name)) = word.split_once("::") else {
                if word.contains('_') && !word.contains(['/', ' ', '.']) && word.to_lowercase() == word {
                    seen += 1;
                    if !known.contains_key(word) && !word.starts_with("__") {
                        offences.push(format!("docs/design.md:{}: {word}", number + 1));
                    }
                }
                continue;
            };
            seen += 1;
            // A module is a file of that name; a type is declared in the file.
            let is_there = |path: &String| {
                path.ends_with(&format!("/{owner}.rs")) || read(path).contains(&format!("struct {owner}"))
            };
            if !known.get(name).is_some_and(|paths| paths.iter().any(is_there)) {
                offences.push(format!("docs/design.md:{}: {word}", number + 1));
            }
        }
    }
    assert!(seen > 30, "{seen} functions found: the search is broken");
    fail_with(offences, "functions that do not exist");
}

/// Every test there is, by the name that documents use.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in ["core", "model", "conformance", "loom-tests", "ffi/src"].iter().flat_map(|folder| files(folder, "rs"))
    {
        let text = read(&path);
        if path.starts_with("loom-tests/") {
            // A test there runs many models, which are functions of their own.
            names.extend(text.lines().filter_map(function).map(str::to_owned));
        }
        let marked = text.split("#[test]").skip(1);
        names.extend(marked.filter_map(|rest| rest.lines().find_map(function)).map(str::to_owned));
    }
    for path in files("ffi/tests-c", "c") {
        let text = read(&path);
        let declared = text.lines().filter_map(|line| line.strip_prefix("static void ")?.split('(').next());
        names.extend(declared.filter(|name| text.contains(&format!("({name}"))).map(str::to_owned));
    }
    let name = |path: String| path.rsplit('/').next().unwrap_or("").to_owned();
    names.extend(files("conformance/scenarios", "txt").into_iter().map(|path| name(path).replace(".txt", "")));
    for extension in ["sh", "bash", "dash", "py", "c"] {
        names.extend(files("sandbox/tests/cases", extension).into_iter().map(name));
    }
    names
}

#[test]
fn tables_name_files_and_tests_that_exist() {
    let tests = tests();
    let mut offences = Vec::new();
    let mut seen = 0;
    for document in ["docs/linux.md", "docs/orderings.md"] {
        let text = read(document);
        let mut columns = Vec::new();
        for (number, line) in prose(&text) {
            let mut wrong = |what: &str| offences.push(format!("{document}:{}: {what}", number + 1));
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            if !line.starts_with('|') {
                columns.clear();
                continue;
            } else if columns.is_empty() {
                columns = cells;
                continue;
            }
            for (column, cell) in columns.iter().zip(cells) {
                let column = column.to_lowercase();
                let named = ["file", "test", "fails"].iter().any(|name| column.starts_with(name));
                // Edges of the memory model are quoted as well; they have no underscore.
                let is_name = |word: &&str| document.ends_with("linux.md") || word.contains('_');
                for word in quoted(cell).filter(|_| named).filter(is_name) {
                    seen += 1;
                    let is_file = column == "file" || is_path(word) || word.ends_with(".rs");
                    if is_file && !exists(word) || !is_file && !tests.contains(word) {
                        wrong(word);
                    }
                }
                if column.starts_with("rows") && document.ends_with("linux.md") && cell.is_empty() {
                    wrong("a row without a number");
                }
            }
        }
    }
    assert!(seen > 150, "{seen} names found: the search is broken");
    fail_with(offences, "files and tests that do not exist");
}

#[test]
fn every_edge_has_a_row() {
    let rows: String = prose(&read("docs/orderings.md")).map(|(_, line)| line.to_owned() + "\n").collect();
    let mut missing: BTreeMap<String, String> = BTreeMap::new();
    let mut seen = 0;
    for path in files("core/src", "rs") {
        for line in read(&path).lines().filter_map(|line| line.split_once("//")?.1.split_once("edge")) {
            // "edge `a`", "edges `a` and `b`": names are quoted and have a hyphen.
            for edge in quoted(line.1).filter(|word| word.contains('-') && !word.contains([' ', '(', '>', '/'])) {
                seen += 1;
                if !rows.contains(&format!("`{edge}`")) {
                    missing.insert(edge.to_owned(), path.clone());
                }
            }
        }
    }
    assert!(seen > 30, "{seen} edges found: the search is broken");
    fail_with(missing.iter().map(|(edge, path)| format!("{path}: {edge}")).collect(), "edges without a row");
}

#[test]
fn every_row_of_linux_is_there_once_at_least() {
    let text = read("docs/linux.md");
    let mut missing: BTreeSet<String> = (1..=146).map(|row| row.to_string()).collect();
    missing.extend((1..=23).map(|row| format!("D{row}")));
    for cell in prose(&text).filter_map(|(_, line)| line.strip_prefix("| ")?.split(" |").next()) {
        for rows in cell.split(", ") {
            let (first, last) = rows.split_once('–').unwrap_or((rows, rows));
            if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) {
                missing.retain(|row| !row.parse().is_ok_and(|row: u32| (first..=last).contains(&row)));
            } else {
                missing.remove(rows);
            }
        }
    }
    fail_with(missing.into_iter().collect(), "rows that docs/linux.md leaves out");
}

/// The comments of a file of code or of a scenario, with the numbers of their lines.
fn comments<'a>(path: &str, text: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let mark = if path.ends_with(".txt") { "#" } else { "//" };
    text.lines().enumerate().filter_map(move |(number, line)| Some((number, line.split_once(mark)?.1)))
}

/// Whether a word is a letter and a number, as rows and races are called: `D7`, but not `P_PID` or `C11`.
fn is_citation(word: &str) -> bool {
    let (letter, number) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
    let number = number.trim_end_matches(|c: char| c.is_ascii_lowercase());
    "DIPQRTU".contains(letter) && !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
}

#[test]
fn what_comments_cite_can_be_looked_up_here() {
    let mut offences = Vec::new();
    let mut seen = 0;
    let code = ["core", "model", "conformance/src", "conformance/tests", "ffi"].iter();
    let code = code.flat_map(|folder| files(folder, "rs"));
    for path in files("conformance/scenarios", "txt").into_iter().chain(code) {
        let name = path.rsplit('/').next().unwrap_or("").trim_end_matches(".txt");
        if path.ends_with(".txt") && name.split('_').next().is_some_and(|first| first.ends_with(char::is_numeric)) {
            offences.push(format!("{path}: a name that begins with a number of something"));
        }
        for (number, comment) in comments(&path, &read(&path)) {
            for word in comment.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| is_citation(word)) {
                seen += 1;
                // The D-rows are in docs/linux.md, as are those that are numbers only.
                if !matches!(word.strip_prefix('D').and_then(|row| row.parse::<u32>().ok()), Some(1..=23)) {
                    offences.push(format!("{path}:{}: {word}", number + 1));
                }
            }
        }
    }
    assert!(seen > 15, "{seen} citations found: the search is broken");
    fail_with(offences, "citations of nothing that is here");
}

/// The dependencies of a manifest that are not packages of this repository.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut within = false;
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            within = line.ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once(['.', ' ', '=']).filter(|_| within && !line.starts_with('#')) {
            found.insert(name.to_owned());
        }
    }
    found.retain(|name| !name.starts_with("ptexit"));
    found
}

#[test]
fn every_dependency_has_a_line_and_is_used() {
    let page = read("docs/dependencies.md");
    let mut listed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut package = String::new();
    for (_, line) in prose(&page) {
        if let Some(name) = line.strip_prefix("## ") {
            package = name.to_owned();
        } else if let Some(name) = line.strip_prefix("| `").and_then(|rest| rest.split('`').next()) {
            listed.entry(package.clone()).or_default().insert(name.to_owned());
        }
    }
    let mut offences = Vec::new();
    for manifest in files(".", "toml").iter().filter(|path| path.ends_with("/Cargo.toml")) {
        let text = read(manifest);
        let name = text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).expect("a name");
        let wanted = dependencies(&text);
        let found = listed.remove(name).unwrap_or_default();
        let folder = manifest.trim_end_matches("/Cargo.toml");
        let source: String = files(folder, "rs").iter().map(|path| read(path)).collect();
        offences.extend(wanted.difference(&found).map(|it| format!("{manifest}: {it} is not in docs/dependencies.md")));
        offences.extend(found.difference(&wanted).map(|it| format!("docs/dependencies.md: {name} does not need {it}")));
        for it in wanted.iter().filter(|it| !source.contains(&it.replace('-', "_"))) {
            offences.push(format!("{manifest}: {it} is used nowhere"));
        }
    }
    offences.extend(listed.into_keys().map(|name| format!("docs/dependencies.md: there is no package {name}")));
    fail_with(offences, "dependencies");
}
