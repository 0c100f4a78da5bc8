//! The pages about a logged-in user's own account.

use super::change::wanted_line;
use super::frame::{LINKS, Shell, written};
use super::{Field, Frame, Html, Page, Path, assets};
use crate::wire::Wanted;
use askama::Template;
use otp_core::messages::Message;
use otp_core::messages::enrol::Dialogue;
use otp_core::messages::portal::{self, Label, Line};
use otp_core::record::{Refusal, Standing};
use otp_core::{UnixTime, Verdict, event};
use otp_store::Overview;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;

/// The overview of the account, with all possible actions.
pub struct Home<'a> {
    /// How the account stands: `Answer::Status`; `Err`: it has no authenticator, and policy demands this.
    pub devices: Result<&'a Overview, Wanted>,
    /// Sites that the user can open, each as `https://wiki.example.org`.
    pub sites: &'a [String],
    /// The result of the last action.
    pub notice: Option<Notice<'a>>,
}

/// The result of the last action.
#[derive(Clone, Copy)]
pub enum Notice<'a> {
    /// An authenticator was enrolled or added.
    Enrolled {
        /// Its name.
        name: &'a str,
        /// The number of recovery codes made with it.
        codes: usize,
    },
    /// An authenticator was removed.
    Removed {
        /// Its name.
        name: &'a str,
        /// Whether it was the last one.
        last: bool,
    },
    /// Recovery codes were made.
    NewCodes {
        /// The number of codes.
        codes: usize,
    },
    /// A change was cancelled; nothing was changed.
    Left,
    /// The enrolment was put off.
    Later,
}

/// Asks for a code to try, and shows the result of the last one.
pub struct Try<'a> {
    /// The result of the last code.
    pub tried: Option<Tried<'a>>,
}

/// The result of a code that was tried.
#[derive(Clone, Copy)]
pub struct Tried<'a> {
    /// The verdict: `Answer::Verdict`.
    pub verdict: &'a Verdict,
    /// Whether a recovery code opens a lock.
    pub opens: bool,
}

/// The recent events of the account, the newest first.
pub struct Events<'a> {
    /// The events.
    pub events: &'a [Event],
    /// Whether older events were left out.
    pub is_cut: bool,
}

/// One event.
pub struct Event {
    /// When it happened.
    pub when: UnixTime,
    /// The event.
    pub event: event::Event,
    /// The kind of change; may be empty.
    pub verb: String,
    /// The PAM service; may be empty.
    pub service: String,
    /// The address of the login; may be empty.
    pub host: String,
    /// The authenticator; may be empty.
    pub authenticator: String,
}

/// The sessions of the user, and a button to end them all.
pub struct Sessions<'a> {
    /// The sessions, including the present one.
    pub sessions: &'a [Session],
}

/// One session.
pub struct Session {
    /// When it began.
    pub since: UnixTime,
    /// When it was last used.
    pub used: UnixTime,
    /// When it ends at the latest.
    pub ends: UnixTime,
    /// The address at the login.
    pub address: String,
    /// Whether it is the present session.
    pub is_this: bool,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomeView<'a> {
    shell: Shell<'a>,
    /// Each with its address, and the same without `https://`.
    sites: Vec<(&'a str, &'a str)>,
    notice: Option<String>,
    standing: Vec<String>,
    deadline: Option<String>,
    devices: Vec<DeviceView<'a>>,
    codes: Option<CodesView>,
    refusal: Option<(String, Label)>,
}

struct DeviceView<'a> {
    name: &'a str,
    created: String,
    used: Option<String>,
    next_counter: Option<u64>,
    remove: String,
    remove_label: String,
}

struct CodesView {
    left: String,
    warning: Option<&'static str>,
}

/// With this many recovery codes or fewer, the page advises to make new ones.
const FEW: u32 = 2;

