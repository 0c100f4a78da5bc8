//! The keys that writes change or compare: the guard of each account, and the epoch of the fleet.

use otp_core::UnixTime;
use otp_store::account::floor::Floor;
use std::fmt::Write;

const GUARD: &str = "pam_otp-guard ";
const FLEET: &str = "pam_otp-fleet ";
const VERSION: &str = "1";
/// The largest value of either kind, in bytes.
const LARGEST: usize = 1024;
/// The longest name in DNS.
const LONGEST_NAME: usize = 253;

/// Why a value cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// A newer release wrote it.
    Newer,
    /// It is damaged.
    Damaged,
}

/// A unique number: of one write, or of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(u128);

impl Nonce {
    /// Makes a number that has never been used.
    ///
    /// # Errors
    /// The system provides no random bytes.
    pub fn fresh() -> Result<Self, otp_store::Error> {
        Ok(Self(u128::from_be_bytes(otp_store::mint::random()?)))
    }

    /// Whether both are the same, in `const` code, which cannot use `==`.
    pub(super) const fn is(self, other: Self) -> bool {
        self.0 == other.0
    }

    #[cfg(test)]
    pub(super) const fn of(number: u128) -> Self {
        Self(number)
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_plain = text.len() == 32 && text.bytes().all(is_digit);
        is_plain
            .then(|| u128::from_str_radix(text, 16).ok().map(Self))
            .flatten()
    }
}

impl std::fmt::Display for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The name in the certificate of a machine or an administrator: letters, digits, dots, hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Machine(String);

impl Machine {
    /// Checks a name. Upper case becomes lower case.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let is_one = !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(is_known);
        (is_one && name != NOBODY).then_some(Self(name))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Stands for no machine.
const NOBODY: &str = "-";

/// The last accepted attempt of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The machine on which it was made.
    pub machine: Machine,
    /// The time, by the clock of the verifier that judged it.
    pub when: UnixTime,
}

/// The first value of an account, which is new with each write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guard {
    /// The nonce of the write.
    pub nonce: Nonce,
    /// The epoch in which it was made.
    pub epoch: u64,
    /// The machine or administrator for whom it was made.
    pub by: Option<Machine>,
    /// The last accepted attempt; `None`: there is none, or a wrong code came since.
    pub accepted: Option<Accepted>,
}

impl Guard {
    pub(super) fn text(&self) -> String {
        let Self {
            nonce,
            epoch,
            by,
            accepted,
        } = self;
        let by = by.as_ref().map_or(NOBODY, Machine::as_str);
        let mut text =
            format!("{GUARD}{VERSION}\nnonce {nonce}\nepoch {epoch}\nby {by}\naccepted ");
        match accepted {
            Some(Accepted { machine, when }) => {
                writeln!(text, "{} {}", machine.as_str(), when.seconds())
            }
            None => writeln!(text, "{NOBODY}"),
        }
        .expect("a String takes every write");
        text
    }

    pub(super) fn read(value: &[u8]) -> Result<Self, Unreadable> {
        let [nonce, epoch, by, accepted] = lines(value, GUARD)?;
        let read = || {
            let accepted = match accepted.strip_prefix("accepted ")? {
                NOBODY => None,
                accepted => {
                    let (machine, when) = accepted.split_once(' ')?;
                    Some(Accepted {
                        machine: exactly(machine)?,
                        when: UnixTime::from_seconds(number(when)?),
                    })
                }
            };
            Some(Self {
                nonce: Nonce::read(nonce.strip_prefix("nonce ")?)?,
                epoch: number(epoch.strip_prefix("epoch ")?)?,
                by: match by.strip_prefix("by ")? {
                    NOBODY => None,
                    by => Some(exactly(by)?),
                },
                accepted,
            })
        };
        read().ok_or(Unreadable::Damaged)
    }
}

/// Reads from a guard, for an administrator's commands, the epoch in which it was written and the time of the last
/// accepted attempt. `None`: it cannot be read.
#[must_use]
pub fn told_by_guard(value: &[u8]) -> Option<(u64, Option<UnixTime>)> {
    let guard = Guard::read(value).ok()?;
    Some((guard.epoch, guard.accepted.map(|accepted| accepted.when)))
}

/// The identity of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// Its id, which no other fleet has.
    pub id: Nonce,
    /// How often all codes were made void.
    pub epoch: u64,
    /// The floor of this epoch, for accounts from an earlier one; `None`: there is none.
    pub floor: Option<Floor>,
}

impl Fleet {
    pub(crate) fn text(&self) -> String {
        let Self { id, epoch, floor } = self;
        let floor = match floor {
            Some(Floor { when, counters }) => format!("{} {counters}", when.seconds()),
            None => NOBODY.to_owned(),
        };
        format!("{FLEET}{VERSION}\nid {id}\nepoch {epoch}\nfloor {floor}\n")
    }

    pub(crate) fn read(value: &[u8]) -> Result<Self, Unreadable> {
        let [id, epoch, floor] = lines(value, FLEET)?;
        let read = || {
            let floor = match floor.strip_prefix("floor ")? {
                NOBODY => None,
                floor => {
                    let (when, counters) = floor.split_once(' ')?;
                    Some(Floor {
                        when: UnixTime::from_seconds(number(when)?),
                        counters: number(counters)?,
                    })
                }
            };
            Some(Self {
                id: Nonce::read(id.strip_prefix("id ")?)?,
                epoch: number(epoch.strip_prefix("epoch ")?)?,
                floor,
            })
        };
        read().ok_or(Unreadable::Damaged)
    }
}

