//! `credential.toml`: reading returns what was written, with its keys and without.

use super::assert_tells_nothing_of;
use crate::sealed::{Keys, Pen, Seal};
use crate::text::credential::{self, LIMIT, Unread};
use otp_core::record::Identities;
use otp_file::Unparsed;

pub(super) fn run(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(usize::try_from(LIMIT).unwrap())];
    let outline = credential::outline(bytes);
    let read = match credential::parse(bytes, &Seal::none()) {
        Ok(read) => read,
        // Nothing here can open it; its outline is known all the same.
        Err(Unread::Sealed(_)) => {
            assert!(outline.is_ok() && credential::seals(bytes).is_ok());
            return;
        }
        Err(Unread::Unparsed(why)) => {
            assert_eq!(
                outline,
                Err(why.clone()),
                "the same fault is found with keys and without"
            );
            if let Unparsed::Content { reason, .. } = why {
                assert_tells_nothing_of(bytes, &reason.to_string());
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

    let written = credential::reveal(&read, &Pen::Plain).unwrap();
    // A user's name has at most 255 bytes; the parser leaves that check to the comparison with the account's name.
    if read.user().len() <= 255 {
        assert!(
            written.len() <= usize::try_from(LIMIT).unwrap(),
            "a credential that was read can be written"
        );
    }
    let parse = |text: &[u8]| credential::parse(text, &Seal::none());
    let again = parse(written.as_bytes())
        .unwrap_or_else(|_| panic!("a credential that was written can be read"));
    assert_eq!(*credential::reveal(&again, &Pen::Plain).unwrap(), *written);

    let cut = written.trim_end().len() - 1;
    assert!(
        parse(&written.as_bytes()[..cut]).is_err(),
        "a cut is noticed"
    );

    // Sealed, the text says the same without a key, and no key stands in it.
    let keys = Keys::parse(format!("{:064}", 7).as_bytes());
    let pen = Pen::Sealing(std::sync::Arc::new(
        keys.unwrap_or_else(|_| panic!("a key")),
    ));
    let sealed = credential::reveal(&read, &pen).unwrap();
    assert_eq!(
        credential::outline(sealed.as_bytes()).as_ref(),
        Ok(&outline)
    );
    assert!(matches!(parse(sealed.as_bytes()), Err(Unread::Sealed(_))));
    for one in read.authenticators() {
        let key = otp_core::base32::reveal(one.secret.reveal_bytes());
        assert!(
            !sealed.contains(key.as_str()),
            "a sealed key is not in the text"
        );
    }
}
