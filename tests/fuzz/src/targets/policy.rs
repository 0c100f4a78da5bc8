//! The policy file: its content decides, not the way in which it is written.

use super::assert_tells_nothing_of;
use otp_core::Policy;
use otp_core::record::Unlock;
use otp_site::policy::parse;
use std::time::Duration;

const LIMIT: usize = 64 * 1024;

pub(super) fn run(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(LIMIT)];
    let policies = match parse("conf", bytes) {
        Ok(policies) => policies,
        Err(error) => {
            assert_tells_nothing_of(bytes, &error.to_string());
            return;
        }
    };
    assert_eq!(parse("conf", bytes).ok().as_ref(), Some(&policies));
    let with_comments = [b"# above\n\n", bytes, b"\n# below\n"].concat();
    if !bytes.starts_with(b"\xef\xbb\xbf") {
        assert_eq!(parse("conf", &with_comments).ok().as_ref(), Some(&policies));
    }

    assert_within_the_limits_of_the_manual(policies.where_nothing_is_said());
    let account = policies.for_account();
    assert_within_the_limits_of_the_manual(&account);
    for (name, section) in policies.services() {
        assert!(!name.as_str().contains(['/', ' ']) && !name.as_str().starts_with('.'));
        let policy = policies.clone().for_service(name.as_str());
        assert_within_the_limits_of_the_manual(&policy);
        // The same result in a second way: the section's value or, without one, the general value.
        let exempt = section.exempt_groups.as_ref();
        let general = policies.where_nothing_is_said();
        assert_eq!(
            &policy.enforce.exempt_groups,
            exempt.unwrap_or(&general.enforce.exempt_groups)
        );
        assert_eq!(policy.lockout, general.lockout);
        assert_eq!(policy.code, general.code);
        // A group that is exempt for the account is exempt at each service.
        let at_service = &policy.enforce.exempt_groups;
        assert!(
            account
                .enforce
                .exempt_groups
                .iter()
                .all(|one| at_service.contains(one))
        );
    }
}

fn assert_within_the_limits_of_the_manual(policy: &Policy) {
    let lockout = policy.lockout;
    assert!((1..=100).contains(&lockout.failures()));
    assert!(
        lockout
            .disable_after()
            .is_none_or(|limit| (lockout.failures()..=100).contains(&limit))
    );
    if let Unlock::After(wait) = lockout.unlock() {
        assert!(!wait.is_zero() && wait <= lockout.unlock_after_max());
    }
    for nth in [0, 1, 2, 64, u32::MAX] {
        if let Unlock::After(wait) = lockout.lock_length(nth) {
            assert!(!wait.is_zero() && wait <= lockout.unlock_after_max());
        }
    }
    assert!(lockout.unlock_after_max() <= Duration::from_secs(10 * 366 * 86_400));
    assert!((15..=120).contains(&policy.code.period.seconds()));
    assert!((6..=8).contains(&policy.code.digits.count()));
    assert!(policy.code.window <= 10 && policy.recovery.codes <= 32);
    assert!((1..=4).contains(&policy.enroll.max_authenticators));
    assert!(policy.issuer.chars().count() <= 64 && !policy.issuer.contains(char::is_control));
    let enforce = &policy.enforce;
    assert!(
        !enforce
            .exempt_groups
            .iter()
            .chain(&enforce.exempt_users)
            .any(|one| one == "*")
    );
}
