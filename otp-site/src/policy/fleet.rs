//! Which verifiers keep the records of this machine's users.

use super::{names, told};
use otp_core::messages::reason::Unfit;
use otp_core::record::{FleetPolicy, MOST_VERIFIERS, Verifier};
use otp_file::{Section, Unparsed, texts};

/// Reads the section `[fleet]`. If the files are missing with which the machine and the verifiers know each other,
/// nobody could log in under this policy. So it is refused here, where the error can say what is missing.
///
/// # Errors
/// As for the policy.
pub(super) fn fleet(
    section: &mut Section<'_>,
    default: FleetPolicy,
) -> Result<FleetPolicy, Unparsed> {
    let verifiers = section.take("verifiers", |value| {
        let verifiers = texts(value)?;
        if verifiers.is_empty() {
            return Err(Unfit::NoVerifiers);
        }
        if verifiers.len() > MOST_VERIFIERS {
            return Err(Unfit::ManyVerifiers);
        }
        let verifiers = verifiers.iter().map(|one| Verifier::parse(one));
        verifiers
            .collect::<Result<Vec<_>, _>>()
            .map_err(|reason| reason.0)
    })?;
    debug_assert_eq!(MOST_VERIFIERS, 8, "as the message above says");
    let ca = section.take("ca", told::path)?;
    let certificate = section.take("certificate", told::path)?;
    let key = section.take("key", told::path)?;
    let local_users = section.take("local_users", |value| names(value, Unfit::NoUsers))?;
    let fleet = FleetPolicy {
        verifiers: verifiers.unwrap_or(default.verifiers),
        ca: ca.unwrap_or(default.ca),
        certificate: certificate.unwrap_or(default.certificate),
        key: key.unwrap_or(default.key),
        local_users: local_users.unwrap_or(default.local_users),
    };
    let files = [&fleet.ca, &fleet.certificate, &fleet.key];
    // An administrator who names one of them means a fleet, whose users must not log in with records on this machine.
    if !fleet.is_used() && files.iter().any(|file| file.is_some()) {
        return Err(section.fault(Unfit::FilesWithoutVerifiers));
    }
    if fleet.is_used() && files.iter().any(|file| file.is_none()) {
        return Err(section.fault(Unfit::VerifiersWithoutFiles));
    }
    Ok(fleet)
}
