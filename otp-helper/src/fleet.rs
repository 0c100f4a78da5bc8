//! The requests of a fleet's machine to a verifier: those of the helper, each in an envelope.
//!
//! ```text
//! machine                                            verifier
//!   "fleet1" user id, policy, fields of a Request      fields of an Answer, or turns as in crate::session
//!                                                      or "elsewhere" reason
//!   "admin1" arguments                                 an administrator's session
//! ```
//! Answers and turns are those of the helper. A request that was sent and not answered is never sent again: the
//! attempt may have been counted. Only if a verifier says "elsewhere" has it not looked at the request, and another
//! verifier can be asked.

mod digest;

pub use digest::PolicyDigest;

use crate::frame::Fields;
use crate::protocol::Request;
use std::time::Duration;

/// The port that verifiers listen on, unless their configuration sets another.
pub const PORT: u16 = 6238;

/// The name of this protocol in TLS (ALPN, RFC 7301). A later, incompatible protocol gets another number.
pub const ALPN: &[u8] = b"pam-otp/1";

/// The time that connecting to one verifier may take, including the handshake.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// The time that a machine waits for an answer, including everything before it.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The first field of a machine's request.
pub const MACHINE: &[u8] = b"fleet1";

/// The first field of an administrator's session.
pub const ADMINISTRATOR: &[u8] = b"admin1";

/// The first field of the message of a verifier that serves no requests for now.
const ELSEWHERE: &[u8] = b"elsewhere";

/// Makes the message of a verifier that has not looked at the request, for a reason of its own: its clock is off, it
/// is about to end, or it cannot trust its database. Another verifier can be asked the same.
#[must_use]
pub fn elsewhere(reason: &str) -> Fields {
    let short: String = reason.chars().take(500).collect();
    Fields::default().with(ELSEWHERE).with(short.as_bytes())
}

/// Reads the reason of a verifier that serves no requests for now; `None`: the fields are an answer or a turn.
#[must_use]
pub fn is_elsewhere(fields: &Fields) -> Option<String> {
    match fields.as_slices().as_slice() {
        [ELSEWHERE, reason] => Some(String::from_utf8_lossy(reason).into_owned()),
        _ => None,
    }
}

/// A machine's request to a verifier.
pub struct Envelope {
    /// The user id that the machine's name service returns for the user; `None`: the machine has no such user.
    pub uid: Option<u32>,
    /// The digest of the machine's policy, of the keys on which all machines must agree.
    pub policy: PolicyDigest,
    /// The request.
    pub request: Request,
}

impl Envelope {
    /// Encodes the envelope for the wire.
    #[must_use]
    pub fn to_fields(&self) -> Fields {
        wrap(self.uid, self.policy, &self.request.to_fields())
    }

    /// Decodes an envelope; `None`: the fields are not an envelope with a request.
    #[must_use]
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        let fields = fields.as_slices();
        let [MACHINE, uid, policy, request @ ..] = fields.as_slice() else {
            return None;
        };
        let request = request
            .iter()
            .fold(Fields::default(), |all, field| all.with(field));
        Some(Self {
            uid: match *uid {
                b"" => None,
                number => Some(user_id(number)?),
            },
            policy: PolicyDigest::from_text(std::str::from_utf8(policy).ok()?)?,
            request: Request::from_fields(&request)?,
        })
    }
}

/// Puts the fields of a request into an envelope unchanged. The whole must still fit a frame
/// ([`crate::frame::LIMIT`]).
#[must_use]
pub fn wrap(uid: Option<u32>, policy: PolicyDigest, request: &Fields) -> Fields {
    let uid = uid.map_or_else(String::new, |uid| uid.to_string());
    let head = Fields::default()
        .with(MACHINE)
        .with(uid.as_bytes())
        .with(policy.to_string().as_bytes());
    let request = request.as_slices();
    request.into_iter().fold(head, Fields::with)
}

