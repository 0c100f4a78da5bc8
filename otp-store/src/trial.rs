//! The tests of the transactions, for an engine of another crate. Only with the feature `trial`, which nothing that is
//! installed is built with.

pub use crate::fixture::Bench;

/// A test, with its name. It panics where it fails.
pub type Trial = (&'static str, fn());

/// All that `over_every_keeper!` runs, over one more.
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

/// What the bytes of a part say of an account's past; `None`: they are damaged.
#[must_use]
pub fn state(bytes: &[u8]) -> Option<otp_core::State> {
    crate::text::state::Newest::of(bytes)
        .ok()
        .map(|newest| newest.state)
}
