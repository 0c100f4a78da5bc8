//! Turns on etcd's authentication, if every member takes the common name of a certificate as the user.
//!
//! A member that was started without `--client-cert-auth` does not do that. Once etcd asks for users, such a member
//! would let no one in, and no one could undo it. No member reports how it was started, so this is tried out. During
//! the trial there is a second user with a password beside root. If a member does not recognise root's certificate,
//! that user undoes everything. The password is made from the key of root's certificate, so that the same command
//! undoes or completes an interrupted trial.

use super::database::{Database, PATIENCE, no};
use super::told::why_of;
use crate::etcd::{
    self, AuthDisableRequest, AuthDisableResponse, AuthEnableRequest, AuthUserAddRequest,
    AuthUserDeleteRequest, AuthUserGetRequest, AuthUserGrantRoleRequest, AuthenticateRequest,
    Failure, Rpc, UserAddOptions, auth_client,
};
use otp_core::messages::fleet::{Unable, Why};
use otp_core::messages::reason::Wording;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::time::Instant;
use tonic::transport::Channel;
use tonic::{Response, Status};
use zeroize::Zeroizing;

/// etcd's own name for the user and the role with all rights.
pub const ETCDS_ROOT: &str = "root";

/// The user with a password, during the trial.
const STANDBY: &str = "pam_otp-init";

/// The prefix that is hashed before the key to make the password, and is used for nothing else.
const OF_PASSWORDS: &[u8] = b"pam_otp password of init\0";

/// Returns whether etcd already asks for users. If a member does not recognise root's certificate, it undoes what an
/// interrupted command has left, and refuses.
///
/// # Errors
/// A member does not take certificates for users, or the database could not be asked.
pub fn is_on(database: &Database, config: &etcd::Config) -> Result<bool, Unable> {
    if !asks_for_users(database)? {
        return Ok(false);
    }
    for member in &config.endpoints {
        // A member that does not answer now is no reason: another one has recognised the certificate.
        if sees_root(database, member) == Seen::Nobody {
            if is_left_behind(database, config)? {
                turn_off(database, config, false)?;
            }
            let member = member.clone();
            return Err(Unable::NoCommonName { member });
        }
    }
    // An interruption after the trial leaves this user.
    remove(database, STANDBY).map_err(|failure| no(&failure))?;
    Ok(true)
}

/// Makes etcd ask every client for a user from now on. If that is impossible, everything is as before.
///
/// # Errors
/// A member does not take certificates for users, or does not answer.
pub fn turn_on(database: &Database, config: &etcd::Config) -> Result<(), Unable> {
    let root_is_new = make_root(database)?;
    let tried = try_it(database, config);
    let Err(unable) = tried else {
        return remove(database, STANDBY).map_err(|failure| no(&failure));
    };
    match turn_off(database, config, root_is_new) {
        Ok(()) => Err(unable),
        Err(reason) => Err(left_on(&reason)),
    }
}

fn left_on(reason: &Unable) -> Unable {
    Unable::LeftOn {
        reason: Wording::of(|language| reason.text(language)),
    }
}

fn try_it(database: &Database, config: &etcd::Config) -> Result<(), Unable> {
    let password = password(config)?;
    let make = AuthUserAddRequest {
        name: STANDBY.to_owned(),
        password: password.to_string(),
        options: Some(UserAddOptions { no_password: false }),
    };
    make_anew(database, &make)?;
    grant_root(database, STANDBY)?;
    // This comes before etcd asks for users: if it fails, no one is locked out. If the answer is lost, the repeated
    // request may come from no user, and be refused for that.
    if let Err(failure) = database.try_asking(&AuthEnableRequest {})
        && !asks_for_users(database)?
    {
        return Err(no(&failure));
    }
    for member in &config.endpoints {
        let until = Instant::now() + PATIENCE;
        loop {
            match sees_root(database, member) {
                Seen::Root => break,
                Seen::Nobody => {
                    let member = member.clone();
                    return Err(Unable::NoCommonName { member });
                }
                Seen::Unknown(failure) if failure.may_pass() && Instant::now() < until => {}
                Seen::Unknown(failure) => return Err(no(&failure)),
            }
        }
    }
    Ok(())
}

/// Makes a user with a password; an existing user may have another password, and is removed first.
///
/// If the answer is lost, the repeated request is refused because the user exists. But another program may have made
/// that user, so it is removed and made anew.
fn make_anew(database: &Database, make: &AuthUserAddRequest) -> Result<(), Unable> {
    let mut tries = 5;
    loop {
        remove(database, &make.name).map_err(|failure| no(&failure))?;
        tries -= 1;
        match database.try_asking(make) {
            Err(failure) if is_there(&failure) && tries > 0 => {}
            done => return done.map(drop).map_err(|failure| no(&failure)),
        }
    }
}

/// Makes etcd's root; returns whether there was none.
fn make_root(database: &Database) -> Result<bool, Unable> {
    let add = AuthUserAddRequest {
        name: ETCDS_ROOT.to_owned(),
        password: String::new(),
        options: Some(UserAddOptions { no_password: true }),
    };
    // Look first: if the answer is lost, the repeated request finds the user that it has added itself.
    let get = AuthUserGetRequest {
        name: ETCDS_ROOT.into(),
    };
    let is_new = match database.try_asking(&get) {
        Ok(_) => false,
        Err(failure) if is_missing(&failure) => true,
        Err(failure) => return Err(no(&failure)),
    };
    match database.try_asking(&add) {
        Err(failure) if !is_there(&failure) => return Err(no(&failure)),
        _ => {}
    }
    grant_root(database, ETCDS_ROOT)?;
    Ok(is_new)
}

fn is_there(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(_, words) if words.contains("already exist"))
}

