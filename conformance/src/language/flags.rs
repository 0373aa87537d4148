//! The options of the wait calls, by name.

use ptexit_core::uapi::WaitOptions;

const NAMES: [(&str, WaitOptions); 9] = [
    ("WNOHANG", WaitOptions::WNOHANG),
    ("WUNTRACED", WaitOptions::WSTOPPED),
    ("WSTOPPED", WaitOptions::WSTOPPED),
    ("WEXITED", WaitOptions::WEXITED),
    ("WCONTINUED", WaitOptions::WCONTINUED),
    ("WNOWAIT", WaitOptions::WNOWAIT),
    ("__WNOTHREAD", WaitOptions::WNOTHREAD),
    ("__WALL", WaitOptions::WALL),
    ("__WCLONE", WaitOptions::WCLONE),
];

/// The bits of a text such as `WNOHANG|__WALL`; a number stands for itself.
pub fn flags_from_text(text: &str) -> Option<u32> {
    text.split('|').try_fold(0, |bits, word| {
        let named = NAMES.iter().find(|(name, _)| *name == word).map(|(_, flag)| flag.bits());
        let number = || word.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
        Some(bits | named.or_else(number).or_else(|| word.parse().ok())?)
    })
}

/// The other way round; the empty text for no bits.
pub fn flags_to_text(bits: u32) -> String {
    let mut words = Vec::new();
    let mut left = bits;
    for (name, flag) in NAMES.iter().filter(|(name, _)| *name != "WUNTRACED") {
        if left & flag.bits() != 0 {
            words.push((*name).to_string());
            left &= !flag.bits();
        }
    }
    if left != 0 {
        words.push(format!("{left:#x}"));
    }
    words.join("|")
}
