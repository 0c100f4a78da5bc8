//! A login that root tries through a PAM service, led by the helper: no other program of the command lines runs PAM.

use super::change::{Attendant, Broken, harmless, next, say};
use crate::client::Session;
use crate::protocol::{Answer, Request, RunsAs};
use crate::session::{Reply, Turn};
use otp_core::Account;
use std::path::Path;

/// Tries a login of an account through a service, with the ids that the service's program has; returns whether it was
/// let in. The attendant answers the questions of the modules.
///
/// # Errors
/// See [`Broken`].
pub fn try_login<A: Attendant>(
    helper: &Path,
    account: &Account,
    service: &str,
    runs_as: RunsAs,
    attendant: &A,
) -> Result<bool, Broken<A::Left>> {
    let (user, service) = (account.name.as_str().to_owned(), service.to_owned());
    let request = Request::Try {
        user,
        service,
        runs_as,
    };
    let mut session = Session::begin(helper, &request)?;
    loop {
        match next(&mut session, attendant)? {
            Turn::Ask { prompt, echo } => {
                let reply = attendant.ask(&harmless(&prompt), echo);
                let reply = Reply::Text(reply.map_err(Broken::Left)?);
                say(&mut session, &reply, attendant)?;
            }
            Turn::Tell { text } => attendant.tell(&harmless(&text)).map_err(Broken::Left)?,
            Turn::End(Answer::Done) => return Ok(true),
            Turn::End(Answer::NotAuthenticated) => return Ok(false),
            other => return Err(other.into()),
        }
    }
}
