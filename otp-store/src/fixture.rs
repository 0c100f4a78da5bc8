//! Helpers that the tests of this crate share: an account whose secrets are markers, and a place for its record.

use crate::account::record::HeldRecord;
use crate::memory::Memory;
use crate::{Error, Keeper, Seal, Store};

use otp_core::code::Generator;
use otp_core::enforce::Belongs;
use otp_core::record::{
    Algorithm, Digits, Id, Kind, Language, Name, Origin, Period, RecoverySet, Secret,
};
use otp_core::recovery::{RecoveryCode, Salt};
use otp_core::{
    Account, Authenticator, Credential, Input, State, Step, UnixTime, UserName, base32,
};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// The key of the phone: every letter of base32 once, so that no piece of it occurs in a message by chance.
pub(crate) const KEY: &str = "VNQXTRKWMZLHGJ4YCPDUSB5E6OIA2F73";

/// The time of the tests.
pub(crate) const NOW: UnixTime = UnixTime::from_seconds(1_763_640_000);

/// The account of the record.
pub(crate) fn alice() -> Account {
    Account {
        name: UserName::new("alice").unwrap(),
        uid: 1001,
    }
}

/// A name service that knows no group.
pub(crate) fn no_groups(_: &UserName, _: &str) -> Belongs {
    Belongs::Unknown
}

/// A phone and three recovery codes.
pub(crate) fn credential() -> Credential {
    another_credential(0)
}

/// The same from another enrolment: other ids, other keys.
pub(crate) fn another_credential(enrolment: u8) -> Credential {
    let mut key = base32::parse(KEY).unwrap();
    key[0] ^= enrolment;
    let phone = Authenticator {
        id: Id::from_random([enrolment; 8]),
        name: Name::new("phone").unwrap(),
        kind: Kind::Totp(Period::THIRTY),
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        secret: Secret::new(key).unwrap(),
        window: None,
        created: NOW,
    };
    let salt = Salt([enrolment; 16]);
    let codes = RecoverySet {
        id: Id::from_random([0x80 | enrolment; 8]),
        origin: Origin::Issued,
        salt,
        hashes: (0..3)
            .map(|at| recovery_code(enrolment, at).hash(&salt))
            .collect(),
        created: NOW,
    };
    Credential::new("alice".to_owned(), 1001, vec![phone], Some(codes)).unwrap()
}

pub(crate) fn recovery_code(enrolment: u8, at: u8) -> RecoveryCode {
    RecoveryCode::from_random([enrolment, at, 2, 3, 5, 7, 11, 13, 17, 19])
}

/// Returns a reply with the phone's code of the step `steps_from_now`.
pub(crate) fn code(credential: &Credential, steps_from_now: i64) -> Input {
    let step = NOW
        .step(Period::THIRTY)
        .0
        .checked_add_signed(steps_from_now);
    let code = Generator::new(&credential.authenticators()[0]).reveal(Step(step.unwrap()));
    Input::parse(code.as_bytes())
}

/// A directory of all records, with the mode that the package gives it; removed on drop.
pub(crate) struct Place(TempDir);

impl Place {
    /// Nobody is enrolled.
    pub(crate) fn empty() -> Self {
        let place = Self(TempDir::new().unwrap());
        set_mode(place.path(), 0o2770);
        place
    }

    /// Alice is enrolled with [`credential`].
    pub(crate) fn with_alice() -> Self {
        let place = Self::empty();
        enrol(&place.store(), &credential());
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(self.path()).unwrap()
    }

    /// Alice's directory.
    pub(crate) fn alice(&self) -> PathBuf {
        self.path().join("alice")
    }

    /// One of alice's files.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.alice().join(name)
    }
}

/// A place for records, which a test of a transaction gets; each test runs once for every keeper.
pub trait Bench: Sync {
    /// The keeper of this place.
    type Keeper: Keeper + Send;

    /// Nobody is enrolled.
    fn empty() -> Self;

    /// Opens the records anew, as each process does.
    fn store(&self) -> Self::Keeper;

    /// Opens the same records, with keys sealed with that seal.
    fn sealed_store(&self, seal: Seal) -> Self::Keeper;

