//! The web server: which requests there are, and who may make them.
//!
//! `Portal::answer` lists every path of the portal on one screen. Any other path is not found.

pub mod accept;
mod account;
mod answer;
pub mod caller;
mod change;
pub mod failures;
pub mod form;
pub mod handover;
pub mod log;
mod login;
mod part;
pub mod places;
mod site;
mod slow;
pub mod talk;
pub mod tls;

pub use part::Part;
pub use site::begin_at;

use crate::config::{Conf, Host};
use crate::pages::assets::Asset;
use crate::pages::{self, Field, Frame, Html, Message, Page, Path, Told};
use crate::session::{Cookie, Found, Id, Session, Sessions, Tickets};
use crate::wire::{Ended, Lost, Matter, Said, Standing};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use caller::{Caller, Connection, Peer};
use failures::Failures;
use form::{Form, cookie, path_only};
use log::{Log, Often};
use otp_core::record::Language;
use otp_core::{UnixTime, Zone};
use otp_site::{clock, zone};
use places::{Place, Places};
use slow::Slow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use talk::Talks;
use zeroize::Zeroizing;

/// The cookie of a session. It goes to its own host only, over TLS only, and scripts cannot read it.
pub const SESSION: &str = "__Host-otp-portal";

/// The cookie of a browser that is about to log in.
pub const BEFORE: &str = "__Host-otp-portal-login";

/// The cookie that another site sets for a browser before it sends the browser to the portal.
pub const STATE: &str = "__Host-otp-portal-state";

/// The cookie that holds the language.
pub const LANGUAGE: &str = "__Host-otp-portal-language";

/// How long the last answer about a session's standing stays valid.
pub const STANDS_FOR: Duration = Duration::from_secs(10);

/// How long the portal waits before it asks again about a standing that could not be found out.
const UNKNOWN_FOR: Duration = Duration::from_secs(1);

/// The most questions of users that the login part answers at a time. Each is a process there. The login part takes as
/// many connections as these, all conversations and the questions about sessions need together.
const QUESTIONS: usize = 40;

/// The most of these from one user.
pub const QUESTIONS_OF_ONE: usize = 8;

/// The most of these that read logs, which takes longer than anything else.
const READINGS: usize = 8;

/// The most of these from one user.
pub const READINGS_OF_ONE: usize = 2;

/// The most lookups of users' groups at a time. Each takes a thread until the directory answers.
const LOOKING_UP: usize = 32;

/// The most such lookups for users whose last lookup took too long.
const LOOKING_UP_SLOW: usize = 4;

/// The most lookups of either kind for one user.
const LOOKING_UP_OF_ONE: usize = 3;

/// The longest body of a request, in bytes.
const BODY: usize = 16 * 1024;

/// Everything that requests share.
pub struct Portal {
    /// The configuration.
    pub conf: Conf,
    /// The path of the policy, which says under what name apps show an account.
    pub policy: PathBuf,
    /// The sessions of logged-in users.
    pub sessions: Sessions,
    /// The login part.
    pub part: Arc<Part>,
    /// Conversations that wait for a person.
    pub talks: Arc<Talks>,
    tickets: Tickets,
    failures: Failures,
    /// The log.
    pub log: Log,
    questions: Places<u32>,
    readings: Places<u32>,
    /// The users whose groups are being looked up.
    looking_up: [Places<u32>; 2],
    /// The ids of users whose lookup took too long.
    pub(crate) slow: Arc<Slow<u32>>,
    notices: Mutex<HashMap<Id, Done>>,
    zone: Zone,
}

/// A change that was just made, for the next page to report.
enum Done {
    Enrolled { name: String, codes: usize },
    Removed { name: String, last: bool },
    NewCodes { codes: usize },
    Left,
    Later,
}

/// A request, with everything known about it.
pub struct Asked {
    /// The caller.
    pub caller: Caller,
    method: Method,
    path: String,
    query_text: String,
    query: Form,
    headers: HeaderMap,
    form: Form,
    language: Language,
    now: UnixTime,
}

