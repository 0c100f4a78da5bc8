//! The recovery codes as a sheet to print and put away. Programs that show more than text can find such a sheet in a
//! text.

use crate::messages::enrol::Dialogue;
use crate::record::Language;
use crate::recovery::RecoveryCode;
use crate::zone::{Local, length_of_minute};
use std::fmt::Write;
use zeroize::Zeroizing;

/// Returns the codes in two columns, with the user, the machine and the time of issue. The screen and files get the
/// same sheet.
#[must_use]
pub fn reveal(
    owner: (&str, &str),
    language: Language,
    codes: &[RecoveryCode],
    issued: Local,
) -> Zeroizing<String> {
    let (mut sheet, usage) = begun(owner, language, codes.len(), issued);
    sheet.push_str("\n\n");
    // Down the left column, then down the right one.
    let rows = codes.len().div_ceil(2);
    for row in 0..rows {
        for (at, code) in codes.iter().enumerate().skip(row).step_by(rows) {
            sheet.push_str(if at == row { "  " } else { "    " });
            // The number beside each code is no secret, and makes it easy to strike one out.
            write!(sheet, "{:2}  ", at + 1).expect("writing to a String never fails");
            sheet.push_str(&code.reveal());
        }
        sheet.push('\n');
    }
    sheet.push('\n');
    sheet.push_str(&usage);
    sheet.push('\n');
    sheet
}

/// Returns the same sheet on one line, for places that join lines and lose runs of spaces.
#[must_use]
pub fn reveal_in_one_line(
    owner: (&str, &str),
    language: Language,
    codes: &[RecoveryCode],
    issued: Local,
) -> Zeroizing<String> {
    let (mut sheet, usage) = begun(owner, language, codes.len(), issued);
    for (at, code) in codes.iter().enumerate() {
        sheet.push_str(if at == 0 { ": " } else { ", " });
        write!(sheet, "({}) ", at + 1).expect("writing to a String never fails");
        sheet.push_str(&code.reveal());
    }
    sheet.push_str(". ");
    sheet.push_str(&usage);
    sheet
}

/// Begins a sheet with its title, and returns its last sentence too. The sheet has room for everything that follows: a
/// string that grows leaves copies of the codes behind.
fn begun(
    (user, host): (&str, &str),
    language: Language,
    codes: usize,
    issued: Local,
) -> (Zeroizing<String>, String) {
    let title = Dialogue::CodesTitle {
        user,
        host,
        issued: &issued.minute(language),
    };
    let (title, usage) = (title.text(language), Dialogue::CodesUse.text(language));
    let room = title.len() + usage.len() + 8 + codes * 40;
    let mut sheet = Zeroizing::new(String::with_capacity(room));
    sheet.push_str(&title);
    (sheet, usage)
}

/// A sheet in a text. Holds secrets; has no `Debug`.
pub struct Found<'a> {
    /// What stands before it.
    pub before: &'a str,
    /// The user, the machine and the time of issue.
    pub title: &'a str,
    /// The codes in their order.
    pub codes: Vec<RecoveryCode>,
    /// The sentence that says how to use them.
    pub usage: &'a str,
    /// What stands after it.
    pub after: &'a str,
}

/// Finds a sheet in a text, in either form and any language, even if its lines were joined. Returns `None` unless it is
/// written exactly as here: each code has its number, and no code is missing.
#[must_use]
pub fn found_in(text: &str) -> Option<Found<'_>> {
    Language::ALL
        .into_iter()
        .find_map(|language| found_in_language(text, language))
}

fn found_in_language(text: &str, language: Language) -> Option<Found<'_>> {
    let usage = Dialogue::CodesUse.text(language);
    let (head, after) = text.split_at(text.find(&usage)?);
    let (usage, after) = after.split_at(usage.len());
    let (starts, ends) = title_in(head, language)?;
    Some(Found {
        before: &head[..starts],
        title: &head[starts..ends],
        codes: codes_in(&head[ends..])?,
        usage,
        after,
    })
}

