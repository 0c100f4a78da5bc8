//! `first-login`: reading returns what was written.

use super::assert_tells_nothing_of;
use crate::text::first_login::{self, LIMIT};
use otp_core::{Account, UserName};
use otp_file::Unparsed;

pub(super) fn run(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(usize::try_from(LIMIT).unwrap())];
    match first_login::parse(bytes) {
        Ok((uid, when)) => {
            assert!(i64::try_from(uid).is_ok() && i64::try_from(when.seconds()).is_ok());
            let Ok(number) = u32::try_from(uid) else {
                return;
            };
            let name = UserName::new("alice").unwrap();
            let written = first_login::to_text(&Account { name, uid: number }, when);
            assert!(written.len() <= usize::try_from(LIMIT).unwrap());
            assert_eq!(first_login::parse(written.as_bytes()), Ok((uid, when)));
        }
        Err(Unparsed::Content { reason, .. }) => {
            assert_tells_nothing_of(bytes, &reason.to_string());
        }
        Err(Unparsed::Newer) => {}
    }
}