/// Whom a browser belongs to.
pub enum Who {
    /// A visitor who has not logged in.
    Nobody,
    /// A user whose session has ended.
    Ended(pages::Ended),
    /// This cannot be found out now.
    Unknown,
    /// A user who has logged in.
    User(Session),
}

type Answer = Response<Body>;

impl Portal {
    /// Creates a portal. Must be called in a runtime.
    #[must_use]
    pub fn new(conf: Conf, policy: PathBuf, sessions: Sessions) -> Self {
        let limits = conf.limits;
        Self {
            part: Arc::new(Part::at(&conf.login)),
            talks: Arc::new(Talks::new(
                limits.conversations,
                limits.conversations_of_one,
            )),
            tickets: Tickets::default(),
            failures: Failures::new(limits.failures, limits.within),
            log: Log::default(),
            questions: Places::new(QUESTIONS, QUESTIONS_OF_ONE),
            readings: Places::new(READINGS, READINGS_OF_ONE),
            looking_up: [LOOKING_UP, LOOKING_UP_SLOW]
                .map(|most| Places::new(most, LOOKING_UP_OF_ONE)),
            slow: Arc::default(),
            notices: Mutex::default(),
            zone: zone::of_this_machine(),
            conf,
            policy,
            sessions,
        }
    }

    /// Answers a request.
    pub async fn handle(
        self: &Arc<Self>,
        connection: Connection,
        request: Request<Body>,
    ) -> Answer {
        let (parts, body) = request.into_parts();
        let caller = Caller::of(connection, &parts.uri, &parts.headers, &self.conf);
        let caller = match caller {
            Ok(caller) => caller,
            Err(why) => {
                let address = match connection.peer {
                    Peer::Address(address) => Some(address),
                    Peer::Local => None,
                };
                self.log.refused(Often::Request, address, why.words());
                return secured(answer::text(StatusCode::BAD_REQUEST, why.words()), false);
            }
        };
        let is_tls = caller.is_tls == Some(true);
        let path = parts.uri.path();
        if path == "/verify" {
            let is_redirecting = parts.uri.query() == Some("redirect");
            let answer = self.verify(&caller, &parts.headers, is_redirecting).await;
            return secured(answer, is_tls);
        }
        let Ok(now) = clock::now() else {
            return secured(
                answer::text(StatusCode::SERVICE_UNAVAILABLE, "the clock is before 1970"),
                is_tls,
            );
        };
        let query_text = parts.uri.query().unwrap_or_default().to_owned();
        let Some(query) = Form::parse(query_text.as_bytes()) else {
            return secured(
                answer::text(StatusCode::BAD_REQUEST, "a query that cannot be understood"),
                is_tls,
            );
        };
        let asked = Asked {
            language: language(&parts.headers),
            method: parts.method,
            path: path.to_owned(),
            query_text,
            query,
            headers: parts.headers,
            form: Form::default(),
            caller,
            now,
        };
        let answer = if asked.caller.host == *self.conf.url.host() {
            self.at_home(asked, body).await
        } else if self.conf.sites.contains_key(&asked.caller.host) {
            self.at_a_site(&asked).await
        } else {
            let reason = "a request for a host that is none of the portal's";
            self.log
                .refused(Often::Request, Some(asked.caller.address), reason);
            answer::text(
                StatusCode::MISDIRECTED_REQUEST,
                "this host is not served here",
            )
        };
        secured(answer, is_tls)
    }

