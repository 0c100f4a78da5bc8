//! The output forms of `otp-admin fleet`.

use super::Asker;
use otp_core::UnixTime;
use otp_core::messages::fleet::{Told, Unable};

/// Prints one line.
pub fn tell(asker: &Asker, told: Told<'_>) -> Result<(), Unable> {
    super::print(&format!("{}\n", told.text(asker.language)))
}

/// Writes a moment in UTC, to the minute.
pub fn minute(when: UnixTime) -> String {
    let whole = when.date_time_utc();
    whole
        .rsplit_once(':')
        .map_or(whole.clone(), |(minute, _)| minute.to_owned())
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