    /// Alice is enrolled with [`credential`].
    #[must_use]
    fn with_alice() -> Self
    where
        Self: Sized,
    {
        let bench = Self::empty();
        enrol(&bench.store(), &credential());
        bench
    }
}

impl Bench for Place {
    type Keeper = Store;

    fn empty() -> Self {
        Self::empty()
    }

    fn store(&self) -> Store {
        self.store()
    }

    fn sealed_store(&self, seal: Seal) -> Store {
        self.store().sealed_by(seal)
    }
}

impl Bench for Memory {
    type Keeper = Self;

    fn empty() -> Self {
        Self::default()
    }

    fn store(&self) -> Self {
        self.clone()
    }

    fn sealed_store(&self, seal: Seal) -> Self {
        self.clone().sealed_by(seal)
    }
}

/// Runs tests that take a [`Bench`] over each keeper.
macro_rules! over_every_keeper {
    ($($test:ident),+ $(,)?) => {
        mod in_files {
            $(#[test] fn $test() { super::$test::<crate::fixture::Place>(); })+
        }
        mod in_memory {
            $(#[test] fn $test() { super::$test::<crate::memory::Memory>(); })+
        }
        /// All tests by name, for an engine of another crate.
        #[cfg(feature = "trial")]
        pub(crate) fn over<B: crate::fixture::Bench>() -> Vec<crate::trial::Trial> {
            vec![$((concat!(module_path!(), "::", stringify!($test)), $test::<B> as fn())),+]
        }
    };
}
pub(crate) use over_every_keeper;

/// Replaces whatever alice has by `credential`.
pub(crate) fn enrol(store: &impl Keeper, credential: &Credential) {
    let mut locked = store.hold_or_create(&alice(), SOON).unwrap();
    locked
        .replace(&alice(), credential, &State::fresh(credential))
        .unwrap();
}

/// Returns alice's state on disk.
pub(crate) fn state_of(store: &impl Keeper) -> State {
    let mut locked = store.hold(&alice(), SOON).unwrap().unwrap();
    locked.read(&alice()).unwrap().unwrap().state
}

/// Far longer than anything here takes.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Whether this is root: only root can give a file to another user. The whole suite runs as root (`tests/run`).
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Fails instead of hanging if `work` waits for something that never comes.
pub(crate) fn promptly<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver
        .recv_timeout(SOON)
        .expect("an answer, and neither a panic nor an endless wait")
}

/// Checks that no part of the secrets in `content` is in the error, however it is printed.
///
/// Any 16 letters and digits in a row count as a secret: keys, salts, hashes and ids are that long, and no word is.
pub(crate) fn assert_tells_no_secret_of(content: &[u8], error: &Error) {
    let [english, korean] =
        Language::ALL.map(|language| format!("{} {}", error.text(language), error.hint(language)));
    let told = format!("{error:?} {english} {korean}").to_ascii_lowercase();
    for secret in content
        .split(|byte| !byte.is_ascii_alphanumeric())
        .filter(|run| run.len() >= 16)
    {
        for piece in secret.windows(6) {
            let piece = std::str::from_utf8(piece).unwrap().to_ascii_lowercase();
            assert!(!told.contains(&piece), "{told:?} tells {piece:?}");
        }
    }
}

const PLACE_OF_PARENT: &str = "PAM_OTP_TEST_PLACE";

/// Runs one test of this program again, in a process whose shell has run `preparation`.
///
/// For settings of the whole process, such as limits and the umask: in this process other tests run at the same time.
pub(crate) fn run_again_after(preparation: &str, test: &str, place: &Place) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new("sh")
        .arg("-c")
        .arg(format!("{preparation}; exec \"$0\" --exact \"$1\""))
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(PLACE_OF_PARENT, place.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    assert!(
        status.success() && told.contains("1 passed"),
        "after {preparation}: {status}: {told}"
    );
}

/// The place that [`run_again_after`] was given, in the process that it started.
pub(crate) fn place_of_parent() -> Option<PathBuf> {
    std::env::var_os(PLACE_OF_PARENT).map(PathBuf::from)
}
