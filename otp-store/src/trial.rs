//! The tests of the transactions, for an engine of another crate. They need the feature `trial`, which no installed
//! program is built with.

pub use crate::fixture::Bench;

/// A test, with its name. It panics if it fails.
pub type Trial = (&'static str, fn());

/// Returns all tests that `over_every_keeper!` runs, for one more keeper.
#[must_use]
pub fn transactions<B: Bench>() -> Vec<Trial> {
    use crate::account::{
        attempt, change, grace, import, mailing, overview, sealing, tests, trust,
    };
    [
        tests::over::<B>(),
        attempt::tests::over::<B>(),
        change::tests::over::<B>(),
        grace::tests::over::<B>(),
        import::tests::over::<B>(),
        mailing::tests::over::<B>(),
        overview::tests::over::<B>(),
        sealing::tests::over::<B>(),
        trust::tests::over::<B>(),
    ]
    .concat()
}

/// Returns what the bytes of a part say of an account's past; `None`: they are damaged.
#[must_use]
pub fn state(bytes: &[u8]) -> Option<otp_core::State> {
    crate::text::state::Newest::of(bytes)
        .ok()
        .map(|newest| newest.state)
}
