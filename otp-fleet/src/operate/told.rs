//! The output forms of `otp-admin fleet`.

use super::Asker;
use otp_core::UnixTime;
use otp_core::messages::fleet::{Told, Unable};
use otp_core::record::Language;
use otp_site::zone;

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
