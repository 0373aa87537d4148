//! Rust source as text, with comments and strings blanked out.

use super::files::{files, read};

/// A source file of Rust.
pub struct Source {
    folder: String,
    /// Its path from the folder it was looked for in.
    pub path: String,
    text: String,
    code: String,
}

/// Every source file below `folder`.
pub fn sources(folder: &str) -> Vec<Source> {
    let prefix = format!("{folder}/");
    files(folder, "rs")
        .into_iter()
        .map(|path| {
            let text = read(&path);
            let code = without_comments_and_strings(&text);
            Source { folder: prefix.clone(), path: path[prefix.len()..].to_owned(), text, code }
        })
        .collect()
}

impl Source {
    /// The file without its tests, which come last; `None` if it is all tests.
    pub fn without_tests(mut self) -> Option<Source> {
        if let Some(end) = self.code.find("mod tests {") {
            self.code.truncate(end);
        }
        (!self.path.ends_with("tests.rs")).then_some(self)
    }

    /// The top-level module that the file belongs to.
    pub fn top(&self) -> &str {
        self.path.split('/').next().unwrap_or("").trim_end_matches(".rs")
    }

    /// How many modules deep the file's own module is: 1 for a top-level one.
    pub fn depth(&self) -> usize {
        self.path.trim_end_matches("/mod.rs").split('/').count()
    }

    /// Where `what` occurs in the code, with what follows it.
    pub fn occurrences<'s>(&'s self, what: &'static str) -> impl Iterator<Item = (usize, &'s str)> {
        self.code.match_indices(what).map(|(offset, _)| (offset, &self.code[offset + what.len()..]))
    }

    /// Where `word` occurs in the code as a word of its own.
    pub fn words(&self, word: &'static str) -> impl Iterator<Item = usize> {
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
        self.occurrences(word)
            .filter(move |(offset, behind)| {
                !behind.starts_with(part_of_word) && !self.code[..*offset].ends_with(part_of_word)
            })
            .map(|(offset, _)| offset)
    }

    /// `file:line: text`.
    pub fn line_at(&self, offset: usize) -> String {
        let number = self.code[..offset].matches('\n').count();
        let line = self.text.lines().nth(number).unwrap_or("").trim();
        format!("{}{}:{}: {line}", self.folder, self.path, number + 1)
    }
}

/// The same text, of the same length in bytes and lines, with blanks for comments, strings and characters.
fn without_comments_and_strings(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match skipped(rest, code.chars().last()) {
            0 => {
                code.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
            length => length,
        };
        code.extend(rest[..length].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        rest = &rest[length..];
    }
    code
}

/// The length of the comment or literal that `rest` begins with; 0 if it begins with code.
fn skipped(rest: &str, before: Option<char>) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map_or(rest.len(), |end| end + 2);
    }
    if rest.starts_with('"') {
        return quoted(rest);
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if let Some(raw) = rest.strip_prefix('r').filter(|_| !in_word) {
        let hashes = raw.chars().take_while(|c| *c == '#').count();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return raw[hashes + 1..].find(&end).map_or(rest.len(), |at| 1 + hashes + 1 + at + end.len());
        }
    }
    // 'c' and '\n' are characters, 'c without a second quote is a lifetime.
    if let Some(inner) = rest.strip_prefix('\'') {
        if inner.starts_with('\\') {
            return inner[2..].find('\'').map_or(0, |end| 1 + 2 + end + 1);
        }
        if let Some(c) = inner.chars().next().filter(|c| inner[c.len_utf8()..].starts_with('\'')) {
            return 2 + c.len_utf8();
        }
    }
    0
}

/// The length of a string, its quotes included.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return i + 1,
            _ => {}
        }
    }
    rest.len()
}
