//! The output forms of `otp-admin fleet`.

use super::Asker;
use crate::keeper::Behind;
use otp_core::UnixTime;
use otp_core::messages::fleet::{Told, Unable, Why};
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_file::wording;
use otp_site::zone;
use std::io;

/// Prints one line.
pub fn tell(asker: &Asker, told: Told<'_>) -> Result<(), Unable> {
    super::print(&format!("{}\n", told.text(asker.language)))
}

/// Tells a moment to the minute, by the clocks of this host and in UTC.
pub fn minute(when: UnixTime, language: Language) -> String {
    zone::of_this_machine().at(when).minute(language)
}

/// Writes a number of bytes for people.
pub fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if bytes < 10 * MIB {
        format!("{} KiB", bytes.div_ceil(1024))
    } else {
        format!("{} MiB", bytes.div_ceil(MIB))
    }
}

/// Replaces characters that a terminal would act on, in text that others have written.
pub fn plain(text: &str) -> String {
    text.replace(char::is_control, "?")
}

/// Returns the reason of an error of reading or writing: our own words if it carries them, otherwise the system's.
#[must_use]
pub fn why_of(error: &io::Error) -> Wording {
    let inner = error.get_ref();
    if let Some(why) = inner.and_then(|inner| inner.downcast_ref::<Why>()) {
        return why.clone().into();
    }
    if let Some(behind) = inner.and_then(|inner| inner.downcast_ref::<Behind>()) {
        return Wording::of(|language| behind.text(language));
    }
    // The library for files says this of bytes that are no text, and of nothing else.
    if error.kind() == io::ErrorKind::InvalidData && inner.is_none() {
        let said = error.to_string();
        return Why::NotText { said }.into();
    }
    wording(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::assert_korean;
    use crate::keeper::{Mark, Seen};
    use crate::operate::records::{Head, Writing};
    use crate::operate::sealed_file::{Sealing, Secret};
    use std::fs;
    use std::os::unix::fs::symlink;
    use zeroize::Zeroizing;

    fn in_both(error: &io::Error, names: &[&str]) {
        let why = why_of(error);
        assert_eq!(why.text(Language::English), error.to_string());
        assert_korean(why.text(Language::Korean), names);
    }

    #[test]
    fn an_error_that_carries_our_own_reason_is_told_in_each_language() {
        for why in [
            Why::TooLargeForAFile,
            Why::NoKeyOfPassphrase,
            Why::NoRandomBytes,
        ] {
            in_both(&io::Error::other(why), &[]);
        }
    }

    #[test]
    fn a_mark_that_cannot_be_read_is_told_in_each_language() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("other"), "no mark\n").unwrap();
        fs::write(at("bytes"), b"\xff").unwrap();
        symlink("loop", at("loop")).unwrap();
        for (name, names) in [("other", &[][..]), ("bytes", &["UTF"]), ("loop", &[])] {
            in_both(&Mark::open(&at(name)).err().unwrap(), names);
        }
    }

    #[test]
    fn a_mark_that_does_not_follow_is_told_in_each_language() {
        let directory = tempfile::tempdir().unwrap();
        let mut mark = Mark::open(&directory.path().join("seen")).unwrap();
        let seen = |epoch| Seen {
            fleet: crate::keeper::Nonce::fresh().unwrap(),
            epoch,
            revision: 7,
            witness: None,
            is_refused: false,
        };
        let first = seen(3);
        mark.keep(first).unwrap();
        let error = mark.keep(Seen { epoch: 2, ..first }).unwrap_err();
        in_both(&error, &[]);
        let error = mark.keep(seen(3)).unwrap_err();
        let ids: Vec<String> = error
            .to_string()
            .split(' ')
            .filter(|word| word.len() == 32)
            .map(str::to_owned)
            .collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(ids.len(), 2);
        in_both(&error, &ids);
    }

    #[test]
    fn a_value_that_does_not_fit_into_a_backup_is_told_in_each_language() {
        let secret = Secret::Key(Zeroizing::new([7; 32]));
        let sealing = Sealing::begin(Vec::new(), &secret).unwrap();
        let head = Head {
            fleet: crate::keeper::Fleet {
                id: crate::keeper::Nonce::fresh().unwrap(),
                epoch: 1,
                floor: None,
            },
            when: UnixTime::from_seconds(1_800_000_000),
            revision: 1,
        };
        let mut writing = Writing::begin(sealing, &head).unwrap();
        let error = writing.add(b"key", &vec![0; 3 * 1024 * 1024]).unwrap_err();
        assert_eq!(error.to_string(), "a value is too long for a backup");
        in_both(&error, &[]);
    }
}
