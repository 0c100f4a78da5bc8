//! `trust`: reading returns what was written, oldest first.

use super::assert_tells_nothing_of;
use crate::text::trust::{self, LIMIT, Place};
use otp_file::Unparsed;

pub(super) fn run(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(usize::try_from(LIMIT).unwrap())];
    match trust::parse(bytes) {
        Ok(places) => {
            assert!(places.is_sorted_by_key(|(_, since)| *since));
            for (place, since) in &places {
                assert!(i64::try_from(since.seconds()).is_ok());
                let address = place.address().to_string();
                assert_eq!(Place::of(place.service(), &address).as_ref(), Some(place));
            }
            let written = trust::to_text(&places);
            assert_eq!(trust::parse(written.as_bytes()), Ok(places));
        }
        Err(Unparsed::Content { reason, .. }) => {
            assert_tells_nothing_of(bytes, &reason.to_string());
        }
        Err(Unparsed::Newer) => {}
    }
}
