//! The transactions on an account, over any keeper: each is done whole or not at all.
//!
//! A transaction that was overtaken begins again, with the stored data and the time of then. Only here does a verdict
//! become [`Committed`](attempt::Committed).

pub mod attempt;
pub mod change;
mod enrolled;
pub mod floor;
pub mod grace;
pub(crate) mod import;
pub mod mailing;
pub mod moving;
pub mod overview;
mod provision;
pub(crate) mod record;
pub mod sealing;
#[cfg(any(test, feature = "trial"))]
pub(crate) mod tests;
pub mod trust;
mod unlock;

pub use enrolled::{EnrolledOrSince, enrolled_or_since, erase, is_enrolled};
pub use import::{Foretold, Imported, foretell, import, imported_salt};
pub use provision::{Provisioned, provision, provision_from};
pub use unlock::{Unlocked, unlock};

use crate::Error;
use std::time::{Duration, Instant};

/// An error of a transaction, which may say that it was overtaken.
trait Overtakable {
    fn is_overtaken(&self) -> bool;
}

impl Overtakable for Error {
    fn is_overtaken(&self) -> bool {
        matches!(self, Self::Overtaken { .. })
    }
}

/// Runs `work`, and repeats it while it is overtaken and `deadline` has not passed.
fn until_not_overtaken<T, E: Overtakable>(
    deadline: Duration,
    mut work: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut since = None;
    loop {
        match work() {
            Err(error) if error.is_overtaken() => {
                if since.get_or_insert_with(Instant::now).elapsed() >= deadline {
                    return Err(error);
                }
            }
            done => return done,
        }
    }
}
