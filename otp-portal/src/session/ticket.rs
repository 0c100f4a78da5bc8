//! Tickets, with which a session gets a cookie at another site. A ticket works once, for 30 seconds, at one host, in
//! the browser that asked there.

use super::{Cookie, Hash, Id};
use crate::config::Host;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a ticket is valid.
const LASTS: Duration = Duration::from_secs(30);

/// The most tickets at a time.
const MOST: usize = 8192;

/// The most tickets of one session. A further one replaces the oldest, so one user cannot take all.
const MOST_OF_ONE: usize = 16;

/// The purpose of a ticket.
pub struct Ticket {
    /// The session.
    pub session: Id,
    /// The site.
    pub host: Host,
    /// The hash of the cookie at the site, which the browser must show.
    pub state: Hash,
}

/// The unused tickets.
#[derive(Default)]
pub struct Tickets(Mutex<HashMap<Hash, (Ticket, Instant)>>);

impl Tickets {
    /// Makes a ticket; `None`: the system gives no random bytes, or there are too many tickets.
    #[must_use]
    pub fn issue(&self, ticket: Ticket, now: Instant) -> Option<Cookie> {
        let text = Cookie::new()?;
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = tickets
            .iter()
            .filter(|(_, (known, _))| known.session == ticket.session);
        let of_one: Vec<_> = of_one.map(|(hash, (_, made))| (*made, *hash)).collect();
        if of_one.len() >= MOST_OF_ONE
            && let Some((_, oldest)) = of_one.iter().min_by_key(|(made, _)| *made)
        {
            tickets.remove(oldest);
        }
        if tickets.len() >= MOST {
            tickets.retain(|_, (_, made)| now.saturating_duration_since(*made) < LASTS);
        }
        if tickets.len() >= MOST {
            return None;
        }
        tickets.insert(text.hash(), (ticket, now));
        Some(text)
    }

    /// Uses up a ticket; `None`: it is invalid, for another host, or for another browser. `state`: the hash of the
    /// browser's cookie, if any.
    #[must_use]
    pub fn take(&self, text: &str, host: &Host, state: Option<Hash>, now: Instant) -> Option<Id> {
        let hash = Hash::of_text(text)?;
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Once shown, wherever that was, a ticket is used up.
        let (ticket, made) = tickets.remove(&hash)?;
        let is_good = now.saturating_duration_since(made) < LASTS
            && ticket.host == *host
            && Some(ticket.state) == state;
        is_good.then_some(ticket.session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_works_once_in_time_at_its_host_and_in_its_browser() {
        let host = |name: &str| Host::parse(name).unwrap();
        let states = [Cookie::new().unwrap().hash(), Cookie::new().unwrap().hash()];
        let tickets = Tickets::default();
        let now = Instant::now();
        let issue = || {
            let ticket = Ticket {
                session: Id(7),
                host: host("wiki.example.org"),
                state: states[0],
            };
            tickets.issue(ticket, now).unwrap().reveal()
        };
        let take = |text: &str, name: &str, state, after| {
            tickets.take(
                text,
                &host(name),
                Some(state),
                now + Duration::from_secs(after),
            )
        };
        let text = issue();
        assert_eq!(take(&text, "wiki.example.org", states[0], 29), Some(Id(7)));
        assert_eq!(take(&text, "wiki.example.org", states[0], 29), None);
        assert_eq!(take(&issue(), "wiki.example.org", states[0], 30), None);
        assert_eq!(take(&issue(), "git.example.org", states[0], 0), None);
        let text = issue();
        assert_eq!(take(&text, "wiki.example.org", states[1], 0), None);
        // A ticket shown by the wrong browser is used up.
        assert_eq!(take(&text, "wiki.example.org", states[0], 0), None);
        let text = issue();
        assert_eq!(
            tickets.take(&text, &host("wiki.example.org"), None, now),
            None
        );
        // The same holds for a browser without a cookie.
        assert_eq!(take(&text, "wiki.example.org", states[0], 0), None);
        assert_eq!(take("x", "wiki.example.org", states[0], 0), None);
    }

    #[test]
    fn the_number_of_tickets_is_limited_and_old_ones_make_room() {
        let tickets = Tickets::default();
        let sessions = std::cell::Cell::new(0);
        let now = Instant::now();
        let state = Cookie::new().unwrap().hash();
        let ticket = || Ticket {
            session: Id(sessions.replace(sessions.get() + 1)),
            host: Host::parse("a").unwrap(),
            state,
        };
        for _ in 0..MOST {
            assert!(tickets.issue(ticket(), now).is_some());
        }
        assert!(tickets.issue(ticket(), now).is_none());
        assert!(tickets.issue(ticket(), now + LASTS).is_some());
    }

    #[test]
    fn one_session_cannot_take_all_tickets() {
        let tickets = Tickets::default();
        let now = Instant::now();
        let state = Cookie::new().unwrap().hash();
        let host = Host::parse("wiki.example.org").unwrap();
        let issue = |session, after| {
            let ticket = Ticket {
                session: Id(session),
                host: host.clone(),
                state,
            };
            let now = now + Duration::from_millis(after);
            tickets.issue(ticket, now).expect("a ticket").reveal()
        };
        let first = issue(7, 0);
        let others = issue(8, 0);
        let all: Vec<_> = (1..2 * MOST as u64).map(|at| issue(7, at)).collect();
        assert!(tickets.0.lock().unwrap().len() <= MOST_OF_ONE + 1);
        let later = now + Duration::from_millis(2 * MOST as u64);
        let take = |text: &str| tickets.take(text, &host, Some(state), later);
        assert_eq!(take(&first), None);
        assert_eq!(take(all.last().unwrap()), Some(Id(7)));
        assert_eq!(take(&others), Some(Id(8)));
    }
}
