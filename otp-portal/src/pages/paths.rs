//! The paths of the portal and the names of form fields. Pages and routes use the same constants.

/// A path of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path;

impl Path {
    /// GET: [`super::Home`].
    pub const HOME: &'static str = "/";
    /// GET: [`super::Login`]. POST [`Field::USER`]: begins a conversation.
    pub const LOGIN: &'static str = "/login";
    /// GET: the current [`super::Question`] of a login. POST [`Field::ANSWER`]: answers it.
    pub const LOGIN_QUESTION: &'static str = "/login/question";
    /// POST: cancels the login.
    pub const LOGIN_CANCEL: &'static str = "/login/cancel";
    /// GET: the sheet of recovery codes in the current question of a login, as a file.
    pub const LOGIN_SHEET: &'static str = "/login/recovery-codes.txt";
    /// POST: ends this session.
    pub const LOGOUT: &'static str = "/logout";
    /// GET with `to` (`en` or `ko`) and `back` (a path of the portal): switches the language and goes back.
    pub const LANGUAGE: &'static str = "/language";
    /// GET: [`super::SetUp`]. POST [`Field::NAME`]: begins to enrol.
    pub const SET_UP: &'static str = "/set-up";
    /// POST: puts the enrolment off.
    pub const SET_UP_LATER: &'static str = "/set-up/later";
    /// GET: [`super::Add`]. POST [`Field::NAME`].
    pub const ADD: &'static str = "/devices/add";
    /// GET: [`super::Replace`]. POST [`Field::NAME`].
    pub const REPLACE: &'static str = "/devices/replace";
    /// GET with `name`: [`super::Remove`]. POST [`Field::NAME`].
    pub const REMOVE: &'static str = "/devices/remove";
    /// GET: [`super::NewCodes`]. POST: begins a change.
    pub const NEW_CODES: &'static str = "/recovery-codes";
    /// GET: the page of the current turn of a change: [`super::Question`], [`super::Enrol`] or [`super::Codes`].
    pub const CHANGE: &'static str = "/change";
    /// POST [`Field::ANSWER`]: answers a question of the re-authentication.
    pub const CHANGE_ANSWER: &'static str = "/change/answer";
    /// POST [`Field::CODE`]: a code of the new device.
    pub const CHANGE_CODE: &'static str = "/change/code";
    /// POST [`Field::KEPT`]: the recovery codes are kept.
    pub const CHANGE_KEEP: &'static str = "/change/keep";
    /// POST: cancels the change. Nothing is saved.
    pub const CHANGE_CANCEL: &'static str = "/change/cancel";
    /// GET with [`Field::CONVERSATION`]: [`super::Codes::sheet`] as a file.
    pub const CHANGE_SHEET: &'static str = "/change/recovery-codes.txt";
    /// GET: [`super::Try`]. POST [`Field::CODE`].
    pub const TRY: &'static str = "/try";
    /// GET: [`super::Events`].
    pub const EVENTS: &'static str = "/events";
    /// GET: [`super::Sessions`].
    pub const SESSIONS: &'static str = "/sessions";
    /// POST: ends all sessions of the user.
    pub const SESSIONS_END: &'static str = "/sessions/end";
}

/// The name of a field of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field;

impl Field {
    /// [`super::Frame::csrf`], in every form.
    pub const CSRF: &'static str = "csrf";
    /// The conversation that a form belongs to.
    pub const CONVERSATION: &'static str = "conversation";
    /// The name to log in with.
    pub const USER: &'static str = "user";
    /// The answer to a question of PAM.
    pub const ANSWER: &'static str = "answer";
    /// A code.
    pub const CODE: &'static str = "code";
    /// The name of an authenticator.
    pub const NAME: &'static str = "name";
    /// The box that must be ticked; its value is then `yes`.
    pub const KEPT: &'static str = "kept";
    /// The site that the login leads to.
    pub const SITE: &'static str = "site";
    /// The path there.
    pub const TO: &'static str = "to";
}