    /// A request at the portal's own host.
    async fn at_home(self: &Arc<Self>, mut asked: Asked, body: Body) -> Answer {
        if asked.caller.is_tls == Some(false) {
            // Between browser and proxy, passwords must travel over TLS.
            return match asked.method {
                Method::GET | Method::HEAD => answer::redirect(
                    StatusCode::PERMANENT_REDIRECT,
                    &format!("{}{}", self.conf.url, asked.here()),
                ),
                _ => answer::text(StatusCode::BAD_REQUEST, "without TLS nothing is taken"),
            };
        }
        match asked.method {
            Method::GET | Method::HEAD => {}
            Method::POST => {
                if let Err(answer) = self.take_form(&mut asked, body).await {
                    return answer;
                }
            }
            _ => return answer::not_allowed("GET, HEAD, POST"),
        }
        self.answer(&asked).await
    }

    /// Answers a request for any path of the portal.
    async fn answer(self: &Arc<Self>, asked: &Asked) -> Answer {
        let is_post = asked.method == Method::POST;
        match (asked.path.as_str(), is_post) {
            (Path::LOGIN, false) => self.login(asked).await,
            (Path::LOGIN, true) => self.begin_login(asked).await,
            (Path::LOGIN_QUESTION, false) => self.login_question(asked).await,
            (Path::LOGIN_QUESTION, true) => self.answer_login(asked).await,
            (Path::LOGIN_CANCEL, true) => self.cancel_login(asked),
            (Path::LOGIN_SHEET, false) => self.login_sheet(asked).await,
            (Path::LOGOUT, true) => self.log_out(asked).await,
            (Path::SESSIONS_END, true) => self.log_out_everywhere(asked).await,
            (Path::LANGUAGE, false) => switch_language(asked),
            (Path::HOME, false) => self.home(asked).await,
            (Path::TRY, false) => self.try_page(asked).await,
            (Path::TRY, true) => self.try_a_code(asked).await,
            (Path::EVENTS, false) => self.events(asked).await,
            (Path::SESSIONS, false) => self.sessions_page(asked).await,
            (Path::SET_UP, false) => self.set_up(asked).await,
            (Path::SET_UP, true) => self.begin_to_enrol(asked).await,
            (Path::SET_UP_LATER, true) => self.later(asked).await,
            (Path::ADD, false) => self.add(asked).await,
            (Path::ADD, true) => self.begin_to_add(asked).await,
            (Path::REPLACE, false) => self.replace(asked).await,
            (Path::REPLACE, true) => self.begin_to_replace(asked).await,
            (Path::REMOVE, false) => self.remove(asked).await,
            (Path::REMOVE, true) => self.begin_to_remove(asked).await,
            (Path::NEW_CODES, false) => self.new_codes(asked).await,
            (Path::NEW_CODES, true) => self.begin_new_codes(asked).await,
            (Path::CHANGE, false) => self.change_page(asked).await,
            (Path::CHANGE_ANSWER | Path::CHANGE_CODE | Path::CHANGE_KEEP, true) => {
                self.answer_change(asked).await
            }
            (Path::CHANGE_CANCEL, true) => self.cancel_change(asked).await,
            (Path::CHANGE_SHEET, false) => self.change_sheet(asked).await,
            (path, false) => match pages::assets::ALL
                .into_iter()
                .find(|asset| asset.path == path)
            {
                Some(asset) => answer::asset(asset, &asked.query_text),
                None => self.message(asked, None, Told::NotFound),
            },
            (_, true) => self.message(asked, None, Told::NotFound),
        }
    }

