//! What is kept about an account, as values that cannot be built wrong.

mod credential;
mod policy;
mod state;

pub use credential::{
    Algorithm, Authenticator, Credential, DEFAULT_NAME, Digits, Id, Kind, MAX_AUTHENTICATORS, Name,
    Period, RecoverySet, Secret,
};
pub use policy::{
    AtLogin, CodePolicy, EnforcePolicy, EnrollPolicy, Groups, HelperPolicy, Language,
    LockoutPolicy, Policy, RecoveryPolicy, TrustPolicy, Unlock,
};
pub use state::{AuthenticatorState, Drift, RecoveryState, Refusal, Resync, Standing, State};

/// A value outside what its type allows; says what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange(pub &'static str);

impl std::fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for OutOfRange {}
