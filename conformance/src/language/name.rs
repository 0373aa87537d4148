//! Names of tasks.

use core::fmt;

/// The longest name.
const LENGTH: usize = 15;

/// What a scenario calls a task, and with it the task's process, number, process group and session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name([u8; LENGTH]);

impl Name {
    /// The first process.
    pub const INIT: Name = Name(*b"init\0\0\0\0\0\0\0\0\0\0\0");

    /// The name with this text: a letter, then letters, digits and `_`, 15 in all at most.
    pub fn new(text: &str) -> Option<Name> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let goes_on_well = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !starts_well || !goes_on_well || text.len() > LENGTH {
            return None;
        }
        let mut bytes = [0; LENGTH];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Name(bytes))
    }

    /// The `index`-th of a sequence of short names: `a`, `b`, … `z`, `a1`, `b1`, ….
    pub fn nth(index: usize) -> Name {
        let letter = char::from(b'a' + (index % 26) as u8);
        let text = if index < 26 { letter.to_string() } else { format!("{letter}{}", index / 26) };
        Name::new(&text).expect("a letter and a number")
    }

    fn text(&self) -> &str {
        let end = self.0.iter().position(|&b| b == 0).unwrap_or(LENGTH);
        core::str::from_utf8(&self.0[..end]).expect("names are ASCII")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
