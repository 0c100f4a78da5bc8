//! Logging in and out.

use super::answer::{self, leading_to, see_other, with_cookie, without_cookie};
use super::form::path_only;
use super::log::Often;
use super::part::again;
use super::site::begin_at;
use super::talk::{About, Cancelled, Key, NoRoom, Over, Step, Talk, Waits};
use super::{Answer, Asked, BEFORE, Portal, SESSION, Who, to_the_end};
use crate::config::Host;
use crate::pages::{Field, Login, LoginRefused, Path, Purpose, Question, Said, Told};
use crate::session::{Cookie, Found, LoggedIn, NotKept};
use crate::wire::{Admitted, LONGEST_NAME, LONGEST_REPLY, Matter, NotIn, Said as Heard};
use axum::http::StatusCode;
use otp_helper::protocol;
use otp_helper::session::Reply;
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// When to try again if there is no room.
const SHORTLY: Duration = Duration::from_secs(30);

impl Portal {
    /// Returns the site that the login leads to, and the path there; `Err`: the host is not listed.
    fn onwards(
        &self,
        site: Option<&str>,
        to: Option<&str>,
    ) -> Result<Option<(Host, String)>, String> {
        let Some(site) = site.filter(|site| !site.is_empty()) else {
            return Ok(None);
        };
        match Host::parse(site) {
            Some(host) if self.conf.sites.contains_key(&host) => {
                Ok(Some((host, path_only(to.unwrap_or("/")).to_owned())))
            }
            _ => Err(site.to_owned()),
        }
    }

    /// `GET /login`.
    pub(super) async fn login(self: &Arc<Self>, asked: &Asked) -> Answer {
        let onwards = self.onwards(asked.query.text(Field::SITE), asked.query.text(Field::TO));
        let onwards = match onwards {
            Ok(onwards) => onwards,
            Err(host) => return self.message(asked, None, Told::WrongSite { host: &host }),
        };
        match self.who(&asked.headers, None, asked.now).await {
            Who::User(session) => match onwards {
                Some((host, to)) => self.go_to_a_site(asked, &session, &host, &to),
                None => see_other(Path::HOME),
            },
            Who::Unknown => self.message(asked, None, Told::Unavailable),
            Who::Nobody | Who::Ended(_) => {
                self.login_page(asked, StatusCode::OK, "", onwards.as_ref(), None)
            }
        }
    }

    fn login_page(
        &self,
        asked: &Asked,
        status: StatusCode,
        user: &str,
        onwards: Option<&(Host, String)>,
        refused: Option<LoginRefused<'_>>,
    ) -> Answer {
        let known = asked.cookie(BEFORE);
        let (cookie, is_new) = match known {
            Some(cookie) => (cookie, false),
            None => match Cookie::new() {
                Some(cookie) => (cookie, true),
                None => return self.message(asked, None, Told::Unavailable),
            },
        };
        let page = Login {
            user,
            onwards: onwards.map(|(host, to)| (host.as_str(), to.as_str())),
            refused,
        };
        let html = self.render_with(asked, None, &page, &cookie.form_token());
        let mut shown = leading_to(answer::page(status, &html), onwards.map(origin).as_deref());
        if is_new {
            shown = with_cookie(shown, BEFORE, &cookie.reveal(), None);
        }
        shown
    }

