//! The progress of the database when it was last seen. It is stored outside the database, so that a restored backup
//! is noticed.
//!
//! After a snapshot was restored, etcd gives out the same revisions again, with the same ids of cluster and members.
//! Nothing inside etcd shows that, and after a while its revisions are as high as before. So the mark also remembers
//! what was last written, and that it was missing once.
//! was missing once.

use super::guard::{Nonce, number};
use super::witness::Witness;
use crate::name::PeerName;
use otp_core::messages::fleet::Why;
use otp_core::record::Language;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const HEADER: &str = "pam_otp-seen 1";
const REFUSED: &str = "refused";
/// A size larger than any mark, in bytes.
const LARGEST: u64 = 1024;

/// The progress of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The fleet in the database.
    pub fleet: Nonce,
    /// How often all codes were made void.
    pub epoch: u64,
    /// The highest revision in any answer.
    pub revision: i64,
    /// The verifier's last write; `None`: there was none, or it was not looked for.
    pub witness: Option<Witness>,
    /// Whether the database was since found to be older than this. Then only a higher epoch may follow.
    pub is_refused: bool,
}

/// The database is older than before, or another fleet's. No answer may be given from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behind {
    /// It is another fleet's.
    AnotherFleet {
        /// The fleet that was seen.
        seen: Nonce,
        /// The fleet that is there now.
        now: Nonce,
    },
    /// It is in an earlier state: restored from a backup, or its newest writes are lost.
    Older {
        /// The state that was seen.
        seen: Box<Seen>,
        /// The state now.
        now: Box<Seen>,
    },
}

impl Behind {
    /// Returns the fault in words of that language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::AnotherFleet { seen, now } => {
                format!("the database is that of another fleet: {now} instead of {seen}")
            }
            Self::Older { seen, now } if seen.is_refused && now.epoch == seen.epoch => {
                "the database was found to be older than it was, and nobody has confirmed it since: see otp-admin fleet confirm".to_owned()
            }
            Self::Older { seen, now }
                if (now.epoch, now.revision) >= (seen.epoch, seen.revision) =>
            {
                "the database is older than it was: what this verifier has written last is not there".to_owned()
            }
            Self::Older { seen, now } => format!(
                "the database is older than it was: epoch {} revision {} instead of epoch {} revision {}",
                now.epoch, now.revision, seen.epoch, seen.revision
            ),
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::AnotherFleet { seen, now } => {
                format!("다른 플릿의 데이터베이스입니다({seen} 플릿이 아니라 {now} 플릿)")
            }
            Self::Older { seen, now } if seen.is_refused && now.epoch == seen.epoch => {
                "데이터베이스가 과거로 돌아간 것이 발견된 뒤 아직 확인되지 않았습니다. 'otp-admin fleet confirm' 명령을 참고하세요".to_owned()
            }
            Self::Older { seen, now }
                if (now.epoch, now.revision) >= (seen.epoch, seen.revision) =>
            {
                "데이터베이스가 과거로 돌아갔습니다. 이 검증 서버가 마지막으로 저장한 내용이 없습니다".to_owned()
            }
            Self::Older { seen, now } => format!(
                "데이터베이스가 과거로 돌아갔습니다(에폭 {}, 리비전 {}에서 에폭 {}, 리비전 {}로)",
                seen.epoch, seen.revision, now.epoch, now.revision
            ),
        }
    }
}

impl std::fmt::Display for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.english())
    }
}

impl std::error::Error for Behind {}

impl Seen {
    /// Checks that the database can have developed from `seen` to this state. A new epoch has voided everything
    /// before it, so its revisions may begin again.
    ///
    /// # Errors
    /// It cannot.
    pub fn follows(&self, seen: &Self) -> Result<(), Behind> {
        if !self.fleet.is(seen.fleet) {
            return Err(Behind::AnotherFleet {
                seen: seen.fleet,
                now: self.fleet,
            });
        }
        let is_witnessed = match seen.witness {
            Some(witness) => witness.can_become(self.witness),
            None => true,
        };
        let is_of_the_past = seen.is_refused || self.revision < seen.revision || !is_witnessed;
        if self.epoch < seen.epoch || (self.epoch == seen.epoch && is_of_the_past) {
            return Err(Behind::Older {
                seen: Box::new(*seen),
                now: Box::new(*self),
            });
        }
        Ok(())
    }

