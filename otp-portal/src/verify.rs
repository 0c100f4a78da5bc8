//! `GET /verify`: a web server asks whether a browser may see one of its sites.
//!
//! nginx (`auth_request`), Caddy (`forward_auth`), Traefik (`forwardAuth`) and Apache ask about every request, so the
//! answer comes from memory. While a session is used, the portal checks it again after at most 10 seconds.

use crate::config::Host;
use crate::server::caller::Caller;
use crate::server::{Portal, STANDS_FOR, Who, begin_at, to_the_end};
use crate::session::Session;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use nix::unistd::{Group, User, getgrouplist};
use otp_site::clock;
use std::ffi::CString;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the name service may take.
const TO_LOOK_UP: Duration = Duration::from_secs(5);

impl Portal {
    /// Answers 204 with the user's name and groups; 401 with where to log in; 403 if the site is not listed or not open
    /// to the user; 503 if this cannot be found out.
    pub async fn verify(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        is_redirecting: bool,
    ) -> Response<Body> {
        let host = &caller.host;
        let Some(site) = self.conf.sites.get(host) else {
            return status(StatusCode::FORBIDDEN);
        };
        let Ok(now) = clock::now() else {
            return status(StatusCode::SERVICE_UNAVAILABLE);
        };
        let session = match self.who(headers, Some(host), now).await {
            Who::User(session) => session,
            Who::Nobody | Who::Ended(_) => {
                return to_log_in(host, caller.asked.as_deref(), is_redirecting);
            }
            Who::Unknown => return status(StatusCode::SERVICE_UNAVAILABLE),
        };
        let groups = match self.groups(&session).await {
            Ok(groups) => groups,
            Err(Unknown::Gone) => return to_log_in(host, caller.asked.as_deref(), is_redirecting),
            Err(Unknown::Now) => return status(StatusCode::SERVICE_UNAVAILABLE),
        };
        if !site.groups.is_empty() && !site.groups.iter().any(|group| groups.contains(group)) {
            return status(StatusCode::FORBIDDEN);
        }
        let names = HeaderValue::from_str(&session.user)
            .and_then(|user| Ok((user, HeaderValue::from_str(&groups.join(","))?)));
        // A name that cannot be written exactly into a header is not sent at all.
        let Ok((user, groups)) = names else {
            return status(StatusCode::FORBIDDEN);
        };
        let mut answer = status(StatusCode::NO_CONTENT);
        answer.headers_mut().insert("remote-user", user);
        answer.headers_mut().insert("remote-groups", groups);
        answer
    }

    /// Returns the names of the user's groups, at most 10 seconds old.
    ///
    /// # Errors
    /// See [`Unknown`].
    pub async fn groups(&self, session: &Session) -> Result<Arc<[String]>, Unknown> {
        let standing = &session.standing;
        if let Some(groups) = standing.groups(STANDS_FOR, Instant::now()) {
            return Ok(groups);
        }
        let _asking = standing.asking.lock().await;
        let now = Instant::now();
        if let Some(groups) = standing.groups(STANDS_FOR, now) {
            return Ok(groups);
        }
        let (user, uid) = (Arc::clone(&session.user), session.uid);
        let Some(place) = self.may_look_up(uid, now) else {
            return Err(Unknown::Now);
        };
        let slow = Arc::clone(&self.slow);
        // The result is remembered even if the browser hangs up.
        let looking = async move {
            let found = tokio::task::spawn_blocking(move || {
                let found = groups_of(&user, uid);
                // Keep the place until the thread ends, even if no request waits for it any longer.
                drop(place);
                found
            });
            let found = tokio::time::timeout(TO_LOOK_UP, found).await;
            slow.was(uid, found.is_err(), Instant::now());
            found
        };
        let groups: Arc<[String]> = match to_the_end((), looking).await {
            Some(Ok(Ok(found))) => found?.into(),
            Some(Ok(Err(_)) | Err(_)) | None => return Err(Unknown::Now),
        };
        standing.keep_groups(Arc::clone(&groups), now);
        Ok(groups)
    }
}

/// Why a user's groups cannot be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The name now belongs to another user or to none.
    Gone,
    /// The name service does not answer.
    Now,
}

fn groups_of(user: &str, uid: u32) -> Result<Vec<String>, Unknown> {
    let found = User::from_name(user).map_err(|_| Unknown::Now)?;
    let found = found
        .filter(|found| found.uid.as_raw() == uid)
        .ok_or(Unknown::Gone)?;
    let name = CString::new(user).map_err(|_| Unknown::Gone)?;
    let numbers = getgrouplist(&name, found.gid).map_err(|_| Unknown::Now)?;
    let mut names = Vec::new();
    for number in numbers {
        // Leave out groups without a name, and groups whose names cannot stand in a list.
        let group = Group::from_gid(number).map_err(|_| Unknown::Now)?;
        let group = group.map(|group| group.name).filter(|name| is_plain(name));
        names.extend(group);
    }
    Ok(names)
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b',')
}

fn status(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

fn to_log_in(host: &Host, asked: Option<&str>, is_redirecting: bool) -> Response<Body> {
    let location = begin_at(host, asked.unwrap_or("/"));
    let Ok(location) = HeaderValue::from_str(&location) else {
        return status(StatusCode::UNAUTHORIZED);
    };
    if is_redirecting {
        let mut answer = status(StatusCode::FOUND);
        answer.headers_mut().insert(header::LOCATION, location);
        return answer;
    }
    let mut answer = status(StatusCode::UNAUTHORIZED);
    answer.headers_mut().insert("x-otp-login", location);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_of_a_user_are_told_by_name_and_of_that_user_alone() {
        let groups = groups_of("root", 0).unwrap();
        assert!(groups.contains(&"root".to_owned()), "{groups:?}");
        assert_eq!(groups_of("root", 1), Err(Unknown::Gone));
        assert_eq!(groups_of("no-such-user-here", 1), Err(Unknown::Gone));
        assert_eq!(groups_of("ro\0ot", 0), Err(Unknown::Gone));
    }

    #[test]
    fn group_names_that_cannot_stand_in_a_list_are_left_out() {
        for (name, plain) in [
            ("staff", true),
            ("domain\\users", true),
            ("a,wheel", false),
            ("a b", false),
            ("", false),
            ("\u{1}", false),
        ] {
            assert_eq!(is_plain(name), plain, "{name:?}");
        }
    }
}
