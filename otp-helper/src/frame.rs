//! One message on the wire: a fixed mark, a length, and fields. All lengths are checked before any content is used.
//!
//! ```text
//! "otp1"  length of the body, 2 bytes  body: { length of the field, 2 bytes  the field }...
//! ```
//! Lengths are big-endian. A body has at most [`LIMIT`] bytes.

use std::io::{self, Read};
use zeroize::Zeroizing;

/// The largest body, in bytes. It holds the longest line that a terminal can send, or all recovery codes, plus a few
/// words and the program's claims.
pub const LIMIT: usize = 5120;

const MARK: &[u8; 4] = b"otp1";
const HEAD: usize = MARK.len() + 2;

/// The fields of one message. They may hold a code: they are wiped on drop and have no `Debug`.
#[derive(Default)]
pub struct Fields(Vec<Zeroizing<Vec<u8>>>);

/// Why no message could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadFrame {
    /// The other side sent nothing, or stopped in the middle.
    Silence,
    /// The message does not begin with the mark of this protocol.
    Mark,
    /// The message is larger than allowed.
    TooLarge,
    /// The lengths of the fields do not add up.
    Fields,
}

impl BadFrame {
    /// Returns the words for the log.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Silence => "no complete request",
            Self::Mark => "not a request of this protocol",
            Self::TooLarge => "request over its size",
            Self::Fields => "request that does not add up",
        }
    }
}

impl Fields {
    /// Adds a field.
    #[must_use]
    pub fn with(mut self, field: &[u8]) -> Self {
        self.0.push(Zeroizing::new(field.to_vec()));
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn with_number(self, number: &impl ToString) -> Self {
        self.with(number.to_string().as_bytes())
    }

    /// Returns the fields in order.
    #[must_use]
    pub fn as_slices(&self) -> Vec<&[u8]> {
        self.0.iter().map(|field| field.as_slice()).collect()
    }

    /// Encodes the message for the wire; `None`: it is larger than allowed.
    #[must_use]
    pub fn to_bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        let body: usize = self.0.iter().map(|field| 2 + field.len()).sum();
        let length = u16::try_from(body).ok().filter(|_| body <= LIMIT)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD + body));
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(&length.to_be_bytes());
        for field in &self.0 {
            bytes.extend_from_slice(&u16::try_from(field.len()).ok()?.to_be_bytes());
            bytes.extend_from_slice(field);
        }
        Some(bytes)
    }

    /// Reads one message, and no byte more.
    ///
    /// # Errors
    /// See [`BadFrame`]; an error of the reader is [`BadFrame::Silence`].
    pub fn read_from(reader: &mut impl Read) -> Result<Self, BadFrame> {
        let mut head = [0; HEAD];
        read_all(reader, &mut head)?;
        let (mark, length) = head.split_at(MARK.len());
        if mark != MARK {
            return Err(BadFrame::Mark);
        }
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        if length > LIMIT {
            return Err(BadFrame::TooLarge);
        }
        let mut body = Zeroizing::new(vec![0; length]);
        read_all(reader, &mut body)?;
        let mut fields = Self::default();
        let mut rest = body.as_slice();
        while !rest.is_empty() {
            let (length, after) = rest.split_first_chunk::<2>().ok_or(BadFrame::Fields)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (field, after) = after.split_at_checked(length).ok_or(BadFrame::Fields)?;
            fields = fields.with(field);
            rest = after;
        }
        Ok(fields)
    }
}

fn read_all(reader: &mut impl Read, buffer: &mut [u8]) -> Result<(), BadFrame> {
    reader
        .read_exact(buffer)
        .map_err(|_: io::Error| BadFrame::Silence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, BadFrame> {
        let fields = Fields::read_from(&mut &*bytes)?;
        Ok(fields.as_slices().into_iter().map(<[u8]>::to_vec).collect())
    }

    #[test]
    fn each_kind_of_malformed_message_is_distinguished() {
        assert_eq!(read(b""), Err(BadFrame::Silence));
        assert_eq!(read(b"otp1\x00"), Err(BadFrame::Silence));
        assert_eq!(read(b"otp1\x00\x04\x00\x02a"), Err(BadFrame::Silence));
        assert_eq!(read(b"otp2\x00\x00"), Err(BadFrame::Mark));
        assert_eq!(read(b"GET / HTTP/1.1\r\n\r\n"), Err(BadFrame::Mark));
        assert_eq!(read(b"otp1\xff\xff"), Err(BadFrame::TooLarge));
        assert_eq!(read(b"otp1\x14\x01"), Err(BadFrame::TooLarge));
        assert_eq!(read(b"otp1\x00\x01x"), Err(BadFrame::Fields));
        assert_eq!(read(b"otp1\x00\x03\x00\x02x"), Err(BadFrame::Fields));
        assert_eq!(read(b"otp1\x00\x00"), Ok(vec![]));
    }

    #[test]
    fn no_message_larger_than_the_limit_is_sent() {
        assert!(Fields::default().with(&[0; LIMIT - 2]).to_bytes().is_some());
        assert!(Fields::default().with(&[0; LIMIT - 1]).to_bytes().is_none());
        assert!(
            Fields::default()
                .with(&vec![0; 70_000])
                .to_bytes()
                .is_none()
        );
    }

    proptest! {
        #[test]
        fn a_message_reads_back_and_nothing_after_it_is_touched(
            fields in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..10),
            after in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let message = fields.iter().fold(Fields::default(), |all, field| all.with(field));
            let mut bytes = message.to_bytes().unwrap().to_vec();
            bytes.extend_from_slice(&after);
            let mut reader = bytes.as_slice();
            let back = Fields::read_from(&mut reader).ok().unwrap();
            prop_assert_eq!(back.as_slices(), fields.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!(reader, after.as_slice());
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut marked = b"otp1".to_vec();
            marked.extend_from_slice(&bytes);
            drop(read(&bytes));
            drop(read(&marked));
        }
    }
}
