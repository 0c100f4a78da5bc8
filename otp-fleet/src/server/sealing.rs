//! Checks that this verifier has the sealing key of its policy.

use super::conf::{Conf, Records};
use crate::keeper;
use nix::unistd::getegid;
use otp_core::Policy;
use otp_store::Seal;
use otp_store::sealed::NoKeyFile;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// Returns why no sealed record can be opened here, and none written; `None`: the key is there, or the policy names
/// none.
pub(super) fn without_key(conf: &Conf, policy: &Policy) -> Option<String> {
    match &conf.records {
        Records::Folder { directory, .. } => {
            // This is the group of the records.
            let group = fs::metadata(directory).map(|found| found.gid());
            let seal = Seal::by_key_in(&policy.seal.key);
            why(&seal.for_group(group.unwrap_or(getegid().as_raw())))
        }
        Records::Etcd(_) => without_key_of_fleet(policy),
    }
}

/// Returns why no sealed record in etcd can be opened here, and none written.
pub(super) fn without_key_of_fleet(policy: &Policy) -> Option<String> {
    why(&keeper::as_verifiers_read(Seal::by_key_in(
        &policy.seal.key,
    )))
}

fn why(seal: &Seal) -> Option<String> {
    let error = seal.keys().err()?;
    let hint = match error {
        NoKeyFile::Missing { .. } => {
            "bring it from a verifier that has it, with otp-admin fleet take-key FILE, or start pam_otp-seal.service where it was here"
        }
        _ => "pam_otp-seal(7) says how its file must be",
    };
    Some(format!("without its sealing key: {error}; {hint}"))
}