impl Page for Home<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let overview = self.devices.ok();
        let devices = overview.map(|overview| &overview.authenticators);
        let refusal = overview.and_then(|overview| overview.last_refusal);
        let view = HomeView {
            shell: frame.shell(frame.say(Label::Overview), Path::HOME),
            sites: self
                .sites
                .iter()
                .map(|site| (site.as_str(), site.strip_prefix("https://").unwrap_or(site)))
                .collect(),
            notice: self.notice.map(|notice| notice.text(frame)),
            standing: overview
                .map(|overview| standing(frame, overview))
                .unwrap_or_default(),
            deadline: self
                .devices
                .err()
                .and_then(|wanted| wanted_line(frame, wanted)),
            devices: devices
                .into_iter()
                .flatten()
                .map(|device| DeviceView::of(frame, device))
                .collect(),
            codes: overview.map(|overview| CodesView::of(frame, overview)),
            refusal: refusal.map(|(when, why)| (frame.moment(when), refusal_label(why))),
        };
        let names = devices.map_or(0, Vec::len) + self.sites.len();
        written(&view, 2048 * names)
    }
}

impl<'a> DeviceView<'a> {
    fn of(frame: &Frame<'_>, device: &'a otp_store::Device) -> Self {
        let name = device.name.as_str();
        let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
        Self {
            name,
            created: frame.moment(device.created),
            used: device.last_used.map(|used| frame.moment(used)),
            next_counter: device.next_counter,
            remove: format!("{}?{}={encoded}", Path::REMOVE, Field::NAME),
            remove_label: frame.line(Line::RemoveThis { name }),
        }
    }
}

impl CodesView {
    fn of(frame: &Frame<'_>, overview: &Overview) -> Self {
        let left = overview.recovery_codes_left;
        Self {
            left: match overview.recovery_codes_issued {
                Some(issued) => frame.line(Line::CodesLeft { left, issued }),
                None => frame.say(Label::NoCodesLeft).to_owned(),
            },
            warning: match overview.recovery_codes_issued {
                None => None,
                Some(_) if overview.recovery_codes_imported => {
                    Some(frame.say(Label::ImportedCodes))
                }
                Some(_) => (left <= FEW).then(|| frame.say(Label::FewCodes)),
            },
        }
    }
}

impl Notice<'_> {
    fn text(self, frame: &Frame<'_>) -> String {
        match self {
            Self::Enrolled { name, codes } => frame.line(Line::Enrolled { name, codes }),
            Self::Removed { name, last } => frame.line(Line::Removed { name, last }),
            Self::NewCodes { codes } => frame.line(Line::CodesMade { codes }),
            Self::Left => frame.say(Label::NothingChanged).to_owned(),
            Self::Later => frame.say(Label::PutOff).to_owned(),
        }
    }
}

/// Returns what is said about a locked or disabled account, in the words of a login.
fn standing(frame: &Frame<'_>, overview: &Overview) -> Vec<String> {
    let opens = overview.recovery_codes_left > 0 && !overview.recovery_codes_imported;
    about_standing(frame, overview.standing, opens)
}

/// Returns the same for a standing alone.
pub(super) fn about_standing(frame: &Frame<'_>, standing: Standing, opens: bool) -> Vec<String> {
    let message = match standing {
        Standing::Open => return Vec::new(),
        Standing::Locked { .. } => Message::LockedUntil {
            ends: frame.zone.at(standing.ends().unwrap_or(frame.now)),
            now: frame.now,
            opens,
        },
        Standing::Held => Message::Held { opens },
        Standing::Disabled => Message::Disabled,
    };
    vec![frame.message(message)]
}

const fn refusal_label(why: Refusal) -> Label {
    match why {
        Refusal::WrongCode => Label::WrongCode,
        Refusal::Replayed => Label::ReplayedCode,
        Refusal::Locked => Label::WasLocked,
        Refusal::ClockOff => Label::ClockWasOff,
    }
}

#[derive(Template)]
#[template(path = "try.html")]
struct TryView<'a> {
    shell: Shell<'a>,
    result: Option<ResultView>,
}

struct ResultView {
    is_good: bool,
    texts: Vec<String>,
}

impl Page for Try<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let result = self.tried.map(|tried| tried.view(frame));
        let mut shell = frame.shell(frame.say(Label::Try), Path::TRY);
        shell.has_error = result.as_ref().is_some_and(|result| !result.is_good);
        written(&TryView { shell, result }, 0)
    }
}

