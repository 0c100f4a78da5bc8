//! The stored facts about an account, in types that cannot hold wrong values.

use crate::messages::reason::Unfit;

mod credential;
mod fleet;
mod policy;
mod services;
mod state;

pub use credential::{
    Algorithm, Authenticator, Credential, DEFAULT_NAME, Digits, Id, Identities, Issued, Kind,
    Known, MAX_AUTHENTICATORS, Name, Origin, Outline, Period, RecoverySet, Secret, Window,
};
pub use fleet::{FleetPolicy, MOST_VERIFIERS, Verifier};
pub use policy::{
    AtLogin, CodePolicy, EnforcePolicy, EnrollPolicy, Groups, HelperPolicy, HooksPolicy, Language,
    LockoutPolicy, MailPolicy, Policy, RecoveryPolicy, SealPolicy, TrustPolicy, Unlock,
};
pub use services::{Policies, ServiceName, ServicePolicy};
pub use state::{AuthenticatorState, Drift, RecoveryState, Refusal, Resync, Standing, State};

/// A value outside the range of its type; says what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange(pub Unfit);

impl std::fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for OutOfRange {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoGuess;
    use crate::qr::Style;
    use std::fmt::Debug;

    /// Each value has its own word.
    fn assert_reads_back<T: Copy + Debug + PartialEq>(
        all: &[T],
        word: impl Fn(T) -> &'static str,
        from_word: impl Fn(&str) -> Option<T>,
    ) {
        for &one in all {
            assert_eq!(from_word(word(one)), Some(one));
            assert!(!word(one).is_empty());
            assert_eq!(from_word(&format!("{} ", word(one))), None);
        }
    }

    #[test]
    fn every_value_that_is_written_as_a_word_reads_back() {
        assert_reads_back(&Refusal::ALL, Refusal::word, Refusal::from_word);
        assert_reads_back(&Algorithm::ALL, Algorithm::name, Algorithm::from_name);
        assert_reads_back(&Language::ALL, Language::tag, Language::from_tag);
        assert_reads_back(&AtLogin::ALL, AtLogin::word, AtLogin::from_word);
        assert_reads_back(&Style::ALL, Style::word, Style::from_word);
        assert_reads_back(&NoGuess::ALL, NoGuess::word, NoGuess::from_word);
    }
}
