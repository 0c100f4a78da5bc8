//! Tokens, by which logged-in users are known. This machine's key signs them, and a token with another signature is
//! worthless.
//!
//! The portal keeps tokens and can read them, so they contain nothing secret. For the password and the authenticators
//! they have tags that only the key can make.

use crate::wire::{LONGEST_TOKEN, Token};
use hmac::{Hmac, KeyInit, Mac};
use otp_core::UnixTime;
use otp_core::record::MAX_AUTHENTICATORS;
use otp_store::{Device, Overview};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The first byte: the version of the layout.
const VERSION: u8 = 2;

/// The length of a key, in bytes.
pub(super) const KEY_BYTES: usize = 32;

/// The length of the signature at the end, in bytes.
const SIGNATURE: usize = 32;

/// A tag of something that is compared and never shown.
pub(super) type Tag = [u8; 16];

/// The key of this machine. It is wiped on drop and has no `Debug`.
pub(super) struct Signer(Zeroizing<[u8; KEY_BYTES]>);

/// The content of a token.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Claims {
    /// The name of the login. A user id can have several names, each with a password of its own.
    pub login: String,
    /// The user id of that name.
    pub uid: u32,
    /// When the user logged in.
    pub began: UnixTime,
    /// When the token ends at the latest.
    pub ends: UnixTime,
    /// The tag of the account's password.
    pub password: Tag,
    /// The value of the user's last logout everywhere.
    pub left: Tag,
    /// The wrong codes of the account at the login.
    pub failures: Failures,
    /// The tags of the account's authenticators at the login.
    pub devices: Vec<Tag>,
}

/// The wrong codes of an account. They show a lock even after it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Failures {
    /// Failures in a row, over all locks.
    pub in_a_row: u32,
    /// Failures that are still allowed before the next lock.
    pub left: u32,
}

impl Failures {
    pub(super) const fn of(overview: &Overview) -> Self {
        Self {
            in_a_row: overview.failures,
            left: overview.failures_left,
        }
    }

    /// Whether the account was locked between `earlier` and now, as far as failures show. A success forgets them.
    ///
    /// Each failure reduces the number that is left. When one locks, that number is full again. So the sum of both
    /// grows with each lock and with nothing else. If an administrator has raised the limit, the next failure counts as
    /// a lock.
    pub(super) const fn show_a_lock_since(self, earlier: Self) -> bool {
        self.in_a_row > earlier.in_a_row && self.sum() > earlier.sum()
    }

    const fn sum(self) -> u32 {
        self.in_a_row.saturating_add(self.left)
    }
}