    /// Takes a form, but only from a page of the portal.
    async fn take_form(&self, asked: &mut Asked, body: Body) -> Result<(), Answer> {
        let refuse = |reason: &str| {
            self.log
                .refused(Often::Form, Some(asked.caller.address), reason);
        };
        if !asked.is_from_here(&self.conf.url.to_string()) {
            refuse("a form that another site has sent");
            return Err(self.message(asked, None, Told::FormTooOld));
        }
        let is_form = asked
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|it| it.to_str().ok())
            .is_some_and(|it| {
                let kind = it.split(';').next().unwrap_or_default();
                kind.trim()
                    .eq_ignore_ascii_case("application/x-www-form-urlencoded")
            });
        if !is_form {
            return Err(self.message(asked, None, Told::BadRequest));
        }
        let bytes =
            tokio::time::timeout(self.conf.limits.arrive, axum::body::to_bytes(body, BODY)).await;
        let bytes = match bytes {
            Ok(Ok(bytes)) => Zeroizing::new(bytes.to_vec()),
            Ok(Err(_)) => {
                return Err(answer::closing(answer::text(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "a form that is too large",
                )));
            }
            Err(_) => {
                return Err(answer::closing(answer::text(
                    StatusCode::REQUEST_TIMEOUT,
                    "a form that came too slowly",
                )));
            }
        };
        let Some(form) = Form::parse(&bytes) else {
            return Err(self.message(asked, None, Told::BadRequest));
        };
        asked.form = form;
        let sent = asked.form.text(Field::CSRF).unwrap_or_default();
        if !asked.form_tokens().any(|token| is_same(&token, sent)) {
            refuse("a form without the token of its browser");
            return Err(self.message(asked, None, Told::FormTooOld));
        }
        Ok(())
    }

    /// Finds the user of a browser, at the portal or at another site. Asks the login part if its last answer about the
    /// session is too old.
    pub async fn who(&self, headers: &HeaderMap, site: Option<&Host>, now: UnixTime) -> Who {
        let Some(cookie) = cookie(headers, SESSION) else {
            return Who::Nobody;
        };
        match self.sessions.find(cookie, site, now) {
            Found::Nothing => Who::Nobody,
            Found::Idle => Who::Ended(pages::Ended::Idle),
            Found::TooOld => Who::Ended(pages::Ended::Absolute),
            Found::Session(session) => self.stands(session).await,
        }
    }

    async fn stands(&self, session: Session) -> Who {
        let standing = Arc::clone(&session.standing);
        if standing.stood(STANDS_FOR, Instant::now()) {
            return Who::User(session);
        }
        // One request asks for all requests of a session.
        let _asking = standing.asking.lock().await;
        let now = Instant::now();
        if standing.stood(STANDS_FOR, now) {
            return Who::User(session);
        }
        if standing.was_unknown(UNKNOWN_FOR, now) {
            return Who::Unknown;
        }
        let mut session = session;
        loop {
            match self.part.standing(Arc::clone(&session.token)).await {
                Standing::Stands => {
                    // The answer counts from when the question was put, so what ends in between is noticed no later.
                    standing.stands(now);
                    return Who::User(session);
                }
                Standing::Ended(why) => match self.end(&session, why).await {
                    Ok(why) => return Who::Ended(why),
                    Err(newer) => session = newer,
                },
                Standing::Unknown => {
                    standing.is_unknown(Instant::now());
                    let reason = "the login part cannot tell whether sessions stand: nobody is let in by one";
                    self.log.trouble(Often::Part, reason);
                    return Who::Unknown;
                }
            }
        }
    }

    /// Ends a session whose token has ended.
    ///
    /// # Errors
    /// The session has a new token, because its user has made a change. It goes on.
    async fn end(&self, session: &Session, why: Ended) -> Result<pages::Ended, Session> {
        // A change makes the old token invalid before the portal hears of its end, so wait for changes in progress.
        let _changed = session.standing.changing.write().await;
        if let Some(now) = self.sessions.of(session.id)
            && !Arc::ptr_eq(&now.token, &session.token)
        {
            return Err(now);
        }
        if let Err(error) = self.sessions.end(session.id).await {
            // The session has ended in memory. After a restart its token is still invalid.
            self.log.trouble(
                Often::Part,
                &format!("the end of a session cannot be written down: {error}"),
            );
        }
        self.talks.leave(talk::Key::Change(session.id));
        Ok(match why {
            Ended::TimeIsUp => pages::Ended::Absolute,
            Ended::LoginTooOld => pages::Ended::LoginTooOld,
            Ended::AccountGone | Ended::PasswordChanged => pages::Ended::Account,
            Ended::Locked | Ended::Disabled => pages::Ended::Locked,
            Ended::Replaced => pages::Ended::Authenticators,
            Ended::LeftEverywhere => pages::Ended::Everywhere,
            Ended::NotOurs => pages::Ended::Other,
        })
    }

    /// Returns the page for a user whose token has ended.
    async fn ended(&self, asked: &Asked, session: &Session, why: Ended) -> Answer {
        match self.end(session, why).await {
            Ok(why) => {
                let told = Told::SessionEnded(why);
                answer::without_cookie(self.message(asked, None, told), SESSION)
            }
            Err(_) => answer::see_other(Path::HOME),
        }
    }

    /// Returns the session of the user who asks, or the page for a visitor who has none.
    async fn user(&self, asked: &Asked) -> Result<Session, Answer> {
        match self.who(&asked.headers, None, asked.now).await {
            Who::User(session) => Ok(session),
            Who::Nobody => Err(answer::see_other(Path::LOGIN)),
            Who::Ended(why) => Err(answer::without_cookie(
                self.message(asked, None, Told::SessionEnded(why)),
                SESSION,
            )),
            Who::Unknown => Err(self.message(asked, None, Told::Unavailable)),
        }
    }

    /// Takes a place for a user's question to the login part; `None`: all are taken, see [`too_busy`](Self::too_busy).
    fn may_ask(&self, session: &Session) -> Option<Place<u32>> {
        self.questions.take(Some(session.uid))
    }

    /// Takes a place for a question that reads logs.
    fn may_read(&self, session: &Session) -> Option<(Place<u32>, Place<u32>)> {
        let reading = self.readings.take(Some(session.uid))?;
        Some((reading, self.may_ask(session)?))
    }

    /// Asks the login part a question with one answer. Its process finishes even if the browser hangs up, so the places
    /// stay taken until then.
    async fn ask(&self, places: impl Send + 'static, matter: Matter) -> Result<Said, Lost> {
        let part = Arc::clone(&self.part);
        to_the_end(places, async move { part.ask(&matter).await })
            .await
            .unwrap_or(Err(Lost::Gone))
    }

    /// Takes a place for a lookup of a user's groups; `None`: all are taken by slow lookups.
    pub(crate) fn may_look_up(&self, uid: u32, now: Instant) -> Option<Place<u32>> {
        let places = &self.looking_up[usize::from(self.slow.is(&uid, now))];
        places.take(Some(uid))
    }

    fn too_busy(&self, asked: &Asked, session: &Session) -> Answer {
        let wait = Duration::from_secs(1);
        self.message(asked, Some(&session.user), Told::TooManyAttempts { wait })
    }

    /// Renders a page.
    fn render(&self, asked: &Asked, user: Option<&str>, page: &impl Page) -> Html {
        self.render_with(asked, user, page, &asked.form_token())
    }

    fn render_with(&self, asked: &Asked, user: Option<&str>, page: &impl Page, csrf: &str) -> Html {
        let here = asked.here();
        page.render(&Frame {
            language: asked.language,
            site: self.conf.url.host().as_str(),
            user,
            csrf,
            here: (asked.method != Method::POST).then_some(here.as_str()),
            zone: &self.zone,
            now: asked.now,
        })
    }

    fn page(&self, asked: &Asked, user: Option<&str>, page: &impl Page) -> Answer {
        answer::page(StatusCode::OK, &self.render(asked, user, page))
    }

    fn message(&self, asked: &Asked, user: Option<&str>, told: Told<'_>) -> Answer {
        let message = Message { told };
        let status =
            StatusCode::from_u16(message.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        answer::page(status, &self.render(asked, user, &message))
    }

    fn note(&self, session: Id, done: Done) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        // Notices of ended sessions pile up: no page shows them.
        if notices.len() > 1000 {
            notices.clear();
        }
        notices.insert(session, done);
    }

    fn noted(&self, session: Id) -> Option<Done> {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.remove(&session)
    }

    /// Removes what has ended or timed out. Called from time to time.
    pub fn sweep(&self) {
        self.talks.sweep(Instant::now());
        if let Ok(now) = clock::now() {
            self.sessions.sweep(now);
        }
    }
}