/// Finds the last title in a text.
fn title_in(text: &str, language: Language) -> Option<(usize, usize)> {
    // These marks stand for the name and the time, and occur in neither, so the text between them is the wording
    // itself.
    const MARKS: [char; 3] = ['\u{1}', '\u{2}', '\u{3}'];
    let [user, host, issued] = MARKS.map(String::from);
    let title = Dialogue::CodesTitle {
        user: &user,
        host: &host,
        issued: &issued,
    };
    let title = title.text(language);
    let mut words = title.split(MARKS);
    let (first, between, last) = (words.next()?, words.next()?, words.next()?);
    let issued = text.match_indices(last).filter_map(|(at, _)| {
        let begins = at + last.len();
        let length = length_of_minute(&text[begins..])?;
        Some((at, begins + length))
    });
    let (at, ends) = issued.last()?;
    let names = &text[..text[..at].rfind(between)?];
    let starts = if first.is_empty() {
        // A name has no space in it; what comes before the space is other text.
        names.rfind(char::is_whitespace).map_or(0, |space| {
            space + names[space..].chars().next().map_or(0, char::len_utf8)
        })
    } else {
        names.rfind(first)?
    };
    (!text[starts..ends].contains('\n')).then_some((starts, ends))
}

/// Returns the codes between title and usage, in their order; `None` if anything else stands there.
fn codes_in(text: &str) -> Option<Vec<RecoveryCode>> {
    let text = text.strip_prefix(':').unwrap_or(text);
    let mut words = text.split_whitespace();
    let mut found = Vec::new();
    while let Some(number) = words.next() {
        let bare = number
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'));
        let number: usize = bare.unwrap_or(number).parse().ok()?;
        let written = words.next()?;
        let written = written.strip_suffix([',', '.']).unwrap_or(written);
        let code = RecoveryCode::parse(written.as_bytes())?;
        if *code.reveal() != written {
            return None;
        }
        found.push((number, code));
    }
    found.sort_by_key(|(number, _)| *number);
    let in_order = found
        .iter()
        .enumerate()
        .all(|(at, (number, _))| *number == at + 1);
    (in_order && !found.is_empty()).then(|| found.into_iter().map(|(_, code)| code).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::tests::seoul;
    use crate::{UnixTime, Zone};
    use std::borrow::Cow;

    fn sheet(codes: u8, language: Language) -> Zeroizing<String> {
        let codes: Vec<_> = (0..codes)
            .map(|at| RecoveryCode::from_random([at; RecoveryCode::BYTES]))
            .collect();
        let issued = Local::utc(UnixTime::from_seconds(1_763_654_399));
        reveal(("alice", "web1.example.org"), language, &codes, issued)
    }

    #[test]
    fn codes_on_one_line_are_numbered_in_order_in_memory_of_the_exact_size() {
        for (language, expected) in [
            (
                Language::English,
                "Recovery codes of alice at web1.example.org, 2025-11-20 15:59 UTC: (1) 0000-0000-0000-0000, \
                 (2) 040G-2081-040G-2081, (3) 0810-40G2-0810-40G2. \
                 Each works once instead of a code, when the device is not at hand.",
            ),
            (
                Language::Korean,
                "web1.example.org의 alice 계정 복구 코드, 2025-11-20 15:59 UTC: (1) 0000-0000-0000-0000, \
                 (2) 040G-2081-040G-2081, (3) 0810-40G2-0810-40G2. \
                 기기가 없을 때 인증 코드 대신 입력합니다. 각각 한 번만 사용할 수 있습니다.",
            ),
        ] {
            let codes = [0, 1, 2].map(|at| RecoveryCode::from_random([at; RecoveryCode::BYTES]));
            let issued = Local::utc(UnixTime::from_seconds(1_763_654_399));
            let owner = ("alice", "web1.example.org");
            assert_eq!(
                *reveal_in_one_line(owner, language, &codes, issued),
                expected
            );
            let many: Vec<_> = (0..32)
                .map(|at| RecoveryCode::from_random([at; RecoveryCode::BYTES]))
                .collect();
            let sheet = reveal_in_one_line(owner, language, &many, issued);
            let (title, _) = expected.split_once(": (1)").unwrap();
            let (_, usage) = expected.split_once("40G2. ").unwrap();
            let room = title.len() + usage.len() + 8 + many.len() * 40;
            assert_eq!(sheet.capacity(), room, "it did not grow");
            assert!(sheet.len() <= room);
        }
    }

    #[test]
    fn codes_run_down_the_left_column_and_then_down_the_right_one() {
        assert_eq!(
            *sheet(3, Language::English),
            "Recovery codes of alice at web1.example.org, 2025-11-20 15:59 UTC\n\n   \
             1  0000-0000-0000-0000     3  0810-40G2-0810-40G2\n   \
             2  040G-2081-040G-2081\n\n\
             Each works once instead of a code, when the device is not at hand.\n"
        );
        assert_eq!(
            *sheet(2, Language::Korean),
            "web1.example.org의 alice 계정 복구 코드, 2025-11-20 15:59 UTC\n\n   \
             1  0000-0000-0000-0000     2  040G-2081-040G-2081\n\n\
             기기가 없을 때 인증 코드 대신 입력합니다. 각각 한 번만 사용할 수 있습니다.\n"
        );
    }

    /// A text that grows would leave copies of the codes behind.
    #[test]
    fn a_sheet_never_outgrows_the_memory_reserved_for_it() {
        for (codes, language) in (0..=32).flat_map(|codes| Language::ALL.map(|one| (codes, one))) {
            let sheet = sheet(codes, language);
            let (title, usage) = (sheet.lines().next(), sheet.lines().last());
            let words = [title, usage].map(|line| line.map_or(0, str::len));
            let room = words.iter().sum::<usize>() + 8 + 40 * usize::from(codes);
            assert!(sheet.len() <= sheet.capacity() && sheet.capacity() == room);
        }
    }

    fn codes(count: u8) -> Vec<RecoveryCode> {
        let code = |at| RecoveryCode::from_random([at; RecoveryCode::BYTES]);
        (0..count).map(code).collect()
    }

    #[test]
    fn a_sheet_is_recognised_in_every_form_and_language() {
        let issued = UnixTime::from_seconds(1_763_654_399);
        for (count, zone) in [1, 2, 3, 8, 10, 32]
            .into_iter()
            .flat_map(|count| [(count, Zone::UTC), (count, seoul())])
        {
            let issued = zone.at(issued);
            for language in Language::ALL {
                let owner = ("alice", "web1.example.org");
                let lines = reveal(owner, language, &codes(count), issued);
                let joined = lines.replace('\n', " ");
                let squeezed = lines.split_whitespace().collect::<Vec<_>>().join(" ");
                let one_line = reveal_in_one_line(owner, language, &codes(count), issued);
                for sheet in [lines.as_str(), &joined, &squeezed, &one_line] {
                    for (before, after) in [
                        ("", ""),
                        ("A sentence.\n", "\nIs it kept? "),
                        ("Eins, 2: ", " 3"),
                    ] {
                        let text = format!("{before}{sheet}{after}");
                        let found = found_in(&text).expect("a sheet");
                        assert_eq!(found.before, before, "{text}");
                        assert!(
                            found.after.trim_start().starts_with(after.trim_start()),
                            "{text}"
                        );
                        let title = found.title;
                        assert!(title.contains("alice"), "{title}");
                        assert!(title.ends_with(&issued.minute(language)), "{title}");
                        assert_eq!(found.usage, Dialogue::CodesUse.text(language));
                        let shown = |all: &[RecoveryCode]| -> Vec<String> {
                            all.iter().map(|code| code.reveal().to_string()).collect()
                        };
                        assert_eq!(shown(&found.codes), shown(&codes(count)));
                    }
                }
            }
        }
    }

    #[test]
    fn an_altered_or_incomplete_sheet_is_not_recognised() {
        let sheet = sheet(3, Language::English).to_string();
        assert!(found_in(&sheet).is_some());
        let changed: [Cow<'_, str>; 10] = [
            "".into(),
            "Recovery codes of".into(),
            sheet.replace("Recovery codes", "Codes").into(),
            sheet.replace("UTC", "").into(),
            sheet.replace("Each works", "Each").into(),
            // A code that is missing, one that is doubled, one that is not a code, and one that is written in another
            // way.
            sheet.replace("2  040G-2081-040G-2081", "").into(),
            sheet.replace(" 2  ", " 1  ").into(),
            sheet
                .replace("040G-2081-040G-2081", "040G-2081-040G-208")
                .into(),
            sheet.replace("0810", "o810").into(),
            sheet.replace("3  0810", "and 3  0810").into(),
        ];
        for text in changed {
            assert!(found_in(&text).is_none(), "{text}");
        }
        let none = reveal(
            ("alice", "web1"),
            Language::English,
            &[],
            Local::utc(UnixTime::from_seconds(0)),
        );
        assert!(found_in(&none).is_none());
    }
}
