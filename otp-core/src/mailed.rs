//! Codes that are sent by mail: eight digits, for one login of one account.
//!
//! Only a hash of the code is stored. Its key is held only by the login that asked for the code. So nobody can guess
//! the code from what is stored, and no other login can use it.

use crate::code::TypedCode;
use crate::messages::reason::Unfit;
use crate::record::OutOfRange;
use crate::time::UnixTime;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::time::Duration;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// How long a code counts (NIST SP 800-63B-4 section 4.2.1.2: at most 24 hours).
pub const LASTS: Duration = Duration::from_secs(10 * 60);

/// How many codes are sent to an account within [`A_DAY`].
pub const MOST_A_DAY: usize = 5;

/// The time over which [`MOST_A_DAY`] is counted.
pub const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// Digits of a code (NIST SP 800-63B-4 section 4.2.1.2: at least 6).
pub const DIGITS: usize = 8;

/// A code as it is sent. Wiped on drop; has no `Debug`, `Display` or `Clone`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MailedCode(u32);

impl MailedCode {
    /// Makes the code from these random bits. There are enough of them that no code is noticeably more likely than another.
    #[must_use]
    pub const fn from_random(bits: [u8; 16]) -> Self {
        Self((u128::from_le_bytes(bits) % 100_000_000) as u32)
    }

    /// The code as it stands in the mail.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut digits = Zeroizing::new(String::with_capacity(DIGITS));
        let mut unit = 10_000_000;
        while unit > 0 {
            digits.push(char::from(b'0' + (self.0 / unit % 10) as u8));
            unit /= 10;
        }
        digits
    }

    /// Whether this code was typed, in any form that can be pasted.
    #[must_use]
    pub fn is(&self, typed: &[u8]) -> bool {
        let typed = TypedCode::parse(typed);
        let digits = self.reveal();
        typed.is_some_and(|typed| typed.digits().as_bytes().ct_eq(digits.as_bytes()).into())
    }

    /// Returns the hash of the code that is stored.
    #[must_use]
    pub fn hash(&self, key: &LoginKey, user: &str, uid: u32) -> MailedHash {
        key.hash(&self.reveal(), user, uid)
    }
}

/// The key of a login that has asked for a code: 128 random bits that nothing else holds. Wiped on drop; has no
/// `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct LoginKey([u8; Self::BYTES]);

impl LoginKey {
    /// 128 bits.
    pub const BYTES: usize = 16;

    /// The key made of these random bytes.
    #[must_use]
    pub const fn from_random(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    fn hash(&self, digits: &str, user: &str, uid: u32) -> MailedHash {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(b"pam_otp mailed code\0");
        mac.update(&uid.to_be_bytes());
        mac.update(digits.as_bytes());
        mac.update(user.as_bytes());
        MailedHash(mac.finalize().into_bytes().into())
    }
}

/// HMAC-SHA-256 of a code and the account that it is for, under the key of the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailedHash(pub [u8; 32]);

/// A code that was sent and not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outstanding {
    /// Its hash.
    pub hash: MailedHash,
    /// When it was sent.
    pub since: UnixTime,
}

impl Outstanding {
    /// Whether the code still counts. A code sent in the future does not: the clock has run back, and the code would
    /// last too long.
    #[must_use]
    pub fn counts(&self, now: UnixTime) -> bool {
        self.since <= now && now < self.since.after(LASTS)
    }
}

/// A reply that may be a mailed code, in the login that has asked for one. Has no `Debug`: it holds a code.
pub struct MailedReply {
    typed: TypedCode,
    key: LoginKey,
    kept: Option<Outstanding>,
}

impl MailedReply {
    /// A reply, with nothing known yet of what is stored.
    #[must_use]
    pub const fn new(typed: TypedCode, key: &LoginKey) -> Self {
        Self {
            typed,
            key: LoginKey(key.0),
            kept: None,
        }
    }

    /// Returns the same reply with what is stored about the account.
    #[must_use]
    pub fn beside(&self, kept: Option<Outstanding>) -> Self {
        Self {
            typed: self.typed.again(),
            key: LoginKey(self.key.0),
            kept,
        }
    }

    /// The typed reply, to be compared with all other codes.
    #[must_use]
    pub const fn typed(&self) -> &TypedCode {
        &self.typed
    }

