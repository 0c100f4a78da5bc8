//! `mail`: reading returns what was written.

use super::assert_tells_nothing_of;
use crate::text::mail::{self, LIMIT};
use otp_core::mail::Address;
use otp_file::Unparsed;

pub(super) fn run(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(usize::try_from(LIMIT).unwrap())];
    match mail::parse(bytes) {
        Ok((uid, mailbox)) => {
            assert!(mailbox.sent().is_sorted());
            if let Some(confirmed) = mailbox.confirmed() {
                assert!(Address::parse(confirmed.address.as_str()).is_ok());
            }
            let written = mail::to_text(uid, &mailbox);
            assert_eq!(mail::parse(written.as_bytes()), Ok((uid, mailbox)));
        }
        Err(Unparsed::Content { reason, .. }) => {
            assert_tells_nothing_of(bytes, &reason.to_string());
        }
        Err(Unparsed::Newer) => {}
    }
}