/// Returns the lines after the first, if their number is right.
fn lines<'v, const N: usize>(value: &'v [u8], header: &str) -> Result<[&'v str; N], Unreadable> {
    if value.len() > LARGEST {
        return Err(Unreadable::Damaged);
    }
    let text = std::str::from_utf8(value).map_err(|_| Unreadable::Damaged)?;
    let (version, rest) = text
        .strip_prefix(header)
        .and_then(|rest| rest.split_once('\n'))
        .ok_or(Unreadable::Damaged)?;
    if version != VERSION {
        let is_version = number::<u32>(version).is_some_and(|version| version > 1);
        return Err(if is_version {
            Unreadable::Newer
        } else {
            Unreadable::Damaged
        });
    }
    let rest = rest.strip_suffix('\n').ok_or(Unreadable::Damaged)?;
    let lines: Vec<&str> = rest.split('\n').collect();
    lines.try_into().map_err(|_| Unreadable::Damaged)
}

/// Reads a machine's name in its only form, in lower case.
fn exactly(text: &str) -> Option<Machine> {
    Machine::new(text).filter(|machine| machine.as_str() == text)
}

/// Reads a number that consists of digits only, without leading zeros.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_shortest = text == "0" || !text.starts_with('0');
    (is_plain && is_shortest)
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guards() -> Vec<Guard> {
        let machine = Machine::new("web-1.example.org");
        let accepted = Accepted {
            machine: machine.clone().unwrap(),
            when: UnixTime::from_seconds(1_800_000_000),
        };
        [
            (None, None),
            (machine.clone(), None),
            (machine, Some(accepted)),
        ]
        .map(|(by, accepted)| Guard {
            nonce: Nonce(0x0123_4567),
            epoch: 7,
            by,
            accepted,
        })
        .into()
    }

    fn fleets() -> Vec<Fleet> {
        let floor = Floor::at(UnixTime::from_seconds(1_800_000_000));
        [None, Some(floor)]
            .map(|floor| Fleet {
                id: Nonce(u128::MAX),
                epoch: 0,
                floor,
            })
            .into()
    }

    #[test]
    fn a_guard_and_a_fleet_read_back() {
        for guard in guards() {
            assert_eq!(Guard::read(guard.text().as_bytes()), Ok(guard));
        }
        for fleet in fleets() {
            assert_eq!(Fleet::read(fleet.text().as_bytes()), Ok(fleet));
        }
        let written = "pam_otp-guard 1\nnonce 00000000000000000000000001234567\nepoch 7\n\
             by web-1.example.org\naccepted web-1.example.org 1800000000\n";
        assert_eq!(guards()[2].text(), written);
        let written = format!(
            "pam_otp-fleet 1\nid {}\nepoch 0\nfloor 1800000000 1000\n",
            "f".repeat(32)
        );
        assert_eq!(fleets()[1].text(), written);
    }

    #[test]
    fn only_the_exact_text_is_a_guard_or_a_fleet() {
        let written = guards()[2].text();
        for (from, to) in [
            ("epoch 7", "epoch 07"),
            ("epoch 7", "epoch +7"),
            ("epoch 7", "epoch -7"),
            ("epoch 7\n", ""),
            ("by web-1", "by WEB-1"),
            ("by web-1", "by web 1"),
            ("1800000000", "18446744073709551616"),
            ("nonce 0", "nonce F"),
            ("nonce 00", "nonce 0"),
            ("\naccepted", "\n\naccepted"),
            ("1800000000\n", "1800000000"),
            ("guard 1", "guard 01"),
        ] {
            let other = written.replacen(from, to, 1);
            assert_ne!(other, written);
            let read = Guard::read(other.as_bytes());
            assert_eq!(read, Err(Unreadable::Damaged), "{to:?}");
        }
        let written = fleets()[1].text();
        for (from, to) in [
            ("floor 1800000000 1000", "floor 1800000000"),
            ("id f", "id g"),
            ("1000", ""),
        ] {
            let other = written.replacen(from, to, 1);
            assert_eq!(
                Fleet::read(other.as_bytes()),
                Err(Unreadable::Damaged),
                "{to:?}"
            );
        }
        for value in [&b""[..], b"\xff", b"pam_otp-guard 1\n", &[b'x'; 2000]] {
            assert_eq!(Guard::read(value), Err(Unreadable::Damaged));
            assert_eq!(Fleet::read(value), Err(Unreadable::Damaged));
        }
    }

    #[test]
    fn a_newer_version_is_distinguished_from_damage() {
        assert_eq!(Guard::read(b"pam_otp-guard 2\nx"), Err(Unreadable::Newer));
        assert_eq!(Fleet::read(b"pam_otp-fleet 2\nx"), Err(Unreadable::Newer));
    }

    #[test]
    fn a_machine_name_is_one_that_a_certificate_can_have() {
        for (name, is) in [
            ("web-1.example.org", Some("web-1.example.org")),
            ("WEB", Some("web")),
            ("", None),
            ("-", None),
            ("a b", None),
            ("a\nb", None),
            ("a/b", None),
            ("ä", None),
        ] {
            assert_eq!(
                Machine::new(name).as_ref().map(Machine::as_str),
                is,
                "{name:?}"
            );
        }
        assert!(Machine::new(&"x".repeat(254)).is_none());
    }
}