impl Asked {
    /// Returns path and query, which show this page again.
    fn here(&self) -> String {
        if self.query_text.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query_text)
        }
    }

    fn cookie(&self, name: &str) -> Option<Cookie> {
        Cookie::of_text(cookie(&self.headers, name)?)
    }

    /// Returns the tokens that forms of this browser may carry: that of its session, and that from before a login.
    fn form_tokens(&self) -> impl Iterator<Item = String> {
        let cookies = [SESSION, BEFORE].into_iter();
        cookies.filter_map(|name| Some(self.cookie(name)?.form_token()))
    }

    /// Returns the token for the forms of the next page.
    fn form_token(&self) -> String {
        self.form_tokens().next().unwrap_or_default()
    }

    /// Whether no header says that the form comes from another site.
    fn is_from_here(&self, origin: &str) -> bool {
        let says = |name: &str| {
            let mut values = self.headers.get_all(name).iter();
            (values.next(), values.next())
        };
        let of_origin = match says("origin") {
            (None, _) => true,
            (Some(value), None) => value.as_bytes() == origin.as_bytes(),
            (Some(_), Some(_)) => false,
        };
        let of_site = match says("sec-fetch-site") {
            (None, _) => true,
            (Some(value), None) => matches!(value.as_bytes(), b"same-origin" | b"none"),
            (Some(_), Some(_)) => false,
        };
        of_origin && of_site
    }

    /// Returns the state cookie of a browser at another site.
    fn state(&self) -> Option<Cookie> {
        self.cookie(STATE)
    }
}

