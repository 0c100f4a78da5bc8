//! Other sites: how a session gets a cookie there.
//!
//! ```text
//! site  /.otp-portal/begin?to=/path      a cookie with random bits at the site   -> portal
//! portal /login?site=&to=&state=hash     the login, where there is none yet      -> site, with a ticket
//! site  /.otp-portal/arrive?ticket=&to=  the ticket, for the browser that has the bits; a cookie of the session -> /path
//! ```
//! A ticket works only in the browser that began at the site. Nobody can use a ticket of somebody else.

use super::answer::{see_other, with_cookie, without_cookie};
use super::form::path_only;
use super::{Answer, Asked, Portal, SESSION, STATE};
use crate::config::Host;
use crate::pages::{Field, Path, Told};
use crate::session::{Cookie, Hash, Session, Ticket};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Instant;

/// The path at which a browser begins at a site.
pub const BEGIN: &str = "/.otp-portal/begin";

/// The path to which the browser returns.
pub const ARRIVE: &str = "/.otp-portal/arrive";

/// How long a browser may take to log in, in seconds.
const STATE_LASTS: u32 = 3600;

const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// Returns the address at which a browser begins at a site, to reach a path there.
#[must_use]
pub fn begin_at(host: &Host, to: &str) -> String {
    format!("https://{host}{BEGIN}?to={}", encoded(path_only(to)))
}

impl Portal {
    /// Answers a request at the host of a site. The site's web server passes these paths on, and asks `/verify` about
    /// all others.
    pub(super) async fn at_a_site(&self, asked: &Asked) -> Answer {
        if asked.method != axum::http::Method::GET {
            return super::answer::not_allowed("GET");
        }
        match asked.path.as_str() {
            BEGIN => self.begin_at_a_site(asked),
            ARRIVE => self.arrive(asked).await,
            _ => self.message(asked, None, Told::NotFound),
        }
    }

    fn begin_at_a_site(&self, asked: &Asked) -> Answer {
        let to = path_only(asked.query.text(Field::TO).unwrap_or("/"));
        // Keep an existing cookie: another tab may be on its way with it.
        let Some(state) = asked.state().or_else(Cookie::new) else {
            return self.message(asked, None, Told::Unavailable);
        };
        let location = format!(
            "{}{}?{}={}&{}={}&state={}",
            self.conf.url,
            Path::LOGIN,
            Field::SITE,
            encoded(asked.caller.host.as_str()),
            Field::TO,
            encoded(to),
            state.hash().text(),
        );
        with_cookie(
            see_other(&location),
            STATE,
            &state.reveal(),
            Some(STATE_LASTS),
        )
    }

    /// Sends a user to a site, with a ticket if the browser has begun there.
    pub(super) fn go_to_a_site(
        &self,
        asked: &Asked,
        session: &Session,
        host: &Host,
        to: &str,
    ) -> Answer {
        let Some(state) = asked.query.text("state").and_then(Hash::parse) else {
            return see_other(&begin_at(host, to));
        };
        let ticket = Ticket {
            session: session.id,
            host: host.clone(),
            state,
        };
        match self.tickets.issue(ticket, Instant::now()) {
            Some(ticket) => see_other(&format!(
                "https://{host}{ARRIVE}?ticket={}&to={}",
                *ticket.reveal(),
                encoded(to)
            )),
            None => self.message(asked, None, Told::Unavailable),
        }
    }

    async fn arrive(&self, asked: &Asked) -> Answer {
        let to = path_only(asked.query.text(Field::TO).unwrap_or("/"));
        let host = &asked.caller.host;
        let ticket = asked.query.text("ticket").unwrap_or_default();
        let state = asked.state().map(|state| state.hash());
        let session = self.tickets.take(ticket, host, state, Instant::now());
        let Some(session) = session else {
            return self.message(asked, None, Told::FormTooOld);
        };
        match self.sessions.open_site(session, host).await {
            Ok(cookie) => {
                let answer = with_cookie(see_other(to), SESSION, &cookie.reveal(), None);
                without_cookie(answer, STATE)
            }
            Err(_) => self.message(asked, None, Told::Unavailable),
        }
    }
}
