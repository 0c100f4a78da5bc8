//! The conditions that must hold before a service is changed.

use crate::failure::Failure;
use crate::site::Site;
use nix::unistd::{Group, User, getgrouplist};
use otp_core::Account;
use otp_core::enforce::{Demand, Unenrolled, demand};
use otp_core::messages::protect::{Note, Refusal};
use otp_core::record::Standing;
use otp_helper::protocol;
use otp_site::doctor::{Circumstances, Files, examine};
use otp_site::protect::{Program, RunsAs};
use otp_site::{clock, groups};
use otp_store::Overview;
use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};

/// Directories that may contain PAM's modules, or whose subdirectories for machine types do.
const LIBRARIES: [&str; 4] = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"];

/// Refuses if the module is not among those that PAM loads.
pub fn module_is_there() -> Result<(), Refusal> {
    let places = LIBRARIES.iter().flat_map(|library| {
        let own = PathBuf::from(library);
        let below = fs::read_dir(&own).into_iter().flatten().flatten();
        let below: Vec<PathBuf> = below.map(|entry| entry.path()).collect();
        below
            .into_iter()
            .chain([own])
            .map(|one| one.join("security"))
    });
    let has = |place: &Path, module: &str| place.join(module).is_file();
    if places
        .into_iter()
        .any(|one| has(&one, "pam_unix.so") && has(&one, "pam_otp.so"))
    {
        Ok(())
    } else {
        Err(Refusal::NoModule)
    }
}

/// Returns the state of the administrator's account; refuses if the new lines would refuse that account.
pub fn may_come_in(site: &Site, you: &Account) -> Result<Option<Overview>, Failure> {
    let user = || you.name.as_str().to_owned();
    let found = match site.store_if_there()? {
        None => None,
        Some(store) => Overview::read(&store, you, &site.policy, clock::now)
            .map_err(Failure::about(you.name.as_str()))?,
    };
    match &found {
        Some(overview) if overview.standing != Standing::Open => {
            Err(Refusal::YouAreLocked { user: user() }.into())
        }
        Some(_) => Ok(found),
        None => {
            let who = Unenrolled {
                user: you.name.as_str(),
                nullok: false,
                first_login: None,
            };
            let belongs = |group: &str| groups::belongs(&you.name, group);
            match demand(&site.policy.enforce, &who, belongs, clock::now()?) {
                Demand::Now(_) => Err(Refusal::YouHaveNone { user: user() }.into()),
                Demand::Nothing(_) | Demand::From(..) => Ok(None),
            }
        }
    }
}

/// The findings about a service that make new lines useless, or worse than none.
const UNSOUND: [&str; 11] = [
    "way-in",
    "refusal-undone",
    "never-checked",
    "code-alone",
    "nothing-asked",
    "refuses-everybody",
    "module-missing",
    "two-codes",
    "needs-split",
    "asked-again",
    "not-protected",
];

/// Refuses if a path through the stack lets users in without a code, or lets no user in. For files that are in place.
pub fn stacks_are_sound(site: &Site, program: Program) -> Result<(), Failure> {
    let files = Files::below(Path::new("/"));
    let there = files.services()?;
    let circumstances = Circumstances {
        files: &files,
        policies: &site.policies,
        demands_key: false,
        everybody_enrolled: false,
    };
    let services = program.services().iter();
    for service in services.filter(|name| there.iter().any(|one| one == *name)) {
        for found in examine(&circumstances, service)? {
            if UNSOUND.contains(&found.finding.id()) {
                return Err(Refusal::Unsound {
                    service: (*service).to_owned(),
                    reason: found.finding.text(site.language),
                }
                .into());
            }
        }
    }
    Ok(())
}

/// Returns the account that the trial runs PAM as.
pub fn runs_as(program: Program, you: &Account) -> Result<protocol::RunsAs, Refusal> {
    Ok(match program.runs_as() {
        RunsAs::Root => protocol::RunsAs::Root,
        RunsAs::SetUid => protocol::RunsAs::SetUid,
        RunsAs::User => protocol::RunsAs::Account(you.name.as_str().to_owned()),
        RunsAs::Account(names) => {
            let Some(name) = names.iter().find(|name| account(name).is_some()) else {
                let accounts = names.join(", ");
                return Err(Refusal::NoAccount { accounts });
            };
            protocol::RunsAs::Account((*name).to_owned())
        }
    })
}

/// Returns the rights that a program without root lacks.
pub fn missing_rights(site: &Site, program: Program) -> Vec<(Refusal, Note)> {
    let RunsAs::Account(names) = program.runs_as() else {
        return Vec::new();
    };
    let Some(user) = names.iter().find_map(|name| account(name)) else {
        return Vec::new();
    };
    let account = || user.name.clone();
    let mut missing = Vec::new();
    if !site.policy.helper.trusted_callers.contains(&user.name) {
        let refusal = Refusal::NotTrusted { account: account() };
        missing.push((refusal, Note::TrustCaller { account: account() }));
    }
    if !may_read_hashes(&user) {
        let refusal = Refusal::NotInShadow { account: account() };
        missing.push((refusal, Note::NeedsShadow { account: account() }));
    }
    missing
}

fn account(name: &str) -> Option<User> {
    User::from_name(name).ok().flatten()
}

/// Whether an account is in the group that may read hashes. Without such a group, its other rights are unknown, and
/// the trial will show.
fn may_read_hashes(user: &User) -> bool {
    let Ok(Some(shadow)) = Group::from_name("shadow") else {
        return true;
    };
    let Ok(name) = CString::new(user.name.as_str()) else {
        return false;
    };
    getgrouplist(&name, user.gid).is_ok_and(|groups| groups.contains(&shadow.gid))
}
