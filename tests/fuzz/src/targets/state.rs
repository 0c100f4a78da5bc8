//! `state`: the newest of two records, and the next one.

use crate::records::with_checksum;
use crate::text::state::{self, Newest, RECORD, SIZE};
use otp_file::Unparsed;

/// The first byte says which of the two records, separated by a zero byte, gets the right checksum.
pub(super) fn run(bytes: &[u8]) {
    if let Some((&flags, rest)) = bytes.split_first() {
        let mut parts = rest.splitn(2, |&byte| byte == 0);
        let mut file = Vec::new();
        for at in 0..2 {
            let part = parts.next().unwrap_or_default();
            let part = &part[..part.len().min(RECORD)];
            let mut record = if flags >> at & 1 == 0 {
                with_checksum(part)
            } else {
                part.to_vec()
            };
            record.resize(RECORD, b'\n');
            file.extend_from_slice(&record);
        }
        look_at(&file);
    }
    // And the bytes without changes.
    look_at(bytes);
    look_at(&bytes[..bytes.len().min(SIZE)]);
}

fn look_at(file: &[u8]) {
    let newest = match Newest::of(file) {
        Ok(newest) => newest,
        Err(Unparsed::Content { reason, .. }) => {
            assert!(file.len() != SIZE || reason.to_string() == "both records are damaged");
            return;
        }
        Err(Unparsed::Newer) => {
            assert!(
                [0, RECORD]
                    .iter()
                    .any(|&at| file[at..].starts_with(b"pam_otp-state "))
            );
            return;
        }
    };
    assert_eq!(file.len(), SIZE);
    // A state that was read fits a record: a state that was accepted locks nobody out.
    let whole = state::whole(&newest.state).expect("a state that was read can be written");
    assert_eq!(Newest::of(&whole).ok().unwrap().state, newest.state);

    let Some(next) = newest.successor(&newest.state) else {
        return;
    };
    let offset = usize::try_from(next.offset).unwrap();
    assert!(offset == 0 || offset == RECORD);
    let mut written = file.to_vec();
    written[offset..offset + RECORD].copy_from_slice(&next.bytes);
    let after = Newest::of(&written).ok().unwrap();
    assert_eq!(after.state, newest.state);
    let then = after.successor(&after.state);
    assert!(
        then.is_none_or(|then| then.offset != next.offset),
        "the new record counts from now on"
    );

    // A torn write leaves the record that counted, except if a damaged letter has turned the old bytes into a newer version.
    if file[offset + 1..].starts_with(&b"pam_otp-state "[1..])
        && !file[offset..].starts_with(b"pam_otp-state 1\n")
    {
        return;
    }
    for torn in [1, 20, 100, RECORD / 2] {
        let mut written = file.to_vec();
        written[offset..offset + torn].copy_from_slice(&next.bytes[..torn]);
        let left = Newest::of(&written).ok().map(|left| left.state);
        assert_eq!(left.as_ref(), Some(&newest.state), "torn after {torn}");
    }
}