    /// Returns the later of two states that follow one another. A refused state stays refused until a higher epoch.
    pub(super) fn or_later(self, other: Self) -> Self {
        let is_later = (self.epoch, self.revision) < (other.epoch, other.revision);
        if is_later && !(self.is_refused && self.epoch == other.epoch) {
            other
        } else {
            self
        }
    }

    fn text(&self, name: Option<&PeerName>) -> String {
        let Self {
            fleet,
            epoch,
            revision,
            witness,
            is_refused,
        } = self;
        let mut text = format!("{HEADER}\nfleet {fleet}\nepoch {epoch}\nrevision {revision}\n");
        if let (Some(name), Some(witness)) = (name, witness) {
            text += "witness ";
            text += name.as_str();
            text.push(' ');
            text += &witness.words();
            text.push('\n');
        }
        if *is_refused {
            text += REFUSED;
            text.push('\n');
        }
        text
    }

    fn read(text: &str) -> Option<(Self, Option<PeerName>)> {
        let mut lines = text.strip_suffix('\n')?.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return None;
        }
        let mut seen = Self {
            fleet: Nonce::read(lines.next()?.strip_prefix("fleet ")?)?,
            epoch: number(lines.next()?.strip_prefix("epoch ")?)?,
            revision: number(lines.next()?.strip_prefix("revision ")?)?,
            witness: None,
            is_refused: false,
        };
        let mut name = None;
        if let Some(words) = lines.peek().and_then(|line| line.strip_prefix("witness ")) {
            let (whose, witness) = words.split_once(' ')?;
            name = Some(PeerName::new(whose)?);
            seen.witness = Some(Witness::of_words(witness)?);
            lines.next();
        }
        seen.is_refused = lines.next_if_eq(&REFUSED).is_some();
        lines.next().is_none().then_some((seen, name))
    }
}

/// The file of a mark.
pub struct Mark {
    path: PathBuf,
    kept: Option<Seen>,
    /// The name under which the verifier writes.
    name: Option<PeerName>,
}