impl Signer {
    pub(super) const fn new(key: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(key)
    }

    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; SIGNATURE] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice())
            .expect("HMAC takes a key of any length");
        for part in [&[purpose.as_bytes()], parts].concat() {
            // Each part comes with its length, so two different lists never give the same bytes.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn tag(&self, purpose: &str, parts: &[&[u8]]) -> Tag {
        let whole = self.mac(purpose, parts);
        let mut tag = Tag::default();
        tag.copy_from_slice(&whole[..size_of::<Tag>()]);
        tag
    }

    /// Returns the tag of a password's entry; `None`: this machine has no entry for the account.
    pub(super) fn of_password(&self, uid: u32, entry: Option<&[u8]>) -> Tag {
        let uid = uid.to_be_bytes();
        match entry {
            Some(entry) => self.tag("password", &[&uid, entry]),
            None => self.tag("no password", &[&uid]),
        }
    }

    /// Returns the tag of an authenticator. A later one with the same name has another tag.
    pub(super) fn of_device(&self, uid: u32, device: &Device) -> Tag {
        let (uid, created) = (uid.to_be_bytes(), device.created.seconds().to_be_bytes());
        self.tag("device", &[&uid, &created, device.name.as_str().as_bytes()])
    }

    /// Signs claims. `once`: random bytes, so that no two tokens are equal.
    pub(super) fn sign(&self, claims: &Claims, once: [u8; 16]) -> Option<Token> {
        let length = u8::try_from(claims.login.len()).ok()?;
        let count = u8::try_from(claims.devices.len()).ok()?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_TOKEN));
        bytes.push(VERSION);
        bytes.extend_from_slice(&once);
        bytes.extend_from_slice(&claims.uid.to_be_bytes());
        bytes.extend_from_slice(&claims.began.seconds().to_be_bytes());
        bytes.extend_from_slice(&claims.ends.seconds().to_be_bytes());
        bytes.extend_from_slice(&claims.password);
        bytes.extend_from_slice(&claims.left);
        bytes.extend_from_slice(&claims.failures.in_a_row.to_be_bytes());
        bytes.extend_from_slice(&claims.failures.left.to_be_bytes());
        bytes.push(length);
        bytes.extend_from_slice(claims.login.as_bytes());
        bytes.push(count);
        for device in &claims.devices {
            bytes.extend_from_slice(device);
        }
        let signature = self.mac("token", &[&bytes]);
        bytes.extend_from_slice(&signature);
        Token::from_bytes(&bytes)
    }

    /// Returns the claims of a token; `None`: this machine has not signed it.
    pub(super) fn open(&self, token: &Token) -> Option<Claims> {
        let bytes = token.as_bytes();
        let (said, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE)?)?;
        if !bool::from(self.mac("token", &[said]).ct_eq(signature)) {
            return None;
        }
        let mut rest = said;
        let [VERSION] = take(&mut rest)? else {
            return None;
        };
        let _once: [u8; 16] = take(&mut rest)?;
        let uid = u32::from_be_bytes(take(&mut rest)?);
        let began = UnixTime::from_seconds(u64::from_be_bytes(take(&mut rest)?));
        let ends = UnixTime::from_seconds(u64::from_be_bytes(take(&mut rest)?));
        let password = take(&mut rest)?;
        let left = take(&mut rest)?;
        let failures = Failures {
            in_a_row: u32::from_be_bytes(take(&mut rest)?),
            left: u32::from_be_bytes(take(&mut rest)?),
        };
        let [length] = take(&mut rest)?;
        let (login, mut rest) = rest.split_at_checked(length.into())?;
        let [count] = take(&mut rest)?;
        let mut devices = Vec::new();
        for _ in 0..count {
            devices.push(take(&mut rest)?);
        }
        (rest.is_empty() && devices.len() <= MAX_AUTHENTICATORS).then_some(Claims {
            login: std::str::from_utf8(login).ok()?.to_owned(),
            uid,
            began,
            ends,
            password,
            left,
            failures,
            devices,
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::record::Name;

    fn signer(byte: u8) -> Signer {
        Signer::new(Zeroizing::new([byte; KEY_BYTES]))
    }

    fn claims() -> Claims {
        Claims {
            login: "alice".to_owned(),
            uid: 1001,
            began: UnixTime::from_seconds(1_763_600_000),
            ends: UnixTime::from_seconds(1_763_640_000),
            password: [1; 16],
            left: [2; 16],
            failures: Failures {
                in_a_row: 6,
                left: 4,
            },
            devices: vec![[3; 16], [4; 16]],
        }
    }

    #[test]
    fn a_token_opens_only_with_the_key_that_signed_it() {
        let longest = Claims {
            login: "x".repeat(255),
            failures: Failures {
                in_a_row: u32::MAX,
                left: u32::MAX,
            },
            devices: vec![[9; 16]; MAX_AUTHENTICATORS],
            ..claims()
        };
        let without = Claims {
            devices: vec![],
            ..claims()
        };
        for claims in [claims(), longest, without] {
            let token = signer(7).sign(&claims, [5; 16]).expect("it fits");
            assert_eq!(signer(7).open(&token), Some(claims));
            assert!(signer(8).open(&token).is_none());
        }
    }

    #[test]
    fn a_changed_or_cut_token_is_refused() {
        let token = signer(7).sign(&claims(), [5; 16]).unwrap();
        let bytes = token.as_bytes();
        for at in 0..bytes.len() * 8 {
            let mut forged = bytes.to_vec();
            forged[at / 8] ^= 1 << (at % 8);
            assert!(
                signer(7)
                    .open(&Token::from_bytes(&forged).unwrap())
                    .is_none()
            );
        }
        for length in 1..bytes.len() {
            assert!(
                signer(7)
                    .open(&Token::from_bytes(&bytes[..length]).unwrap())
                    .is_none()
            );
        }
        let longer = [bytes, &[0]].concat();
        assert!(
            signer(7)
                .open(&Token::from_bytes(&longer).unwrap())
                .is_none()
        );
    }

    #[test]
    fn a_signed_text_of_another_layout_is_no_token() {
        let signer = signer(7);
        for said in [&[][..], &[VERSION], &[2; 70], &[VERSION; 70]] {
            let forged = [said, &signer.mac("token", &[said])].concat();
            assert!(signer.open(&Token::from_bytes(&forged).unwrap()).is_none());
        }
        // A signature that the key made for another purpose is no token either.
        let password = signer.mac("password", &[&[VERSION; 70]]);
        let forged = [&[VERSION; 70][..], &password].concat();
        assert!(signer.open(&Token::from_bytes(&forged).unwrap()).is_none());
    }

    /// Plays wrong codes, right codes and locks with every limit: the failures show exactly what has happened.
    #[test]
    fn failures_show_exactly_the_locks_since_the_last_success() {
        for limit in 1..6 {
            for earlier in 0..12 {
                for later in earlier..20 {
                    let after = |wrong: u32| Failures {
                        in_a_row: wrong,
                        left: limit - wrong % limit,
                    };
                    let locked = later / limit > earlier / limit;
                    let shown = after(later).show_a_lock_since(after(earlier));
                    assert_eq!(shown, locked, "{limit}: {earlier} {later}");
                }
                let forgotten = Failures {
                    in_a_row: 0,
                    left: limit,
                };
                let before = Failures {
                    in_a_row: earlier,
                    left: limit - earlier % limit,
                };
                assert!(!forgotten.show_a_lock_since(before));
            }
        }
    }

    #[test]
    fn another_limit_alone_shows_no_lock() {
        let (in_a_row, few, many) = (3, 2, 7);
        let with = |left| Failures { in_a_row, left };
        assert!(!with(many).show_a_lock_since(with(few)));
        assert!(!with(few).show_a_lock_since(with(many)));
    }

    #[test]
    fn different_things_have_different_tags() {
        let signer = signer(7);
        let device = |name, created| Device {
            name: Name::new(name).unwrap(),
            created: UnixTime::from_seconds(created),
            last_used: None,
            next_counter: None,
        };
        let tags = [
            signer.of_password(1, None),
            signer.of_password(1, Some(b"")),
            signer.of_password(1, Some(b"$y$")),
            signer.of_password(2, Some(b"$y$")),
            signer.of_device(1, &device("phone", 1)),
            signer.of_device(1, &device("phone", 2)),
            signer.of_device(1, &device("phone2", 1)),
            signer.of_device(2, &device("phone", 1)),
        ];
        for (at, tag) in tags.iter().enumerate() {
            assert!(!tags[..at].contains(tag), "{at}");
        }
        let used = Device {
            last_used: Some(UnixTime::from_seconds(9)),
            ..device("phone", 1)
        };
        assert_eq!(signer.of_device(1, &used), tags[4]);
    }
}