    /// Whether it is the code that was sent for this login of this account. Does the same work whatever is stored.
    #[must_use]
    pub fn is_right(&self, user: &str, uid: u32, now: UnixTime) -> bool {
        let hash = self.key.hash(self.typed.digits(), user, uid);
        let kept = self.kept.filter(|kept| kept.counts(now));
        let expected = kept.map_or([0; 32], |kept| kept.hash.0);
        bool::from(hash.0.ct_eq(&expected)) && kept.is_some()
    }
}

/// The stored facts about an account's mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// When codes were sent, oldest first; older times than a day can be dropped.
    sent: Vec<UnixTime>,
    /// The code that was sent last, if it is not used.
    outstanding: Option<Outstanding>,
    /// The address that its owner has confirmed.
    confirmed: Option<Confirmed>,
}

/// An address that its owner has confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The address.
    pub address: crate::mail::Address,
    /// When it was confirmed.
    pub when: UnixTime,
}

impl Mailbox {
    /// Makes a mailbox from what was stored.
    ///
    /// # Errors
    /// More codes were sent than are ever sent in a day.
    pub fn new(
        mut sent: Vec<UnixTime>,
        outstanding: Option<Outstanding>,
        confirmed: Option<Confirmed>,
    ) -> Result<Self, OutOfRange> {
        if sent.len() > MOST_A_DAY {
            return Err(OutOfRange(Unfit::TooManySent));
        }
        sent.sort_unstable();
        Ok(Self {
            sent,
            outstanding,
            confirmed,
        })
    }

    /// When codes were sent, oldest first.
    #[must_use]
    pub fn sent(&self) -> &[UnixTime] {
        &self.sent
    }

    /// The code that was sent last, if it is not used.
    #[must_use]
    pub const fn outstanding(&self) -> Option<Outstanding> {
        self.outstanding
    }

    /// The address that its owner has confirmed.
    #[must_use]
    pub const fn confirmed(&self) -> Option<&Confirmed> {
        self.confirmed.as_ref()
    }

    /// Returns the mailbox after another code, which replaces the one before; `None` if it would be one too many in a
    /// day.
    ///
    /// A code sent in the future counts as sent now. So a wrong clock gets nobody more codes, and nobody waits longer
    /// than a day.
    #[must_use]
    pub fn with_another(&self, hash: Option<MailedHash>, now: UnixTime) -> Option<Self> {
        let mut next = self.as_of(now);
        if next.sent.len() >= MOST_A_DAY {
            return None;
        }
        next.sent.push(now);
        next.outstanding = hash.map(|hash| Outstanding { hash, since: now });
        Some(next)
    }

    /// Returns the mailbox without what no longer counts.
    #[must_use]
    pub fn as_of(&self, now: UnixTime) -> Self {
        let sent = self.sent.iter().map(|&when| when.min(now));
        Self {
            sent: sent.filter(|when| now < when.after(A_DAY)).collect(),
            outstanding: self.outstanding.filter(|kept| kept.counts(now)),
            confirmed: self.confirmed.clone(),
        }
    }

    /// Returns the mailbox after the code is used.
    #[must_use]
    pub fn used_up(&self) -> Self {
        Self {
            outstanding: None,
            ..self.clone()
        }
    }