/// Completes a task even if the caller stops waiting, and frees the places then. `None`: the task has panicked.
pub(crate) async fn to_the_end<T: Send + 'static>(
    places: impl Send + 'static,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let working = tokio::spawn(async move {
        let done = work.await;
        drop(places);
        done
    });
    working.await.ok()
}

/// Adds the security headers that every answer has.
fn secured(mut answer: Answer, is_tls: bool) -> Answer {
    let headers = answer.headers_mut();
    let mut say = |name: &'static str, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    say("x-content-type-options", "nosniff");
    // Not "no-referrer": browsers then send forms with "Origin: null".
    say("referrer-policy", "same-origin");
    say("x-frame-options", "DENY");
    say("cross-origin-opener-policy", "same-origin");
    say("cross-origin-resource-policy", "same-origin");
    say(
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    );
    say("cache-control", "no-store");
    if is_tls {
        say("strict-transport-security", "max-age=31536000");
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, answer::policy([]));
    }
    answer
}

/// Compares in constant time.
fn is_same(one: &str, other: &str) -> bool {
    use subtle::ConstantTimeEq;
    one.len() == other.len() && bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

fn language(headers: &HeaderMap) -> Language {
    let kept = cookie(headers, LANGUAGE).and_then(Language::from_tag);
    let asked = || {
        headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|it| it.to_str().ok())
    };
    kept.unwrap_or_else(|| pages::preferred(asked()))
}

fn switch_language(asked: &Asked) -> Answer {
    let back = path_only(asked.query.text("back").unwrap_or("/"));
    let answer = answer::see_other(back);
    match asked.query.text("to").and_then(Language::from_tag) {
        Some(language) => {
            answer::with_cookie(answer, LANGUAGE, language.tag(), Some(365 * 24 * 60 * 60))
        }
        None => answer,
    }
}

/// Whether a file of the pages is asked for by its current version, so that browsers may keep it for a year.
fn is_current(asset: &Asset, query: &str) -> bool {
    query == format!("{:08x}", asset.version())
        || query == format!("{:x}", asset.version())
        || query == asset.version().to_string()
}