impl Mark {
    /// Reads the mark from a file; a missing file has no mark.
    ///
    /// # Errors
    /// The file cannot be read, or is not a mark. Then the state that was seen is unknown, and no first answer may be
    /// given.
    pub fn open(path: &Path) -> io::Result<Self> {
        let read = match File::open(path) {
            Ok(file) => {
                let mut text = String::new();
                file.take(LARGEST).read_to_string(&mut text)?;
                let damaged = || io::Error::new(io::ErrorKind::InvalidData, Why::NotAMark);
                Some(Seen::read(&text).ok_or_else(damaged)?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let (kept, name) = read.map_or((None, None), |(kept, name)| (Some(kept), name));
        Ok(Self {
            path: path.to_owned(),
            kept,
            name,
        })
    }

    /// Returns the name under which the verifier writes its witness; `None`: no witness is looked for.
    #[must_use]
    pub const fn name(&self) -> Option<&PeerName> {
        self.name.as_ref()
    }

    /// Sets the name under which the verifier writes, unless it is set. A new certificate does not change it: the
    /// writes under the first name must still be there.
    pub fn known_as(&mut self, name: &PeerName) -> &PeerName {
        self.name.get_or_insert_with(|| name.clone())
    }

    /// Returns the stored state.
    #[must_use]
    pub const fn seen(&self) -> Option<Seen> {
        self.kept
    }

    /// Stores the progress of the database, durably, if it follows the stored state.
    ///
    /// # Errors
    /// It does not follow, or cannot be written. The old mark then remains.
    pub fn keep(&mut self, now: Seen) -> io::Result<()> {
        if let Some(seen) = self.kept {
            now.follows(&seen).map_err(io::Error::other)?;
            if now == seen {
                return Ok(());
            }
        }
        self.write(now)
    }

    /// Stores, durably, that the database was found to be older than the mark or than `seen`, whichever is later.
    ///
    /// # Errors
    /// It cannot be written. The old mark then remains.
    pub fn refuse(&mut self, seen: Seen) -> io::Result<()> {
        let seen = Seen {
            is_refused: true,
            ..self.kept.map_or(seen, |kept| kept.or_later(seen))
        };
        if self.kept == Some(seen) {
            return Ok(());
        }
        self.write(seen)
    }

    fn write(&mut self, now: Seen) -> io::Result<()> {
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(now.text(self.name.as_ref()).as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        File::open(folder)?.sync_all()?;
        self.kept = Some(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn seen(epoch: u64, revision: i64) -> Seen {
        Seen {
            fleet: Nonce::of(7),
            epoch,
            revision,
            witness: None,
            is_refused: false,
        }
    }

    fn witnessed(revision: i64, number: u64) -> Seen {
        let nonce = Nonce::of(u128::from(number));
        Seen {
            witness: Some(Witness { number, nonce }),
            ..seen(3, revision)
        }
    }

    #[test]
    fn the_last_write_must_be_there_however_far_the_database_has_advanced() {
        let before = witnessed(1000, 50);
        for after in [witnessed(1000, 50), witnessed(1001, 51), seen(4, 1)] {
            assert_eq!(after.follows(&before), Ok(()), "{after:?}");
        }
        for after in [witnessed(5000, 49), seen(3, 5000)] {
            let Err(behind) = after.follows(&before) else {
                panic!("{after:?}");
            };
            assert!(behind.to_string().contains("older than it was"), "{behind}");
        }
        // Nothing was written before, or no witness was looked for.
        assert_eq!(witnessed(1000, 1).follows(&seen(3, 1000)), Ok(()));
    }

    #[test]
    fn a_database_found_older_is_refused_until_a_higher_epoch_even_after_a_restart() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("seen");
        let mut mark = Mark::open(&path).unwrap();
        mark.known_as(&PeerName::new("v1.example.org").unwrap());
        mark.keep(witnessed(900, 49)).unwrap();
        mark.refuse(witnessed(1000, 50)).unwrap();
        for _ in 0..2 {
            for after in [witnessed(1000, 50), witnessed(5000, 90)] {
                let refused = mark.keep(after).unwrap_err().to_string();
                assert!(refused.contains("older than it was"), "{refused}");
                assert!(mark.seen().unwrap().or_later(after).is_refused);
            }
            // Another process finds the same.
            mark = Mark::open(&path).unwrap();
            let kept = Seen {
                is_refused: true,
                ..witnessed(1000, 50)
            };
            assert_eq!(mark.seen(), Some(kept));
            assert_eq!(mark.name().unwrap().as_str(), "v1.example.org");
        }
        mark.refuse(witnessed(10, 1)).unwrap();
        assert_eq!(mark.seen().unwrap().revision, 1000);
        mark.keep(seen(4, 5)).unwrap();
        assert_eq!(Mark::open(&path).unwrap().seen(), Some(seen(4, 5)));
    }

    #[test]
    fn a_new_certificate_makes_no_new_verifier() {
        let [first, second] = ["v1", "v2"].map(|name| PeerName::new(name).unwrap());
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("seen");
        let mut mark = Mark::open(&path).unwrap();
        assert_eq!(mark.known_as(&first), &first);
        mark.keep(witnessed(1, 1)).unwrap();
        let mut mark = Mark::open(&path).unwrap();
        assert_eq!(mark.known_as(&second), &first);
    }

    #[test]
    fn only_an_epoch_raised_by_an_administrator_excuses_missing_revisions() {
        let before = seen(3, 1000);
        for after in [seen(3, 1000), seen(3, 1001), seen(4, 1), seen(9, 5000)] {
            assert_eq!(after.follows(&before), Ok(()), "{after:?}");
        }
        for after in [seen(3, 999), seen(2, 5000), seen(0, 1)] {
            let older = Err(Behind::Older {
                seen: Box::new(before),
                now: Box::new(after),
            });
            assert_eq!(after.follows(&before), older);
        }
        let another = Seen {
            fleet: Nonce::of(8),
            ..seen(9, 5000)
        };
        assert!(matches!(
            another.follows(&before),
            Err(Behind::AnotherFleet { .. })
        ));
    }

    #[test]
    fn a_mark_is_stored_and_never_goes_back() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("seen");
        let mut mark = Mark::open(&path).unwrap();
        assert_eq!(mark.seen(), None);
        mark.keep(seen(1, 10)).unwrap();
        mark.keep(seen(1, 20)).unwrap();
        assert!(mark.keep(seen(1, 19)).is_err());
        assert_eq!(Mark::open(&path).unwrap().seen(), Some(seen(1, 20)));
        mark.keep(seen(2, 5)).unwrap();
        assert_eq!(Mark::open(&path).unwrap().seen(), Some(seen(2, 5)));
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1);
    }

    #[test]
    fn an_unreadable_mark_is_not_a_missing_mark() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("seen");
        let whole = seen(1, 20).text(None);
        let name = PeerName::new("v1").unwrap();
        let all = Seen {
            is_refused: true,
            ..witnessed(20, 2)
        };
        let all = all.text(Some(&name));
        for text in [
            "",
            &all[..all.len() - 1],
            &all.replace("refused", "refuse"),
            &all.replace("witness v1", "witness"),
            &all.replace("v1 2", "v1 x"),
            &format!("{all}refused\n"),
            &format!("{whole}\n"),
            "pam_otp-seen 2\n",
            &whole[..whole.len() - 1],
            &whole.replace("20", "-20"),
        ] {
            fs::write(&path, text).unwrap();
            assert!(Mark::open(&path).is_err(), "{text:?}");
        }
        for whole in [whole, all] {
            fs::write(&path, &whole).unwrap();
            assert!(Mark::open(&path).is_ok());
        }
    }

    #[test]
    fn a_mark_that_cannot_be_written_stays_as_it_was() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("seen");
        let mut mark = Mark::open(&path).unwrap();
        mark.keep(seen(1, 10)).unwrap();
        // Even root cannot open a folder for writing.
        fs::create_dir(folder.path().join("seen.new")).unwrap();
        assert!(mark.keep(seen(1, 20)).is_err());
        assert_eq!(mark.seen(), Some(seen(1, 10)));
        assert_eq!(Mark::open(&path).unwrap().seen(), Some(seen(1, 10)));
    }

    #[test]
    fn a_database_that_may_not_be_trusted_is_reported_in_each_language() {
        let before = witnessed(7, 7);
        let refused = Seen {
            is_refused: true,
            ..seen(3, 7)
        };
        let other = Nonce::of(8);
        let (first, second) = (seen(3, 7).fleet.to_string(), other.to_string());
        for (now, before, english, names) in [
            (
                seen(2, 9),
                seen(3, 7),
                "the database is older than it was: epoch 2 revision 9 instead of epoch 3 revision 7"
                    .to_owned(),
                &[][..],
            ),
            (
                seen(3, 8),
                before,
                "the database is older than it was: what this verifier has written last is not there"
                    .to_owned(),
                &[],
            ),
            (
                seen(3, 8),
                refused,
                "the database was found to be older than it was, and nobody has confirmed it since: see otp-admin fleet confirm"
                    .to_owned(),
                &["otp-admin fleet confirm"],
            ),
            (
                Seen {
                    fleet: other,
                    ..seen(3, 7)
                },
                seen(3, 7),
                format!("the database is that of another fleet: {second} instead of {first}"),
                &[],
            ),
        ] {
            let behind = now.follows(&before).unwrap_err();
            assert_eq!(behind.to_string(), english);
            assert_eq!(behind.text(Language::English), english);
            crate::fixture::assert_korean(&behind.text(Language::Korean), names);
        }
    }
}
