//! The pages that show logged-in users their own accounts.

use super::answer::see_other;
use super::part::again;
use super::{Answer, Asked, Done, Portal, to_the_end};
use crate::pages::{Event, Events, Field, Home, Notice, Path, Sessions, Told, Tried, Try};
use crate::session::Session;
use crate::wire::{LONGEST_REPLY, MOST_EVENTS, Matter, Said, Wanted};
use otp_core::record::Standing;
use otp_core::{Policy, UnixTime, Verdict, event};
use otp_helper::protocol;
use otp_site::policy;
use otp_store::Overview;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

impl Portal {
    /// Asks how a user's account stands; for a user without an authenticator, what the policy demands.
    pub(super) async fn status(
        &self,
        asked: &Asked,
        session: &Session,
    ) -> Result<Result<Overview, Wanted>, Answer> {
        let Some(place) = self.may_ask(session) else {
            return Err(self.too_busy(asked, session));
        };
        let token = again(&session.token);
        match self.ask(place, Matter::Status { token }).await {
            Ok(Said::Answer(protocol::Answer::Status(Some(status)))) => Ok(Ok(status)),
            Ok(Said::Unenrolled(wanted)) => Ok(Err(wanted)),
            said => Err(self.not_that(asked, session, said.ok()).await),
        }
    }

    /// Returns the page for an answer of the login part that does not fit the question.
    pub(super) async fn not_that(
        &self,
        asked: &Asked,
        session: &Session,
        said: Option<Said>,
    ) -> Answer {
        if let Some(Said::Ended(why)) = said {
            return self.ended(asked, session, why).await;
        }
        self.log.trouble(
            super::log::Often::Part,
            "the login part does not say what it was asked",
        );
        self.message(asked, Some(&session.user), Told::Unavailable)
    }

    /// Reads the current policy; `None`: it cannot be read.
    pub(super) async fn policy(&self) -> Option<Policy> {
        let path = self.policy.clone();
        let read = tokio::task::spawn_blocking(move || policy::load(&path)).await;
        match read {
            Ok(Ok(policies)) => Some(policies.for_account()),
            Ok(Err(error)) => {
                super::log::tell(&format!(
                    "the policy cannot be read, so nobody can change anything here: {error}"
                ));
                None
            }
            Err(_) => None,
        }
    }

    /// `GET /`.
    pub(super) async fn home(&self, asked: &Asked) -> Answer {
        let session = match self.user(asked).await {
            Ok(session) => session,
            Err(answer) => return answer,
        };
        // A user who opens this page has left any change that was begun.
        self.talks.leave(super::talk::Key::Change(session.id));
        let status = match self.status(asked, &session).await {
            Ok(status) => status,
            Err(answer) => return answer,
        };
        let sites = self.sites_of(&session).await;
        let done = self.noted(session.id);
        let notice = done.as_ref().map(|done| match done {
            Done::Enrolled { name, codes } => Notice::Enrolled {
                name,
                codes: *codes,
            },
            Done::Removed { name, last } => Notice::Removed { name, last: *last },
            Done::NewCodes { codes } => Notice::NewCodes { codes: *codes },
            Done::Left => Notice::Left,
            Done::Later => Notice::Later,
        });
        let page = Home {
            devices: status.as_ref().map_err(|wanted| *wanted),
            sites: &sites,
            notice,
        };
        self.page(asked, Some(&session.user), &page)
    }

    /// Returns the sites that a user can open.
    async fn sites_of(&self, session: &Session) -> Vec<String> {
        if self.conf.sites.is_empty() {
            return Vec::new();
        }
        // If the groups cannot be found out, `/verify` refuses too.
        let groups = self.groups(session).await.unwrap_or_else(|_| Arc::from([]));
        let open = self.conf.sites.iter().filter(|(_, site)| {
            site.groups.is_empty() || site.groups.iter().any(|group| groups.contains(group))
        });
        open.map(|(host, _)| format!("https://{host}")).collect()
    }

    /// `GET /try`.
    pub(super) async fn try_page(&self, asked: &Asked) -> Answer {
        match self.user(asked).await {
            Ok(session) => self.page(asked, Some(&session.user), &Try { tried: None }),
            Err(answer) => answer,
        }
    }

    /// `POST /try`.
    pub(super) async fn try_a_code(&self, asked: &Asked) -> Answer {
        let session = match self.user(asked).await {
            Ok(session) => session,
            Err(answer) => return answer,
        };
        let typed = asked.form.bytes(Field::CODE).unwrap_or_default();
        if typed.len() > LONGEST_REPLY {
            return self.message(asked, Some(&session.user), Told::BadRequest);
        }
        let Some(policy) = self.policy().await else {
            return self.message(asked, Some(&session.user), Told::Unavailable);
        };
        let Some(place) = self.may_ask(&session) else {
            return self.too_busy(asked, &session);
        };
        let matter = Matter::Try {
            token: again(&session.token),
            reply: Zeroizing::new(typed.to_vec()),
        };
        match self.ask(place, matter).await {
            Ok(Said::Answer(protocol::Answer::Verdict(verdict))) => {
                let tried = Tried {
                    verdict: &verdict,
                    opens: policy.recovery.opens_lock,
                };
                if let Verdict::RejectedAndLocked { .. } | Verdict::Locked { .. } = verdict {
                    // The attempt may have ended the session, so ask again.
                    session.standing.forget();
                }
                self.page(asked, Some(&session.user), &Try { tried: Some(tried) })
            }
            Err(_) => {
                self.log.trouble(
                    super::log::Often::Part,
                    "the login part does not answer to the try of a code",
                );
                // The code may have been checked, and then the attempt counts.
                self.message(asked, Some(&session.user), Told::Uncertain)
            }
            said => self.not_that(asked, &session, said.ok()).await,
        }
    }

