//! Reads the names that a report is about: a file with one name on each line, which may hold anything.

use crate::admin::sent;
use crate::failure::Failure;
use crate::failure::system;
use otp_core::Names;
use otp_core::messages::reason::Unfit;
use otp_core::messages::report::Unasked;
use otp_core::names::Gathering;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The names, and the lines that are not names.
pub struct Asked {
    pub names: Names,
    /// A line that cannot be a name, escaped and shortened, and the reason.
    pub wrong: Vec<(String, Unfit)>,
}

/// The largest number of lines that are not names; a file with more is something else.
const MOST_WRONG: usize = 1000;

/// The longest line that is read whole: no name is as long.
const LONGEST: u64 = 1024;

/// Reads the file; `-` is standard input.
pub fn read(path: &Path) -> Result<Asked, Failure> {
    let shown = || path.display().to_string();
    let unread = |error| not_read(path, &error);
    let sent = match sent::content_of(path) {
        Some(content) => Some(content.map_err(|why| unread(io::Error::other(why)))?),
        None => None,
    };
    let asked = if let Some(content) = &sent {
        read_from(content.as_slice())
    } else if path == Path::new("-") {
        read_from(io::stdin().lock())
    } else {
        read_from(BufReader::new(File::open(path).map_err(unread)?))
    };
    let asked = asked.map_err(unread)?;
    asked.ok_or_else(|| Unasked::NoNames { path: shown() }.into())
}

fn not_read(path: &Path, error: &io::Error) -> Unasked {
    Unasked::NotRead {
        path: path.display().to_string(),
        reason: system(error),
    }
}

/// Reads names; `None`: too many lines are not names.
fn read_from(mut lines: impl BufRead) -> io::Result<Option<Asked>> {
    let mut names = Gathering::default();
    let mut wrong = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut lines).take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.last() != Some(&b'\n') {
            lines.skip_until(b'\n')?;
        }
        let text = String::from_utf8_lossy(line.trim_ascii());
        if text.is_empty() {
            continue;
        }
        let why = match std::str::from_utf8(line.trim_ascii()) {
            Ok(name) => names.add(name).err().map(|unusable| unusable.0),
            Err(_) => Some(Unfit::NotUtf8),
        };
        if let Some(why) = why {
            let harmless = text.escape_debug().take(80).collect();
            wrong.push((harmless, why));
        }
        if wrong.len() > MOST_WRONG {
            return Ok(None);
        }
    }
    let names = names.sorted();
    Ok(Some(Asked { names, wrong }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::tests::assert_has_no_english_reason;
    use otp_core::record::Language;

    #[test]
    fn a_file_that_was_not_sent_along_is_told_in_every_language() {
        let error = io::Error::other(Unfit::NotSent);
        let unasked = not_read(Path::new("/names"), &error);
        let english = unasked.text(Language::English);
        assert!(english.ends_with(": it was not sent along"), "{english}");
        assert_has_no_english_reason(&unasked.text(Language::Korean));
    }

    fn of(bytes: &[u8]) -> Asked {
        read_from(bytes).unwrap().unwrap()
    }

    #[test]
    fn names_are_read_one_per_line_without_duplicates() {
        let asked = of(b"bobby\r\n\n  alice  \nbobby\nCORP\\eve\n\xea\xb9\x80\nlast");
        let names: Vec<_> = asked.names.iter().collect();
        assert_eq!(names, ["CORP\\eve", "alice", "bobby", "last", "김"]);
        assert!(asked.wrong.is_empty());
    }

    #[test]
    fn a_line_that_is_no_name_is_reported_and_does_no_harm() {
        let mut bytes = b"../etc\n\x1b[2Jx\n.hidden\n\xff\xfe\n".to_vec();
        bytes.extend(vec![b'a'; 100_000]);
        bytes.extend(b"\nalice\n");
        let asked = of(&bytes);
        assert_eq!(asked.names.iter().collect::<Vec<_>>(), ["alice"]);
        let lines: Vec<_> = asked.wrong.iter().map(|(line, _)| line.as_str()).collect();
        assert_eq!(lines[..3], ["../etc", "\\u{1b}[2Jx", ".hidden"]);
        assert_eq!(asked.wrong.len(), 5);
        let is_harmless = |line: &str| !line.contains(char::is_control) && line.len() <= 400;
        assert!(lines.iter().all(|line| is_harmless(line)));
    }

    #[test]
    fn a_file_that_is_no_list_of_names_is_refused() {
        let lines = "a/b\n".repeat(MOST_WRONG);
        assert_eq!(of(lines.as_bytes()).wrong.len(), MOST_WRONG);
        let lines = lines + "a/b\n";
        assert!(read_from(lines.as_bytes()).unwrap().is_none());
    }
}
