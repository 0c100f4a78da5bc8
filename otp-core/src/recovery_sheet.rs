//! The recovery codes as a sheet to print and put away.

use crate::UnixTime;
use crate::messages::admin::minute_utc;
use crate::messages::enrol::Dialogue;
use crate::record::Language;
use crate::recovery::RecoveryCode;
use std::fmt::Write;
use zeroize::Zeroizing;

/// The codes in two columns, with whose they are, where and since when: the same on the screen and in a file.
#[must_use]
pub fn reveal(
    owner: (&str, &str),
    language: Language,
    codes: &[RecoveryCode],
    issued: UnixTime,
) -> Zeroizing<String> {
    let (mut sheet, usage) = begun(owner, language, codes.len(), issued);
    sheet.push_str("\n\n");
    // Down the left column, then down the right one.
    let rows = codes.len().div_ceil(2);
    for row in 0..rows {
        for (at, code) in codes.iter().enumerate().skip(row).step_by(rows) {
            sheet.push_str(if at == row { "  " } else { "    " });
            // A number beside each makes it easy to strike one out, and is no secret.
            write!(sheet, "{:2}  ", at + 1).expect("a String takes every write");
            sheet.push_str(&code.reveal());
        }
        sheet.push('\n');
    }
    sheet.push('\n');
    sheet.push_str(&usage);
    sheet.push('\n');
    sheet
}

/// The same on one line, for where lines are joined and runs of spaces lost.
#[must_use]
pub fn reveal_in_one_line(
    owner: (&str, &str),
    language: Language,
    codes: &[RecoveryCode],
    issued: UnixTime,
) -> Zeroizing<String> {
    let (mut sheet, usage) = begun(owner, language, codes.len(), issued);
    for (at, code) in codes.iter().enumerate() {
        sheet.push_str(if at == 0 { ": " } else { ", " });
        write!(sheet, "({}) ", at + 1).expect("a String takes every write");
        sheet.push_str(&code.reveal());
    }
    sheet.push_str(". ");
    sheet.push_str(&usage);
    sheet
}

/// A sheet with its title and room for all that follows, so that no copy of a code is left behind where it grew; and the last
/// sentence.
fn begun(
    (user, host): (&str, &str),
    language: Language,
    codes: usize,
    issued: UnixTime,
) -> (Zeroizing<String>, String) {
    let title = Dialogue::CodesTitle {
        user,
        host,
        issued: &minute_utc(issued),
    };
    let (title, usage) = (title.text(language), Dialogue::CodesUse.text(language));
    let room = title.len() + usage.len() + 8 + codes * 40;
    let mut sheet = Zeroizing::new(String::with_capacity(room));
    sheet.push_str(&title);
    (sheet, usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(codes: u8, language: Language) -> Zeroizing<String> {
        let codes: Vec<_> = (0..codes)
            .map(|at| RecoveryCode::from_random([at; RecoveryCode::BYTES]))
            .collect();
        let issued = UnixTime::from_seconds(1_763_654_399);
        reveal(("alice", "web1.example.org"), language, &codes, issued)
    }

    #[test]
    fn codes_on_one_line_are_numbered_in_their_order_and_stand_in_memory_of_the_right_size() {
        for (language, expected) in [
            (
                Language::English,
                "Recovery codes of alice at web1.example.org, 2025-11-20 15:59 UTC: (1) 0000-0000-0000-0000, \
                 (2) 040G-2081-040G-2081, (3) 0810-40G2-0810-40G2. \
                 Each lets you in once, in place of the code, when the device is not at hand.",
            ),
            (
                Language::Korean,
                "web1.example.org의 alice 계정 복구 코드, 2025-11-20 15:59 UTC: (1) 0000-0000-0000-0000, \
                 (2) 040G-2081-040G-2081, (3) 0810-40G2-0810-40G2. \
                 기기가 없을 때 코드 대신 입력합니다. 하나로 한 번만 들어올 수 있습니다.",
            ),
        ] {
            let codes = [0, 1, 2].map(|at| RecoveryCode::from_random([at; RecoveryCode::BYTES]));
            let issued = UnixTime::from_seconds(1_763_654_399);
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
             Each lets you in once, in place of the code, when the device is not at hand.\n"
        );
        assert_eq!(
            *sheet(2, Language::Korean),
            "web1.example.org의 alice 계정 복구 코드, 2025-11-20 15:59 UTC\n\n   \
             1  0000-0000-0000-0000     2  040G-2081-040G-2081\n\n\
             기기가 없을 때 코드 대신 입력합니다. 하나로 한 번만 들어올 수 있습니다.\n"
        );
    }

    /// A grown text would leave copies of the codes behind.
    #[test]
    fn a_sheet_is_never_longer_than_the_room_that_was_made_for_it() {
        for (codes, language) in (0..=32).flat_map(|codes| Language::ALL.map(|one| (codes, one))) {
            let sheet = sheet(codes, language);
            let (title, usage) = (sheet.lines().next(), sheet.lines().last());
            let words = [title, usage].map(|line| line.map_or(0, str::len));
            let room = words.iter().sum::<usize>() + 8 + 40 * usize::from(codes);
            assert!(sheet.len() <= sheet.capacity() && sheet.capacity() == room);
        }
    }
}