    /// `POST /login`.
    pub(super) async fn begin_login(self: &Arc<Self>, asked: &Asked) -> Answer {
        let Some(before) = asked.cookie(BEFORE) else {
            return self.message(asked, None, Told::FormTooOld);
        };
        let onwards = self.onwards(asked.form.text(Field::SITE), asked.form.text(Field::TO));
        let onwards = match onwards {
            Ok(onwards) => onwards,
            Err(host) => return self.message(asked, None, Told::WrongSite { host: &host }),
        };
        let name = asked.form.text(Field::USER).unwrap_or_default().trim();
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_control) {
            let refused = Some(LoginRefused::NotAName);
            return self.login_page(asked, StatusCode::OK, "", onwards.as_ref(), refused);
        }
        let address = asked.caller.address;
        if address.is_unspecified() {
            let reason = "a proxy does not say where browsers are (X-Forwarded-For): they all count as one address";
            self.log.trouble(Often::Proxy, reason);
        }
        if let Err(wait) = self.failures.count(address, Instant::now()) {
            let reason = "too many logins from there have come to nothing";
            self.log.refused(Often::Login, Some(address), reason);
            return self.too_many(asked, wait);
        }
        let matter = Matter::Begin {
            name: name.to_owned(),
            address,
            language: asked.language,
        };
        let about = About::Login {
            user: name.to_owned(),
            address,
            onwards,
        };
        let key = Key::Login(before.hash());
        let begun = self
            .talks
            .begin(Arc::clone(&self.part), key, about, matter, || {
                self.sessions.is_known(address, asked.now)
            })
            .await;
        match begun {
            Ok((talk, step)) => self.login_stepped(asked, &talk, step).await,
            Err(NoRoom::NoRandom) => self.message(asked, None, Told::Unavailable),
            Err(NoRoom::InAll | NoRoom::FromOne) => {
                self.failures.take_back(address, Instant::now());
                self.log.refused(
                    Often::Login,
                    Some(address),
                    "too many logins wait for a person",
                );
                self.too_many(asked, SHORTLY)
            }
        }
    }

    fn too_many(&self, asked: &Asked, wait: Duration) -> Answer {
        let mut answer = self.message(asked, None, Told::TooManyAttempts { wait });
        let seconds = wait.as_secs().max(1);
        answer
            .headers_mut()
            .insert(axum::http::header::RETRY_AFTER, seconds.into());
        answer
    }

    fn login_of(&self, asked: &Asked) -> Option<(Key, Arc<Talk>)> {
        let key = Key::Login(asked.cookie(BEFORE)?.hash());
        Some((key, self.talks.of(key)?))
    }

    /// `GET /login/question`.
    pub(super) async fn login_question(&self, asked: &Asked) -> Answer {
        let Some((_, talk)) = self.login_of(asked) else {
            return see_other(Path::LOGIN);
        };
        let About::Login { user, onwards, .. } = &talk.about else {
            return see_other(Path::LOGIN);
        };
        let held = talk.hold().await;
        let Waits::Ask { prompt, echo } = &held.waits else {
            return see_other(Path::LOGIN);
        };
        let page = Question {
            conversation: &talk.conversation(&held),
            purpose: Purpose::Login { user },
            texts: &held.texts,
            prompt,
            echo: *echo,
        };
        let Some(before) = asked.cookie(BEFORE) else {
            return see_other(Path::LOGIN);
        };
        let html = self.render_with(asked, None, &page, &before.form_token());
        leading_to(
            answer::page(StatusCode::OK, &html),
            onwards.as_ref().map(origin).as_deref(),
        )
    }

    /// `POST /login/question`.
    pub(super) async fn answer_login(self: &Arc<Self>, asked: &Asked) -> Answer {
        let Some((key, talk)) = self.login_of(asked) else {
            let refused = Some(LoginRefused::TimeIsOver);
            return self.login_page(asked, StatusCode::OK, "", None, refused);
        };
        let typed = asked.form.bytes(Field::ANSWER).unwrap_or_default();
        if typed.len() > LONGEST_REPLY || typed.contains(&0) {
            return self.message(asked, None, Told::BadRequest);
        }
        let turn = asked.form.text(Field::CONVERSATION).unwrap_or_default();
        let reply = Reply::Text(Zeroizing::new(typed.to_vec()));
        let step = self.talks.reply(key, &talk, turn, reply).await;
        self.login_stepped(asked, &talk, step).await
    }

    /// `POST /login/cancel`.
    pub(super) fn cancel_login(&self, asked: &Asked) -> Answer {
        let form = asked.form.text(Field::CONVERSATION).unwrap_or_default();
        let cancelled = asked.cookie(BEFORE).map_or(Cancelled::Nothing, |before| {
            self.talks.cancel(Key::Login(before.hash()), form)
        });
        match cancelled {
            Cancelled::NotThisOne => see_other(Path::LOGIN_QUESTION),
            Cancelled::It | Cancelled::Nothing => {
                self.login_page(asked, StatusCode::OK, "", None, Some(LoginRefused::Left))
            }
        }
    }

    /// `GET /login/recovery-codes.txt`. A secret.
    pub(super) async fn login_sheet(&self, asked: &Asked) -> Answer {
        let Some((_, talk)) = self.login_of(asked) else {
            return self.message(asked, None, Told::NotFound);
        };
        let held = talk.hold().await;
        let (Waits::Ask { prompt, echo }, About::Login { user, .. }) = (&held.waits, &talk.about)
        else {
            return self.message(asked, None, Told::NotFound);
        };
        let conversation = talk.conversation(&held);
        // Only the page that shows the codes links here.
        if asked.query.text(Field::CONVERSATION) != Some(conversation.as_str()) {
            return self.message(asked, None, Told::NotFound);
        }
        let page = Question {
            conversation: &conversation,
            purpose: Purpose::Login { user },
            texts: &held.texts,
            prompt,
            echo: *echo,
        };
        match page.sheet() {
            Some(sheet) => answer::download(
                crate::pages::Codes::FILE_NAME,
                &Zeroizing::new(sheet.to_owned()),
            ),
            None => self.message(asked, None, Told::NotFound),
        }
    }

    async fn login_stepped(self: &Arc<Self>, asked: &Asked, talk: &Talk, step: Step) -> Answer {
        let over = match step {
            Step::Waits => return see_other(Path::LOGIN_QUESTION),
            Step::Over(over) => over,
        };
        let About::Login {
            user,
            onwards,
            address,
        } = &talk.about
        else {
            return see_other(Path::LOGIN);
        };
        if let Over::Full | Over::Gone { .. } | Over::No(NotIn::Unavailable) = over {
            // No module has judged this login.
            self.failures.take_back(*address, Instant::now());
        }
        let (texts, has_replied) = {
            let held = talk.hold().await;
            (held.texts.clone(), held.has_replied())
        };
        let again = |refused| {
            self.login_page(
                asked,
                StatusCode::FORBIDDEN,
                user,
                onwards.as_ref(),
                Some(refused),
            )
        };
        match over {
            Over::In(admitted) => {
                self.failures.take_back(*address, Instant::now());
                self.let_in(asked, talk, &texts, admitted).await
            }
            Over::No(NotIn::Refused) => again(LoginRefused::Refused(&texts)),
            Over::No(NotIn::TimeIsUp) => again(LoginRefused::TimeIsOver),
            Over::Full => self.too_many(asked, SHORTLY),
            Over::Gone { .. } => {
                self.log.trouble(
                    Often::Part,
                    "the login part does not answer: nobody can log in",
                );
                // By now a code may be used up, or a device set up in the login.
                let told = if has_replied {
                    Told::Uncertain
                } else {
                    Told::Unavailable
                };
                self.message(asked, None, told)
            }
            // No login ends in these ways.
            Over::No(NotIn::Unavailable)
            | Over::Changed { .. }
            | Over::Answer(_)
            | Over::Ended(_) => self.message(asked, None, Told::Unavailable),
        }
    }

    /// Begins the session of a user whom PAM has let in. Its cookie is new, so no one can have planted it.
    async fn let_in(
        &self,
        asked: &Asked,
        talk: &Talk,
        texts: &[Zeroizing<String>],
        admitted: Admitted,
    ) -> Answer {
        let Admitted {
            user,
            uid,
            token,
            enrolled,
            ends,
        } = admitted;
        let address = asked.caller.address.to_string();
        let logged_in = LoggedIn {
            user: &user,
            uid,
            token,
            enrolled,
            ends,
            address: &address,
        };
        let (id, cookie) = match self.sessions.begin(logged_in, asked.now).await {
            Ok(begun) => begun,
            Err(error) => {
                self.log.trouble(
                    Often::Part,
                    &format!("a user who has logged in gets no session: {error}"),
                );
                return self.message(asked, None, Told::Unavailable);
            }
        };
        // The login part has just checked.
        if let Some(session) = self.sessions.of(id) {
            session.standing.stands(Instant::now());
        }
        // A session that this browser had ends with its cookie, whether its token is still valid or not.
        if let Some(old) = super::form::cookie(&asked.headers, SESSION)
            && let Found::Session(old) = self.sessions.find(old, None, asked.now)
        {
            self.sessions.end(old.id).await.ok();
        }
        let onwards = match &talk.about {
            About::Login {
                onwards: Some((host, to)),
                ..
            } => begin_at(host, to),
            _ if enrolled => Path::HOME.to_owned(),
            _ => Path::SET_UP.to_owned(),
        };
        let shown = if texts.is_empty() {
            see_other(&onwards)
        } else {
            let page = Said {
                texts,
                onwards: &onwards,
                enrolled,
            };
            answer::page(
                StatusCode::OK,
                &self.render_with(asked, Some(&user), &page, &cookie.form_token()),
            )
        };
        let shown = with_cookie(shown, SESSION, &cookie.reveal(), None);
        without_cookie(shown, BEFORE)
    }

    /// `POST /logout`.
    pub(super) async fn log_out(&self, asked: &Asked) -> Answer {
        // The session ends whether its token is still valid or not.
        if let Some(cookie) = super::form::cookie(&asked.headers, SESSION)
            && let Found::Session(session) = self.sessions.find(cookie, None, asked.now)
        {
            self.talks.leave(Key::Change(session.id));
            if let Err(error) = self.sessions.end(session.id).await {
                self.log
                    .trouble(Often::Part, &NotKept::File(error).to_string());
                // The session has ended in memory, but would return after a restart.
                return without_cookie(self.message(asked, None, Told::Uncertain), SESSION);
            }
        }
        without_cookie(self.message(asked, None, Told::LoggedOut), SESSION)
    }

    /// `POST /sessions/end`.
    pub(super) async fn log_out_everywhere(self: &Arc<Self>, asked: &Asked) -> Answer {
        let session = match self.user(asked).await {
            Ok(session) => session,
            Err(answer) => return answer,
        };
        let matter = Matter::LeaveEverywhere {
            token: again(&session.token),
        };
        let portal = Arc::clone(self);
        let leaving = async move {
            let said = portal.part.ask(&matter).await;
            // Here the sessions end, whatever the login part answers.
            let ended = portal.sessions.end_all(session.uid).await;
            let is_told = matches!(
                said,
                Ok(Heard::Answer(protocol::Answer::Done) | Heard::Ended(_))
            );
            is_told && ended.is_ok()
        };
        let shown = if to_the_end((), leaving).await == Some(true) {
            self.message(asked, None, Told::LoggedOutEverywhere)
        } else {
            self.log.trouble(
                Often::Part,
                "a user has logged out everywhere, and not all of it could be done",
            );
            self.message(asked, None, Told::Uncertain)
        };
        without_cookie(shown, SESSION)
    }
}

fn origin(onwards: &(Host, String)) -> String {
    format!("https://{}", onwards.0)
}
