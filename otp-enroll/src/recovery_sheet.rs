//! The recovery codes as a sheet to print and put away.

use crate::site::{Site, host};
use otp_core::UnixTime;
use otp_core::messages::admin::minute_utc;
use otp_core::messages::enrol::Dialogue;
use otp_core::recovery::RecoveryCode;
use std::fmt::Write;
use zeroize::Zeroizing;

/// The codes in two columns, with whose they are, where and since when: the same on the screen and in a file.
pub fn reveal(
    site: &Site,
    user: &str,
    codes: &[RecoveryCode],
    issued: UnixTime,
) -> Zeroizing<String> {
    let title = Dialogue::CodesTitle {
        user,
        host: &host(),
        issued: &minute_utc(issued),
    };
    let (title, usage) = (
        title.text(site.language),
        Dialogue::CodesUse.text(site.language),
    );
    let room = title.len() + usage.len() + 8 + codes.len() * 40;
    let mut sheet = Zeroizing::new(String::with_capacity(room));
    sheet.push_str(&title);
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
