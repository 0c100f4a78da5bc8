//! `otp-admin fleet init`: makes users and roles of etcd, and the fleet. A step that is already done is skipped, so
//! the same command completes an interrupted one.

use super::certificate::Certificate;
use super::database::{Database, no};
use super::entrance::{self, ETCDS_ROOT};
use super::one_init::OneInit;
use super::told::tell;
use super::{Asker, machines, name_of, sealing_key};
use crate::etcd::{
    AuthRoleAddRequest, AuthRoleGetRequest, AuthRoleGrantPermissionRequest, AuthUserAddRequest,
    AuthUserGetRequest, AuthUserGrantRoleRequest, Failure, Permission, RangeRequest, Rpc,
    UserAddOptions, after_prefix, permission,
};
use crate::keeper::{ACCOUNTS, EtcdKeeper, RESTORING, ROOT};
use otp_core::event::Severity;
use otp_core::messages::fleet::{Told, Unable, Why};
use otp_core::messages::reason::Wording;

/// The role of verifiers, with their rights to keys.
const ROLE: &str = "pam_otp";

/// Begins a fleet, or completes one that was begun.
pub fn init(
    asker: &Asker,
    verifiers: &[String],
    administrator: Option<&str>,
    with_key: bool,
) -> Result<(), Unable> {
    let administrator = administrator.map(name_of).transpose()?;
    for name in verifiers {
        check_user(name)?;
    }
    // Once etcd asks for users, only this certificate can change them.
    let (certificate, _) = &asker.of_root;
    let name = Certificate::in_file(certificate).and_then(|one| one.common_name);
    if name.as_deref() != Some(ETCDS_ROOT) {
        return Err(Unable::NotAlone {
            reason: Why::NotOfRoot {
                path: certificate.display().to_string(),
            }
            .into(),
        });
    }
    let key = with_key.then(|| sealing_key::place(asker)).transpose()?;
    let database = asker.database_of_root()?;
    let config = asker.etcd_of_root();
    // Nothing is written into an etcd that others use. If it cannot be asked, the code below reports why.
    if let Err(others @ Unable::NotAlone { .. }) = is_alone(&database) {
        return Err(others);
    }
    let _one = OneInit::begin(&database)?;
    let is_on = entrance::is_on(&database, &config)?;
    is_alone(&database)?;
    is_whole(&database)?;
    if !is_on {
        entrance::turn_on(&database, &config)?;
    }
    make_role(&database)?;
    for name in verifiers {
        make_user(&database, name, ROLE)?;
        tell(asker, Told::UserMade { name })?;
    }
    must_ask_for_users(&database)?;
    tell(asker, Told::AuthIsOn)?;
    let was = database.fleet()?;
    // This comes before any user can enrol: all enrolments are sealed from the start.
    let key = match key {
        Some(place) => sealing_key::begin(asker, place, was.is_some())?,
        None => sealing_key::Begun::AsItWas,
    };
    let fleet = match was {
        Some((fleet, _)) => fleet,
        None => EtcdKeeper::to(&asker.etcd_of_root())
            .and_then(|keeper| keeper.found())
            .map_err(|error| Unable::NoDatabase {
                reason: Wording::of(|language| error.text(language)),
            })?,
    };
    let id = fleet.id.to_string();
    if was.is_some() {
        tell(asker, Told::WasBegun { fleet: &id })?;
    } else {
        asker.record("init", Severity::Notice, &id);
        tell(asker, Told::Begun { fleet: &id })?;
    }
    if let Some(administrator) = administrator {
        machines::let_administer(asker, &database, &administrator)?;
    }
    key.tell(asker)?;
    must_ask_for_users(&database)?;
    tell(asker, Told::Compaction)?;
    tell(asker, Told::Next)
}

/// Checks that no other program has undone it in the meantime: another init, in an etcd where one init cannot keep
/// the other out.
fn must_ask_for_users(database: &Database) -> Result<(), Unable> {
    if entrance::asks_for_users(database)? {
        Ok(())
    } else {
        Err(Unable::ChangedMeanwhile)
    }
}

/// Checks that a certificate can have a name as its common name, and that the name is not etcd's own.
fn check_user(name: &str) -> Result<(), Unable> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if name.is_empty() || name.len() > 253 || !name.bytes().all(is_plain) || name == ETCDS_ROOT {
        let name = name.escape_debug().to_string();
        return Err(Unable::UnusableName { name });
    }
    Ok(())
}

