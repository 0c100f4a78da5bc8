//! `credential.toml`: what is read is what is written, with its keys and without.

use super::assert_tells_nothing_of;
use crate::text::credential::{self, LIMIT};
use otp_core::record::Identities;
use otp_file::Unparsed;

pub(super) fn run(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(usize::try_from(LIMIT).unwrap())];
    let outline = credential::outline(bytes);
    let read = match credential::parse(bytes) {
        Ok(read) => read,
        Err(why) => {
            assert_eq!(
                outline,
                Err(why.clone()),
                "with keys and without, the same is wrong"
            );
            if let Unparsed::Content { reason, .. } = why {
                assert_tells_nothing_of(bytes, &reason);
            }
            return;
        }
    };
    let outline = outline.unwrap();
    assert_eq!((outline.user(), outline.uid()), (read.user(), read.uid()));
    assert!(outline.ids().eq(read.ids()));
    assert_eq!(outline.issued(), read.issued());
    let named = outline
        .authenticators()
        .iter()
        .map(|one| (&one.name, one.created));
    assert!(
        named.eq(read
            .authenticators()
            .iter()
            .map(|one| (&one.name, one.created)))
    );

    let written = credential::reveal(&read);
    // A name of a user is at most 255 bytes; the parser leaves that to whoever compares it with the account's.
    if read.user().len() <= 255 {
        assert!(
            written.len() <= usize::try_from(LIMIT).unwrap(),
            "what was read can be written"
        );
    }
    let again = credential::parse(written.as_bytes()).expect("what is written can be read");
    assert_eq!(*credential::reveal(&again), *written);

    let cut = written.trim_end().len() - 1;
    assert!(
        credential::parse(&written.as_bytes()[..cut]).is_err(),
        "a cut is noticed"
    );
}