    /// Returns the mailbox after its owner has confirmed that address.
    #[must_use]
    pub fn confirming(&self, address: crate::mail::Address, when: UnixTime) -> Self {
        Self {
            confirmed: Some(Confirmed { address, when }),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixTime = UnixTime::from_seconds(1_763_640_000);

    fn at(seconds: u64) -> UnixTime {
        NOON.after(Duration::from_secs(seconds))
    }

    fn key(byte: u8) -> LoginKey {
        LoginKey::from_random([byte; LoginKey::BYTES])
    }

    fn code() -> MailedCode {
        MailedCode::from_random(1_234_567_u128.to_le_bytes())
    }

    fn reply(typed: &str, by: u8) -> MailedReply {
        let typed = TypedCode::parse(typed.as_bytes()).unwrap();
        MailedReply::new(typed, &key(by))
    }

    fn outstanding() -> Outstanding {
        let hash = code().hash(&key(7), "alice", 1001);
        Outstanding { hash, since: NOON }
    }

    #[test]
    fn a_code_has_eight_digits_whatever_the_bits() {
        assert_eq!(*code().reveal(), "01234567");
        assert_eq!(*MailedCode::from_random([0; 16]).reveal(), "00000000");
        let all = MailedCode::from_random([0xff; 16]).reveal();
        // 2^128 - 1 modulo 10^8, by another calculator.
        assert_eq!(*all, "68211455");
    }

    #[test]
    fn a_code_matches_however_it_was_typed_or_pasted() {
        for typed in ["01234567", " 0123 4567\r", "0123-4567"] {
            assert!(code().is(typed.as_bytes()), "{typed:?}");
        }
        for typed in ["", "1234567", "01234568", "012345678", "email"] {
            assert!(!code().is(typed.as_bytes()), "{typed:?}");
        }
    }

    /// By Python: `hmac.new(b"\7" * 16, b"pam_otp mailed code\0" + (1001).to_bytes(4, "big") + b"01234567alice", "sha256")`.
    #[test]
    fn the_stored_hash_is_the_one_that_the_manual_describes() {
        let hash = outstanding().hash.0;
        let hex = data_encoding::HEXLOWER.encode(&hash);
        assert_eq!(
            hex,
            "d57e760ebca4eef144ff6c166b5cfcd49f80f1c8140c77890fb61dda8b2f1357"
        );
    }

    #[test]
    fn a_code_is_right_only_for_its_login_and_its_account() {
        let kept = Some(outstanding());
        let right = |typed: &str, by: u8, user: &str, uid: u32| {
            reply(typed, by).beside(kept).is_right(user, uid, NOON)
        };
        assert!(right("01234567", 7, "alice", 1001));
        assert!(right("0123 4567", 7, "alice", 1001));
        assert!(!right("01234568", 7, "alice", 1001));
        assert!(!right("01234567", 8, "alice", 1001));
        assert!(!right("01234567", 7, "alic", 1001));
        assert!(!right("01234567", 7, "alice", 1002));
        assert!(!right("1234567", 7, "alice", 1001));
    }

    #[test]
    fn a_code_is_right_for_ten_minutes_and_only_if_one_is_outstanding() {
        let kept = Some(outstanding());
        let right = |kept, now| {
            reply("01234567", 7)
                .beside(kept)
                .is_right("alice", 1001, now)
        };
        assert!(right(kept, NOON));
        assert!(right(kept, at(599)));
        assert!(!right(kept, at(600)));
        // The clock has run back.
        assert!(!right(kept, UnixTime::from_seconds(NOON.seconds() - 1)));
        assert!(!right(None, NOON));
        assert!(!reply("01234567", 7).is_right("alice", 1001, NOON));
    }

    #[test]
    fn no_more_than_five_codes_are_sent_in_a_day() {
        let hash = Some(outstanding().hash);
        let mut mailbox = Mailbox::default();
        for sent in 0..5 {
            mailbox = mailbox.with_another(hash, at(sent * 60)).unwrap();
        }
        assert_eq!(mailbox.with_another(hash, at(300)), None);
        assert_eq!(mailbox.with_another(hash, at(86_399)), None);
        let next = mailbox.with_another(hash, at(86_400)).unwrap();
        assert_eq!(next.sent().len(), 5, "the first is a day old");
        assert_eq!(next.with_another(hash, at(86_401)), None);
    }

    #[test]
    fn a_clock_that_runs_back_neither_allows_more_codes_nor_prolongs_the_wait() {
        let hash = Some(outstanding().hash);
        let year = 365 * 86_400;
        let mut mailbox = Mailbox::default();
        for _ in 0..5 {
            mailbox = mailbox.with_another(hash, at(year)).unwrap();
        }
        assert_eq!(mailbox.with_another(hash, NOON), None);
        let corrected = mailbox.as_of(NOON);
        assert_eq!(corrected.sent(), [NOON; 5]);
        assert!(corrected.with_another(hash, at(86_400)).is_some());
    }

    #[test]
    fn only_the_last_code_sent_counts_and_only_once() {
        let first = outstanding().hash;
        let second = code().hash(&key(8), "alice", 1001);
        let mailbox = Mailbox::default().with_another(Some(first), NOON).unwrap();
        let mailbox = mailbox.with_another(Some(second), at(1)).unwrap();
        assert_eq!(mailbox.outstanding().unwrap().hash, second);
        assert_eq!(mailbox.used_up().outstanding(), None);
        assert_eq!(mailbox.used_up().sent(), mailbox.sent());
    }
}