/// Checks that etcd has no other keys. Verifiers have rights to the fleet's keys only, so other data is safe; but the
/// writes of other programs use the quota, and their users could read the fleet's data.
fn is_alone(database: &Database) -> Result<(), Unable> {
    for (key, range_end) in [
        (vec![0], ROOT.as_bytes().to_vec()),
        (after_prefix(ROOT.as_bytes()), vec![0]),
    ] {
        let request = RangeRequest {
            key,
            range_end,
            limit: 1,
            keys_only: true,
            ..RangeRequest::default()
        };
        if !database.ask(&request)?.kvs.is_empty() {
            let reason = Why::OtherKeys { prefix: ROOT }.into();
            return Err(Unable::NotAlone { reason });
        }
    }
    Ok(())
}

/// Checks that accounts in the database belong to a fleet. Accounts without a fleet are left by an unfinished
/// restore, or by a fleet whose key was lost. A fleet that began over them would have no floor, and their used codes
/// would count again.
pub fn is_whole(database: &Database) -> Result<(), Unable> {
    if database.one(RESTORING)?.is_some() {
        return Err(Unable::BeingRestored);
    }
    if database.fleet()?.is_none() && database.count(ACCOUNTS)? > 0 {
        return Err(Unable::NotAlone {
            reason: Why::AccountsWithoutFleet.into(),
        });
    }
    Ok(())
}

fn make_role(database: &Database) -> Result<(), Unable> {
    done(database, &AuthRoleAddRequest { name: ROLE.into() })?;
    let ours = Permission {
        perm_type: permission::Type::Readwrite.into(),
        key: ROOT.into(),
        range_end: after_prefix(ROOT.as_bytes()),
    };
    let role = database.ask(&AuthRoleGetRequest { role: ROLE.into() })?;
    if role.perm.iter().any(|one| *one != ours) {
        let reason = Why::OtherRights { role: ROLE }.into();
        return Err(Unable::NotAlone { reason });
    }
    if role.perm.is_empty() {
        let name = ROLE.into();
        let perm = Some(ours);
        database.ask(&AuthRoleGrantPermissionRequest { name, perm })?;
    }
    Ok(())
}

fn make_user(database: &Database, name: &str, role: &str) -> Result<(), Unable> {
    let options = Some(UserAddOptions { no_password: true });
    let add = AuthUserAddRequest {
        name: name.to_owned(),
        password: String::new(),
        options,
    };
    done(database, &add)?;
    let user = database.ask(&AuthUserGetRequest { name: name.into() })?;
    if user.roles.iter().any(|one| one != role) {
        let (name, role) = (name.to_owned(), role.to_owned());
        let reason = Why::AnotherRole { name, role }.into();
        return Err(Unable::NotAlone { reason });
    }
    if user.roles.is_empty() {
        let (user, role) = (name.to_owned(), role.to_owned());
        database.ask(&AuthUserGrantRoleRequest { user, role })?;
    }
    Ok(())
}

/// Sends a request whose work may already be done.
fn done<R: Rpc>(database: &Database, request: &R) -> Result<(), Unable> {
    match database.try_asking(request) {
        Ok(_) => Ok(()),
        Err(Failure::Refused(_, words)) if words.contains("already exist") => Ok(()),
        Err(failure) => Err(no(&failure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Authority, assert_korean};
    use otp_core::record::Language;

    #[test]
    fn a_certificate_of_another_user_than_root_is_refused_in_the_language_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let mut asker = Asker::in_directory(directory.path());
        let files = Authority::new(directory.path(), "etcd").sign(&["verifier"]);
        asker.of_root = (files.certificate, files.key);
        let unable = init(&asker, &[], None, true).unwrap_err();
        let path = asker.of_root.0.display().to_string();
        assert_eq!(
            unable.text(Language::English),
            format!(
                "this database is not the fleet's alone: {path} is not the certificate of etcd's user \"root\": \
                 its common name must be \"root\""
            )
        );
        assert_korean(
            &unable.text(Language::Korean),
            &[&path, "\"root\"", "etcd", "(CN)"],
        );
    }
}