/// Reads a user id in its only form: no sign, no leading zero.
fn user_id(field: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(field).ok()?;
    let uid: u32 = text.parse().ok()?;
    (uid.to_string() == text).then_some(uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::LIMIT;
    use crate::protocol::{Answer, Claim};
    use otp_core::Policy;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    fn check(user: &str, reply: &[u8]) -> Request {
        Request::Check {
            user: user.to_owned(),
            excused: false,
            reply: Zeroizing::new(reply.to_vec()),
            no_guess: None,
            remembered: None,
            claim: Some(Claim {
                service: "sshd".to_owned(),
                ..Claim::default()
            }),
        }
    }

    fn envelope(uid: Option<u32>) -> Envelope {
        Envelope {
            uid,
            policy: PolicyDigest::of(&Policy::default()),
            request: check("alice", b"123456"),
        }
    }

    #[test]
    fn a_malformed_envelope_is_refused() {
        let good = envelope(Some(1001)).to_fields();
        assert!(Envelope::from_fields(&good).is_some());
        let good = good.as_slices();
        let with = |at: usize, field: &[u8]| {
            let fields = good.iter().enumerate();
            fields.fold(Fields::default(), |all, (here, one)| {
                all.with(if here == at { field } else { one })
            })
        };
        for (at, field) in [
            (0, b"fleet2".as_slice()),
            (0, b"admin1"),
            (0, b""),
            (1, b"-1"),
            (1, b"+1"),
            (1, b"01"),
            (1, b" 1"),
            (1, b"4294967296"),
            (1, b"alice"),
            (1, b"\xff"),
            (2, b""),
            (2, b"0123456789abcde"),
            (2, b"0123456789abcdef0"),
            (2, b"0123456789ABCDEF"),
            (2, b"+123456789abcdef"),
            (2, b"\xff123456789abcde"),
            (3, b"unlock"),
            (3, b"fleet1"),
        ] {
            assert!(Envelope::from_fields(&with(at, field)).is_none(), "{at}");
        }
        for count in 0..good.len() {
            let short = good[..count].iter();
            let short = short.fold(Fields::default(), |all, one| all.with(one));
            // Without the program's claims, the fields are a request of an earlier version.
            let is_one = count == good.len() - 5;
            assert_eq!(Envelope::from_fields(&short).is_some(), is_one, "{count}");
        }
    }

    /// With an envelope inside an envelope, one machine could speak for another.
    #[test]
    fn an_envelope_inside_an_envelope_is_refused() {
        let inner = envelope(Some(0)).to_fields();
        let outer = wrap(Some(1001), PolicyDigest::of(&Policy::default()), &inner);
        assert!(Envelope::from_fields(&outer).is_none());
    }

    /// A client that does not know this message finds no answer in it, and refuses the login.
    #[test]
    fn the_reply_of_a_verifier_that_has_not_looked_is_no_answer_and_no_turn() {
        let fields = elsewhere("the clock of this verifier is off");
        let reason = is_elsewhere(&fields);
        assert_eq!(reason.as_deref(), Some("the clock of this verifier is off"));
        assert!(crate::session::Turn::from_fields(&fields).is_none());
        assert!(is_elsewhere(&Answer::Denied.to_fields()).is_none());
        assert!(is_elsewhere(&Fields::default().with(ELSEWHERE)).is_none());
        assert!(elsewhere(&"가".repeat(5000)).to_bytes().is_some());
    }

    #[test]
    fn the_longest_line_of_a_terminal_fits_an_envelope() {
        let mut long = envelope(Some(u32::MAX));
        long.request = check(&"u".repeat(255), &[b'1'; 4096]);
        assert!(long.to_fields().to_bytes().is_some());
        long.request = check("alice", &[b'1'; LIMIT]);
        assert!(long.to_fields().to_bytes().is_none());
    }

    proptest! {
        #[test]
        fn every_envelope_reads_back(
            uid in prop::option::of(any::<u32>()),
            digest in any::<[u8; 8]>(),
            user in "\\PC{0,40}",
            reply in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let policy = PolicyDigest::from_bytes(digest);
            let sent = Envelope { uid, policy, request: check(&user, &reply) };
            let bytes = sent.to_fields().to_bytes().unwrap();
            let fields = Fields::read_from(&mut bytes.as_slice()).ok().unwrap();
            let back = Envelope::from_fields(&fields).expect("an envelope");
            prop_assert_eq!(back.uid, uid);
            prop_assert_eq!(back.policy, policy);
            prop_assert!(back.to_fields().as_slices() == fields.as_slices());
        }

        /// Fields that read as an envelope are written in the same way: nothing can be said in two ways.
        #[test]
        fn fields_that_read_as_an_envelope_are_written_back_the_same(
            uid in "[0-9+ -]{0,4}",
            digest in "[0-9a-gA-F]{15,17}",
            more in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..4),
        ) {
            let head = Fields::default().with(MACHINE).with(uid.as_bytes()).with(digest.as_bytes());
            let head = head.with(b"is-enrolled");
            let fields = more.iter().fold(head, |all, one| all.with(one));
            if let Some(read) = Envelope::from_fields(&fields) {
                prop_assert!(read.to_fields().as_slices() == fields.as_slices());
            }
        }
    }
}
