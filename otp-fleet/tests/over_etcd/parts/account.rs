//! An account whose codes are known, and the actions on it.

use otp_core::code::Generator;
use otp_core::record::{Algorithm, Digits, Id, Kind, Name, Origin, Period, RecoverySet, Secret};
use otp_core::recovery::{RecoveryCode, Salt};
use otp_core::{
    Account, Authenticator, Credential, Input, Policy, State, Step, UnixTime, UserName, Verdict,
};
use otp_fleet::keeper::EtcdKeeper;
use otp_store::account::import;
use otp_store::{Committed, Error, attempt};

/// The time of the tests.
pub const NOW: UnixTime = UnixTime::from_seconds(1_763_640_000);

/// Returns the account of that name.
pub fn account(name: &str) -> Account {
    Account {
        name: UserName::new(name).unwrap(),
        uid: 1001,
    }
}

/// Returns a credential with an authenticator of that kind and three recovery codes.
pub fn credential(name: &str, kind: Kind) -> Credential {
    let device = Authenticator {
        id: Id::from_random([1; 8]),
        name: Name::new("phone").unwrap(),
        kind,
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        secret: Secret::new((1..=20).collect::<Vec<u8>>().into()).unwrap(),
        window: None,
        created: NOW,
    };
    let salt = Salt([3; 16]);
    let codes = RecoverySet {
        id: Id::from_random([0x81; 8]),
        origin: Origin::Issued,
        salt,
        hashes: (0..3).map(|at| recovery_code(at).hash(&salt)).collect(),
        created: NOW,
    };
    Credential::new(name.to_owned(), 1001, vec![device], Some(codes)).unwrap()
}

/// Returns the recovery code at that position.
pub fn recovery_code(at: u8) -> RecoveryCode {
    RecoveryCode::from_random([at, 1, 2, 3, 5, 7, 11, 13, 17, 19])
}

/// Enrols the account with a time-based authenticator.
pub fn enrol(keeper: &EtcdKeeper, name: &str) -> Credential {
    enrol_with(keeper, name, Kind::Totp(Period::THIRTY))
}

/// Enrols the account with an authenticator of that kind.
pub fn enrol_with(keeper: &EtcdKeeper, name: &str, kind: Kind) -> Credential {
    let credential = credential(name, kind);
    let state = State::fresh(&credential);
    import(keeper, &account(name), &credential, &state, true).unwrap();
    credential
}

/// Returns the step of a time.
pub fn step(when: UnixTime) -> Step {
    when.step(Period::THIRTY)
}

/// Returns a reply with the code of a step.
pub fn code(credential: &Credential, step: Step) -> Input {
    let code = Generator::new(&credential.authenticators()[0]).reveal(step);
    Input::parse(code.as_bytes())
}

/// Returns a reply that is the code of no step near.
pub fn wrong(credential: &Credential, salt: u32) -> Input {
    let generator = Generator::new(&credential.authenticators()[0]);
    let here = step(NOW).0;
    let near: Vec<_> = (here - 100..here + 100)
        .map(|step| generator.reveal(Step(step)))
        .collect();
    let digits = (0..).map(|at| format!("{:06}", (salt + at) % 1_000_000));
    let wrong = digits
        .into_iter()
        .find(|digits| near.iter().all(|near| **near != *digits));
    Input::parse(wrong.unwrap().as_bytes())
}

/// Makes an attempt at that time.
pub fn try_at(
    keeper: &EtcdKeeper,
    name: &str,
    input: &Input,
    when: UnixTime,
) -> Result<Verdict, Error> {
    attempt(
        keeper,
        &account(name),
        &Policy::default(),
        input,
        false,
        || Ok(when),
    )
    .map(Committed::into_inner)
}

/// Ends a lock caused by wrong codes.
pub fn unlock(keeper: &EtcdKeeper, name: &str) {
    otp_store::account::unlock(keeper, &account(name), || Ok(NOW)).unwrap();
}

/// Whether a verdict lets the user in.
pub fn lets_in(verdict: &Result<Verdict, Error>) -> bool {
    matches!(
        verdict,
        Ok(Verdict::Accepted { .. } | Verdict::Recovered { .. })
    )
}