    /// `GET /events`.
    pub(super) async fn events(&self, asked: &Asked) -> Answer {
        let session = match self.user(asked).await {
            Ok(session) => session,
            Err(answer) => return answer,
        };
        let Some(places) = self.may_read(&session) else {
            return self.too_busy(asked, &session);
        };
        let matter = Matter::Events {
            token: again(&session.token),
        };
        let part = Arc::clone(&self.part);
        let reading = async move { part.events(&matter, MOST_EVENTS).await };
        let (events, last) = match to_the_end(places, reading).await {
            Some(Ok((events, last))) => (events, Some(last)),
            Some(Err(_)) | None => (Vec::new(), None),
        };
        let Some(Said::Answer(protocol::Answer::Done)) = last else {
            return self.not_that(asked, &session, last).await;
        };
        let is_cut = events.len() == MOST_EVENTS;
        let mut events: Vec<Event> = events.iter().filter_map(|json| read_event(json)).collect();
        // The login part sends the oldest first, and several events can have the same second.
        events.reverse();
        events.sort_by_key(|event| std::cmp::Reverse(event.when));
        let page = Events {
            events: &events,
            is_cut,
        };
        self.page(asked, Some(&session.user), &page)
    }

    /// `GET /sessions`.
    pub(super) async fn sessions_page(&self, asked: &Asked) -> Answer {
        let session = match self.user(asked).await {
            Ok(session) => session,
            Err(answer) => return answer,
        };
        let all = self.sessions.of_user(session.uid, asked.now).into_iter();
        let all: Vec<crate::pages::Session> = all
            .map(|one| crate::pages::Session {
                since: one.began,
                used: one.used,
                ends: one.ends,
                address: one.address,
                is_this: one.id == session.id,
            })
            .collect();
        self.page(asked, Some(&session.user), &Sessions { sessions: &all })
    }

    /// Returns what prevents changes of an account, to be shown instead of a form; `None`: nothing does.
    pub(super) fn barred(
        &self,
        asked: &Asked,
        session: &Session,
        status: Option<&Overview>,
        opens: bool,
    ) -> Option<Answer> {
        let told = match status?.standing {
            Standing::Open => return None,
            Standing::Held => Told::Held { opens },
            Standing::Disabled => Told::Disabled,
            standing @ Standing::Locked { .. } => Told::LockedUntil {
                ends: standing.ends().unwrap_or(asked.now),
                opens,
            },
        };
        Some(self.message(asked, Some(&session.user), told))
    }

    /// `POST /set-up/later`.
    pub(super) async fn later(&self, asked: &Asked) -> Answer {
        let session = match self.user(asked).await {
            Ok(session) => session,
            Err(answer) => return answer,
        };
        match self.status(asked, &session).await {
            // The enrolment can no longer wait.
            Ok(Err(Wanted::Now)) => see_other(Path::SET_UP),
            Ok(_) => {
                self.note(session.id, Done::Later);
                see_other(Path::HOME)
            }
            Err(answer) => answer,
        }
    }
}

/// An event as `otp-admin events --json` tells it.
#[derive(Deserialize)]
struct Json {
    time: u64,
    event: String,
    #[serde(default)]
    values: BTreeMap<String, String>,
}

/// Reads an event from its line; `None`: this release does not know the event.
fn read_event(json: &str) -> Option<Event> {
    let json: Json = serde_json::from_str(json).ok()?;
    let event = event::Event::ALL
        .into_iter()
        .find(|event| event.name() == json.event)?;
    let value = |keys: [&str; 2]| {
        let found = keys.iter().find_map(|key| json.values.get(*key));
        found.cloned().unwrap_or_default()
    };
    Some(Event {
        when: UnixTime::from_seconds(json.time),
        event,
        verb: value(["verb", "verb"]),
        service: value(["service", "claimed_service"]),
        host: value(["rhost", "claimed_rhost"]),
        authenticator: value(["authenticator", "authenticator"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_as_otp_admin_tells_it() {
        let json = r#"{"time":1763640000,"event":"otp.accept","id":"x","written_by":"module","program":"sshd","pid":7,
            "machine":"web1","values":{"user":"alice","service":"sshd","rhost":"192.0.2.1","authenticator":"phone"}}"#;
        let event = read_event(json).unwrap();
        assert_eq!(event.when, UnixTime::from_seconds(1_763_640_000));
        assert_eq!(event.event, event::Event::Accept);
        let values = (
            event.service.as_str(),
            event.host.as_str(),
            event.authenticator.as_str(),
        );
        assert_eq!(values, ("sshd", "192.0.2.1", "phone"));
        let claimed = r#"{"time":1,"event":"otp.reject","values":{"claimed_service":"i3lock"}}"#;
        assert_eq!(read_event(claimed).unwrap().service, "i3lock");
        let change = r#"{"time":1,"event":"otp.change","values":{"verb":"log-out"}}"#;
        assert_eq!(read_event(change).unwrap().verb, "log-out");
        for json in [
            "",
            "{}",
            r#"{"time":1,"event":"otp.nothing"}"#,
            r#"{"time":-1,"event":"otp.accept"}"#,
        ] {
            assert!(read_event(json).is_none(), "{json}");
        }
    }
}
