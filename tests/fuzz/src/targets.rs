//! The targets. Each takes any bytes, and panics if something does not hold.

mod arguments;
mod base32;
mod credential;
mod first_login;
mod imports;
mod logins;
mod mail;
mod otpauth;
mod policy;
mod replies;
mod requests;
mod stack;
mod state;
mod trust;
mod zone;

use std::path::Path;
use std::sync::OnceLock;

pub(crate) use replies::kind_and_plain as plain_reply;

/// A target and its name, which is also the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const ALL: [Target; 15] = [
    ("arguments", arguments::run),
    ("base32", base32::run),
    ("credential", credential::run),
    ("first_login", first_login::run),
    ("imports", imports::run),
    ("logins", logins::run),
    ("mail", mail::run),
    ("otpauth", otpauth::run),
    ("policy", policy::run),
    ("replies", replies::run),
    ("requests", requests::run),
    ("stack", stack::run),
    ("state", state::run),
    ("trust", trust::run),
    ("zone", zone::run),
];

/// Runs the target with that name.
///
/// # Panics
/// Panics if there is no such target, or if something does not hold.
pub fn run(name: &str, bytes: &[u8]) {
    let (_, target) = ALL
        .iter()
        .find(|(one, _)| *one == name)
        .expect("a target of that name");
    target(bytes);
}

/// Checks that an error reveals nothing of the parsed content: no run of 12 letters and digits. Words without a digit are
/// ignored, because errors name keys.
fn assert_tells_nothing_of(content: &[u8], told: &str) {
    let runs = content.split(|byte| !byte.is_ascii_alphanumeric());
    for run in runs.filter(|run| run.len() >= 12) {
        for piece in run.windows(12) {
            let has_digit = piece.iter().any(u8::is_ascii_digit);
            let piece = std::str::from_utf8(piece).unwrap();
            assert!(
                !has_digit || !told.contains(piece),
                "an error reveals content of the file"
            );
        }
    }
}

/// Returns the place for files that need not survive a power cut: memory, if there is such a place.
fn memory() -> &'static Path {
    static PLACE: OnceLock<&Path> = OnceLock::new();
    PLACE.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        if tempfile::tempdir_in(memory).is_ok() {
            memory
        } else {
            Path::new("/tmp")
        }
    })
}
