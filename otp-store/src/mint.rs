//! Makes new authenticators and recovery codes, whose random numbers are all drawn here.

use crate::Error;
use otp_core::Account;
use otp_core::imported::{ImportedCode, NoMemory};
use otp_core::mailed::{LoginKey, MailedCode};
use otp_core::record::{CodePolicy, Id, Kind, Name, Origin, RecoverySet, Secret};
use otp_core::recovery::{RecoveryCode, Salt};
use otp_core::{Authenticator, Credential, Policy, UnixTime};
use zeroize::Zeroizing;

/// Makes a time-based authenticator with a random key that is as long as its hash.
///
/// # Errors
/// The system gave no random bytes.
pub fn authenticator(name: Name, code: &CodePolicy, now: UnixTime) -> Result<Authenticator, Error> {
    of_kind(Kind::Totp(code.period), name, *code, now)
}

/// Makes an authenticator of that kind, otherwise like [`authenticator`].
fn of_kind(
    kind: Kind,
    name: Name,
    code: CodePolicy,
    now: UnixTime,
) -> Result<Authenticator, Error> {
    let mut key = Zeroizing::new(vec![0; code.algorithm.fresh_key_bytes()]);
    fill(&mut key)?;
    Ok(Authenticator {
        id: new_id()?,
        name,
        kind,
        algorithm: code.algorithm,
        digits: code.digits,
        secret: Secret::new(key).expect("a fresh key has 160 to 512 bits"),
        window: None,
        created: now,
    })
}

/// Makes a set of `count` new recovery codes, and returns the codes too, to be shown once.
///
/// # Errors
/// The system gave no random bytes.
pub fn recovery_codes(count: u8, now: UnixTime) -> Result<(RecoverySet, Vec<RecoveryCode>), Error> {
    let salt = new_salt()?;
    let mut codes = Vec::with_capacity(count.into());
    for _ in 0..count {
        let mut bytes = Zeroizing::new([0; RecoveryCode::BYTES]);
        fill(&mut *bytes)?;
        codes.push(RecoveryCode::from_random(*bytes));
    }
    let hashes = codes.iter().map(|code| code.hash(&salt)).collect();
    Ok((
        RecoverySet {
            id: new_id()?,
            origin: Origin::Issued,
            salt,
            hashes,
            created: now,
        },
        codes,
    ))
}

/// Makes a set of the codes that another program has issued. Takes about 20 ms for each code.
///
/// If the same codes were imported before, `salt` must be the salt of that import
/// ([`imported_salt`](crate::account::imported_salt) returns it): only then can codes be found that are gone meanwhile.
/// `None` makes a new salt.
///
/// # Errors
/// The system gave no random bytes, or no memory.
pub fn imported_codes(
    codes: &[ImportedCode],
    salt: Option<Salt>,
    now: UnixTime,
) -> Result<RecoverySet, Error> {
    let salt = salt.map_or_else(new_salt, Ok)?;
    let hashes = codes.iter().map(|code| code.hash(&salt));
    Ok(RecoverySet {
        id: new_id()?,
        origin: Origin::Imported,
        salt,
        hashes: hashes
            .collect::<Result<_, _>>()
            .map_err(|NoMemory| Error::Memory)?,
        created: now,
    })
}

/// Makes a code to be mailed, and the key of the login that asks for it.
///
/// # Errors
/// The system gave no random bytes.
pub fn mailed_code() -> Result<(MailedCode, LoginKey), Error> {
    let mut bits = Zeroizing::new([0; 16]);
    fill(&mut *bits)?;
    let mut key = Zeroizing::new([0; LoginKey::BYTES]);
    fill(&mut *key)?;
    Ok((MailedCode::from_random(*bits), LoginKey::from_random(*key)))
}

/// Makes everything that a new user gets: one authenticator and, if policy issues them, recovery codes.
///
/// # Errors
/// The system gave no random bytes.
pub fn credential(
    account: &Account,
    name: Name,
    policy: &Policy,
    now: UnixTime,
) -> Result<(Credential, Vec<RecoveryCode>), Error> {
    credential_of_kind(Kind::Totp(policy.code.period), account, name, policy, now)
}

/// Makes the same as [`credential`], with an authenticator of that kind.
///
/// # Errors
/// The system gave no random bytes.
pub fn credential_of_kind(
    kind: Kind,
    account: &Account,
    name: Name,
    policy: &Policy,
    now: UnixTime,
) -> Result<(Credential, Vec<RecoveryCode>), Error> {
    let device = of_kind(kind, name, policy.code, now)?;
    let (set, codes) = recovery_codes(policy.recovery.codes, now)?;
    let set = (!codes.is_empty()).then_some(set);
    let credential = Credential::new(
        account.name.as_str().to_owned(),
        account.uid,
        vec![device],
        set,
    )
    .expect("one authenticator, and at most 32 codes, as the policy allows");
    Ok((credential, codes))
}

fn new_salt() -> Result<Salt, Error> {
    let mut salt = Salt([0; 16]);
    fill(&mut salt.0)?;
    Ok(salt)
}

/// Makes a random id for an authenticator that was not made here.
///
/// # Errors
/// The system gave no random bytes.
pub fn new_id() -> Result<Id, Error> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(Id::from_random(bytes))
}

/// Returns this many random bytes, which nobody can predict.
///
/// # Errors
/// The system gave none.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|_| Error::Random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::record::Algorithm;

    #[test]
    fn no_two_keys_ids_salts_or_codes_are_alike() {
        let account = Account {
            name: otp_core::UserName::new("alice").unwrap(),
            uid: 1001,
        };
        let make = || {
            credential(
                &account,
                Name::new("phone").unwrap(),
                &Policy::default(),
                UnixTime::from_seconds(0),
            )
            .unwrap()
        };
        let ((one, one_codes), (two, two_codes)) = (make(), make());
        let (a, b) = (&one.authenticators()[0], &two.authenticators()[0]);
        assert_ne!(a.id, b.id);
        assert!(a.secret.reveal_bytes() != b.secret.reveal_bytes());
        assert_eq!(a.secret.reveal_bytes().len(), 20);
        assert!(one.recovery().unwrap().salt != two.recovery().unwrap().salt);
        let mut texts: Vec<_> = one_codes
            .iter()
            .chain(&two_codes)
            .map(|code| code.reveal().to_string())
            .collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 20);
    }

    #[test]
    fn a_key_is_as_long_as_the_output_of_its_hash() {
        for (algorithm, bytes) in [
            (Algorithm::Sha1, 20),
            (Algorithm::Sha256, 32),
            (Algorithm::Sha512, 64),
        ] {
            let code = CodePolicy {
                algorithm,
                ..Policy::default().code
            };
            let name = Name::new("phone").unwrap();
            let made = authenticator(name, &code, UnixTime::from_seconds(0)).unwrap();
            let key = made.secret.reveal_bytes();
            assert_eq!(key.len(), bytes, "{algorithm:?}");
            // All bytes are random, not only the first ones.
            assert!(key[bytes - 12..].iter().any(|&byte| byte != 0));
        }
    }

    #[test]
    fn policy_can_do_without_recovery_codes() {
        let account = Account {
            name: otp_core::UserName::new("alice").unwrap(),
            uid: 1001,
        };
        let mut policy = Policy::default();
        policy.recovery.codes = 0;
        let (credential, codes) = credential(
            &account,
            Name::new("phone").unwrap(),
            &policy,
            UnixTime::from_seconds(0),
        )
        .unwrap();
        assert!(credential.recovery().is_none() && codes.is_empty());
    }
}
