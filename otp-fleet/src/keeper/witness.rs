//! The witness: a value that a verifier writes again and again, and remembers outside the database. A database that
//! no longer has it was put back, whatever its progress since.
//!
//! It has a number that only grows. A number lower than the remembered one shows a database of the past. A higher
//! number shows nothing, since the memory may itself be of the past: the directory of a restored host, or a write
//! that was done and not answered. A witness does not expire as a beat does, and does not depend on the history that
//! etcd keeps.

use super::guard::{Nonce, number};

/// The prefix of the witnesses.
pub const WITNESSES: &str = "/pam_otp/w/";

const HEADER: &str = "pam_otp-witness 1";

/// The last witness under the name of a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// How often one was written under that name. The next one has the next number.
    pub number: u64,
    /// Distinguishes this witness from any other.
    pub nonce: Nonce,
}

impl Witness {
    /// Makes the witness that follows an existing one.
    ///
    /// # Errors
    /// The system provides no random bytes.
    pub fn after(before: Option<Self>) -> Result<Self, otp_store::Error> {
        Ok(Self {
            number: before.map_or(1, |before| before.number.saturating_add(1)),
            nonce: Nonce::fresh()?,
        })
    }

    /// Whether a database that has `now` can have developed from one that had this.
    pub(super) const fn can_become(self, now: Option<Self>) -> bool {
        match now {
            Some(now) => {
                now.number > self.number || (now.number == self.number && now.nonce.is(self.nonce))
            }
            None => false,
        }
    }

    /// Writes the witness as it is stored.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { number, nonce } = self;
        format!("{HEADER}\nnumber {number}\nnonce {nonce}\n")
    }

    /// Reads a stored witness; `None`: the value is not one.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?.strip_suffix('\n')?;
        let lines: Vec<&str> = text.split('\n').collect();
        let [HEADER, count, nonce] = lines.as_slice() else {
            return None;
        };
        Some(Self {
            number: number(count.strip_prefix("number ")?)?,
            nonce: Nonce::read(nonce.strip_prefix("nonce ")?)?,
        })
    }

    /// Writes the witness for a line of the mark.
    pub(super) fn words(&self) -> String {
        format!("{} {}", self.number, self.nonce)
    }

    pub(super) fn of_words(words: &str) -> Option<Self> {
        let (count, nonce) = words.split_once(' ')?;
        Some(Self {
            number: number(count)?,
            nonce: Nonce::read(nonce)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn witness(number: u64, nonce: u128) -> Witness {
        Witness {
            number,
            nonce: Nonce::of(nonce),
        }
    }

    #[test]
    fn a_witness_can_be_followed_only_by_itself_or_a_later_one() {
        let before = witness(7, 1);
        for now in [witness(7, 1), witness(8, 2), witness(5000, 3)] {
            assert!(before.can_become(Some(now)), "{now:?}");
        }
        for now in [None, Some(witness(6, 1)), Some(witness(7, 2))] {
            assert!(!before.can_become(now), "{now:?}");
        }
    }

    #[test]
    fn each_new_witness_is_different_and_reads_back() {
        let first = Witness::after(None).unwrap();
        let second = Witness::after(Some(first)).unwrap();
        assert_eq!((first.number, second.number), (1, 2));
        assert!(!first.nonce.is(second.nonce));
        let text = second.text();
        assert_eq!(Witness::read(text.as_bytes()), Some(second));
        assert_eq!(Witness::of_words(&second.words()), Some(second));
        for bad in [
            "",
            &text[..text.len() - 1],
            &text.replace("number 2", "number 02"),
            &text.replace("witness 1", "witness 2"),
        ] {
            assert_eq!(Witness::read(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