fn is_missing(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(_, words) if words.contains("not found"))
}

fn grant_root(database: &Database, user: &str) -> Result<(), Unable> {
    let found = database.ask(&AuthUserGetRequest { name: user.into() })?;
    if found.roles.iter().any(|role| role == ETCDS_ROOT) {
        return Ok(());
    }
    let (user, role) = (user.to_owned(), ETCDS_ROOT.to_owned());
    database.ask(&AuthUserGrantRoleRequest { user, role })?;
    Ok(())
}

/// Turns off etcd's authentication, by the user with the password if it was on, and removes what was made for the
/// trial.
fn turn_off(database: &Database, config: &etcd::Config, root_is_new: bool) -> Result<(), Unable> {
    if asks_for_users(database)? {
        let token = token(database, config).map_err(|failure| no(&failure))?;
        // If the answer is lost, the repeated request finds authentication already off.
        if let Err(failure) = database.try_asking(&Disable { token })
            && asks_for_users(database)?
        {
            return Err(no(&failure));
        }
    }
    remove(database, STANDBY).map_err(|failure| no(&failure))?;
    if root_is_new {
        remove(database, ETCDS_ROOT).map_err(|failure| no(&failure))?;
    }
    Ok(())
}

/// Whether etcd asks for users now. Releases before 3.5 do not report it, but without authentication every release
/// refuses a password in another way.
pub fn asks_for_users(database: &Database) -> Result<bool, Unable> {
    let nobody = AuthenticateRequest {
        name: "pam_otp-nobody".to_owned(),
        password: "none".to_owned(),
    };
    match database.try_asking(&nobody) {
        Err(Failure::Refused(_, words)) => Ok(!words.contains("not enabled")),
        Err(failure) => Err(no(&failure)),
        Ok(_) => Ok(true),
    }
}

/// Whether the trial of an interrupted command is unfinished.
fn is_left_behind(database: &Database, config: &etcd::Config) -> Result<bool, Unable> {
    match token(database, config) {
        Ok(_) => Ok(true),
        Err(Failure::Refused(..)) => Ok(false),
        Err(failure) => Err(no(&failure)),
    }
}

fn token(database: &Database, config: &etcd::Config) -> Result<Zeroizing<String>, Failure> {
    let password = password(config).map_err(|_| {
        let path = config.key.display().to_string();
        Failure::Unreachable(Why::KeyNotRead { path }.into())
    })?;
    let by = AuthenticateRequest {
        name: STANDBY.to_owned(),
        password: password.to_string(),
    };
    let answer = database.try_asking(&by)?;
    Ok(Zeroizing::new(answer.token))
}

/// Makes the password, which only a holder of root's key can make.
fn password(config: &etcd::Config) -> Result<Zeroizing<String>, Unable> {
    let key = fs::read(&config.key).map_err(|error| Unable::NotRead {
        path: config.key.display().to_string(),
        reason: why_of(&error),
    })?;
    let key = Zeroizing::new(key);
    let mut hash = Sha256::new();
    hash.update(OF_PASSWORDS);
    hash.update(&*key);
    let mut text = Zeroizing::new(String::with_capacity(64));
    for byte in hash.finalize() {
        write!(text, "{byte:02x}").expect("a String takes every write");
    }
    Ok(text)
}

/// The user that a member sees for root's certificate.
#[derive(PartialEq, Eq)]
enum Seen {
    Root,
    Nobody,
    Unknown(Failure),
}

fn sees_root(database: &Database, member: &str) -> Seen {
    let request = AuthUserGetRequest {
        name: ETCDS_ROOT.into(),
    };
    match database.client().ask_member(member, request) {
        Ok(_) => Seen::Root,
        Err(Failure::Refused(..)) => Seen::Nobody,
        Err(failure) => Seen::Unknown(failure),
    }
}

/// Removes a user who may already be gone.
fn remove(database: &Database, name: &str) -> Result<(), Failure> {
    match database.try_asking(&AuthUserDeleteRequest { name: name.into() }) {
        Err(failure) if is_missing(&failure) => Ok(()),
        done => done.map(drop),
    }
}

/// A request to turn off authentication, in the name of the user with the password.
#[derive(Clone)]
struct Disable {
    token: Zeroizing<String>,
}

impl Rpc for Disable {
    type Answer = AuthDisableResponse;

    async fn send(self, channel: Channel) -> Result<Response<AuthDisableResponse>, Status> {
        let mut request = tonic::Request::new(AuthDisableRequest {});
        let token = self.token.parse();
        let token = token.map_err(|_| Status::internal(Why::NoToken.to_string()))?;
        request.metadata_mut().insert("token", token);
        auth_client::AuthClient::new(channel)
            .auth_disable(request)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::assert_korean;
    use crate::operate::Asker;
    use otp_core::record::Language;

    #[test]
    fn a_trial_that_cannot_be_undone_is_reported_in_the_language_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let asker = Asker::in_directory(directory.path());
        let config = asker.etcd_of_root();
        let database = asker.database_of_root().unwrap();
        let key = config.key.display().to_string();
        let failure = token(&database, &config).err().unwrap();
        let unable = left_on(&no(&failure));
        assert_eq!(
            unable.text(Language::English),
            format!(
                "etcd now asks for users and lets nobody in, and this could not be undone: the database of the fleet: \
                 no member of etcd can be reached: {key}: cannot be read"
            )
        );
        assert_korean(&unable.text(Language::Korean), &[&key, "etcd"]);
        let unable = password(&config).unwrap_err();
        assert_eq!(
            unable.text(Language::English),
            format!("{key}: cannot be read: No such file or directory (os error 2)")
        );
        assert_korean(&unable.text(Language::Korean), &[&key]);
    }
}