impl Tried<'_> {
    /// Returns the words of `otp-enroll test`.
    fn view(self, frame: &Frame<'_>) -> ResultView {
        let good = |sentences: &[Dialogue<'_>]| ResultView {
            is_good: true,
            texts: sentences.iter().map(|&one| frame.dialogue(one)).collect(),
        };
        let refused = |said: Vec<String>| {
            let mut texts = vec![frame.dialogue(Dialogue::TestRefused)];
            texts.extend(said);
            ResultView {
                is_good: false,
                texts,
            }
        };
        match self.verdict {
            Verdict::Accepted {
                authenticator,
                resynchronised,
            } => {
                let name = authenticator.as_str();
                let mut sentences = vec![Dialogue::TestAccepted { name }];
                sentences.extend(resynchronised.map(|_| Dialogue::TestResynchronised));
                good(&sentences)
            }
            Verdict::Recovered { left } => {
                let mut result = good(&[Dialogue::TestRecovered]);
                let left = *left;
                result.texts.push(frame.line(Line::CodesLeftOnly { left }));
                result
            }
            Verdict::Rejected { left } => refused(vec![
                frame.message(Message::WrongCode),
                frame.dialogue(Dialogue::TestLeft(*left)),
            ]),
            Verdict::Replayed => refused(vec![frame.message(Message::AlreadyUsed)]),
            Verdict::Empty => refused(vec![frame.message(Message::NothingTyped)]),
            Verdict::RejectedAndLocked { standing } | Verdict::Locked { standing } => {
                refused(about_standing(frame, *standing, self.opens))
            }
            Verdict::NoGuess { .. } | Verdict::NotEnrolled => {
                refused(vec![frame.message(Message::WrongCode)])
            }
            // No try in the portal gives these verdicts. If one did, the page must not call it a success.
            Verdict::Mailed | Verdict::Excused => refused(Vec::new()),
        }
    }
}

#[derive(Template)]
#[template(path = "events.html")]
struct EventsView<'a> {
    shell: Shell<'a>,
    page: &'a Events<'a>,
    events: Vec<EventView<'a>>,
}

struct EventView<'a> {
    tone: &'static str,
    what: &'static str,
    when: String,
    facts: Vec<(Label, Cow<'a, str>)>,
}

impl Page for Events<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let view = EventsView {
            shell: frame.shell(frame.say(Label::Activity), Path::EVENTS),
            page: self,
            events: self
                .events
                .iter()
                .map(|event| EventView::of(frame, event))
                .collect(),
        };
        written(&view, 1024 * self.events.len())
    }
}

impl<'a> EventView<'a> {
    fn of(frame: &Frame<'_>, event: &'a Event) -> Self {
        let service = match portal::service(&event.service, frame.language) {
            Some(words) => format!("{words} ({})", event.service).into(),
            None => event.service.as_str().into(),
        };
        let facts: [(Label, Cow<'a, str>); 3] = [
            (Label::Authenticator, event.authenticator.as_str().into()),
            (Label::Service, service),
            (Label::From, event.host.as_str().into()),
        ];
        Self {
            tone: tone(event.event),
            what: portal::activity(event.event, Some(&event.verb), frame.language),
            when: frame.moment(event.when),
            facts: facts
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        }
    }
}

/// Returns the style of an event.
const fn tone(event: event::Event) -> &'static str {
    use event::Event;
    match event {
        Event::Accept | Event::Trusted => "good",
        Event::Reject
        | Event::Replay
        | Event::Lock
        | Event::Locked
        | Event::Unavailable
        | Event::OneFactor
        | Event::Denied => "bad",
        Event::Recovery | Event::Mailed | Event::Mail | Event::NotEnrolled => "warn",
        Event::Attempt
        | Event::Changing
        | Event::Change
        | Event::Reset
        | Event::Policy
        | Event::Protect
        | Event::Unlock
        | Event::Import
        | Event::PolicyChanged
        | Event::Hook
        | Event::Seal
        | Event::Fleet
        | Event::Debug => "plain",
    }
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsView<'a> {
    shell: Shell<'a>,
    sessions: Vec<SessionView<'a>>,
}

struct SessionView<'a> {
    address: &'a str,
    is_this: bool,
    since: String,
    used: String,
    ends: String,
}

impl Page for Sessions<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let sessions = self.sessions.iter().map(|session| SessionView {
            address: &session.address,
            is_this: session.is_this,
            since: frame.moment(session.since),
            used: frame.moment(session.used),
            ends: frame.moment(session.ends),
        });
        let view = SessionsView {
            shell: frame.shell(frame.say(Label::Sessions), Path::SESSIONS),
            sessions: sessions.collect(),
        };
        written(&view, 1024 * self.sessions.len())
    }
}
