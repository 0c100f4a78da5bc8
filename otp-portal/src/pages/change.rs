//! Changes of a user's own authenticators: the page that begins one, and a page for each turn of `otp_helper::session`.

use super::frame::{LINKS, Shell, with_conversation, written};
use super::key::Key;
use super::login::title_of;
use super::{Field, Frame, Html, Page, Path, assets};
use crate::wire::Wanted;
use askama::Template;
use otp_core::enforce::days_left;
use otp_core::messages::enrol::Dialogue;
use otp_core::messages::portal::{Label, Line};
use otp_core::record::{Language, Name};
use otp_core::recovery::RecoveryCode;
use otp_core::{Authenticator, UnixTime, Zone, base32, otpauth, recovery_sheet};
use otp_store::change::{Change, Proof};
use zeroize::Zeroizing;

/// Asks a user without an authenticator to set one up: now, or later if policy allows that.
pub struct SetUp<'a> {
    /// The name that is proposed for the authenticator, or that was typed before.
    pub name: &'a str,
    /// The name under which the app will show the account.
    pub issuer: &'a str,
    /// What policy demands. "Later" is offered unless it demands an authenticator now.
    pub wanted: Wanted,
    /// The fault in the name.
    pub wrong: Option<Unaccepted>,
}

/// Asks for the name of one more authenticator.
pub struct Add<'a> {
    /// What was typed before.
    pub name: &'a str,
    /// The fault in the name.
    pub wrong: Option<Unaccepted>,
}

/// Asks for the name of a new authenticator that replaces all others.
pub struct Replace<'a> {
    /// The name that is proposed or was typed before.
    pub name: &'a str,
    /// The authenticators that will stop working.
    pub goes: &'a [Name],
    /// The fault in the name.
    pub wrong: Option<Unaccepted>,
}

/// Asks whether to remove an authenticator.
pub struct Remove<'a> {
    /// The name of the authenticator.
    pub name: &'a Name,
    /// Whether it is the last one.
    pub is_last: bool,
}

/// Asks whether to make new recovery codes.
pub struct NewCodes {
    /// The number of old ones that are left.
    pub left: u32,
}

/// Why a name for an authenticator is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unaccepted {
    /// Nothing was typed.
    Empty,
    /// The name is too long, or has characters that cannot be shown.
    NotAName,
    /// Another authenticator has this name.
    Taken,
}

/// Shows the key of the new device and asks for a code of it. A secret.
///
/// After a wrong code the same page appears, with what the code says.
pub struct Enrol<'a> {
    /// [`super::Field::CONVERSATION`].
    pub conversation: &'a str,
    /// The user, for the URI.
    pub user: &'a str,
    /// The name under which the app will show the account.
    pub issuer: &'a str,
    /// The change in progress.
    pub change: &'a Change,
    /// The authenticators that the change removes: `Turn::Begun`.
    pub goes: &'a [Name],
    /// The new authenticator: `Turn::Offer`.
    pub device: &'a Authenticator,
    /// The result of the last code, and the tries that are left: `Turn::Checked`.
    pub checked: Option<(Proof, u32)>,
}

/// Shows new recovery codes, and asks whether they are kept. A secret.
pub struct Codes<'a> {
    /// [`super::Field::CONVERSATION`].
    pub conversation: &'a str,
    /// The owner of the codes.
    pub user: &'a str,
    /// The machine that the sheet names.
    pub machine: &'a str,
    /// The codes: `Turn::Codes`. Never empty: if there are none, the server answers `Reply::Keep` at once.
    pub codes: &'a [RecoveryCode],
    /// When they were made.
    pub issued: UnixTime,
    /// Whether the form came without the box ticked.
    pub unticked: bool,
    /// Whether the codes belong to a new device, and not to `RecoveryCodes` alone.
    pub with_device: bool,
}

impl Codes<'_> {
    /// The name of the file with the codes.
    pub const FILE_NAME: &'static str = "recovery-codes.txt";

    /// Returns the content of that file. A secret.
    #[must_use]
    pub fn sheet(&self, zone: &Zone, language: Language) -> Zeroizing<String> {
        let issued = zone.at(self.issued);
        recovery_sheet::reveal((self.user, self.machine), language, self.codes, issued)
    }
}

impl Unaccepted {
    const fn label(self) -> Label {
        match self {
            Self::Empty => Label::NameEmpty,
            Self::NotAName => Label::NameWrong,
            Self::Taken => Label::NameTaken,
        }
    }
}

/// The page that asks for a name.
#[derive(Template)]
#[template(path = "name.html")]
struct NameView<'a> {
    shell: Shell<'a>,
    lead: Vec<String>,
    warning: Option<String>,
    name: &'a str,
    wrong: Option<Label>,
    button: Label,
    later: bool,
    back: bool,
}

impl<'a> NameView<'a> {
    fn new(
        frame: &'a Frame<'a>,
        (title, at): (Label, &'static str),
        (name, wrong): (&'a str, Option<Unaccepted>),
    ) -> Self {
        let mut shell = frame.shell(frame.say(title), at);
        shell.has_error = wrong.is_some();
        Self {
            shell,
            lead: Vec::new(),
            warning: None,
            name,
            wrong: wrong.map(Unaccepted::label),
            button: Label::Continue,
            later: false,
            back: true,
        }
    }
}

/// Returns the sentence about what policy demands; `None`: it demands nothing.
pub(super) fn wanted_line(frame: &Frame<'_>, wanted: Wanted) -> Option<String> {
    match wanted {
        Wanted::Nothing => None,
        Wanted::From(deadline) => {
            let when = frame.moment(deadline);
            let days = days_left(frame.now, deadline);
            Some(frame.line(Line::Deadline { when: &when, days }))
        }
        Wanted::Now => Some(frame.say(Label::DemandedNow).to_owned()),
    }
}

impl Page for SetUp<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let (user, issuer) = (frame.user.unwrap_or_default(), self.issuer);
        let mut view = NameView::new(frame, (Label::SetUp, Path::SET_UP), (self.name, self.wrong));
        view.lead = vec![
            frame.say(Label::WhySetUp).to_owned(),
            frame.line(Line::Opening { user, issuer }),
        ];
        view.warning = wanted_line(frame, self.wanted);
        view.button = Label::SetUpNow;
        view.later = self.wanted != Wanted::Now;
        view.back = false;
        written(&view, 0)
    }
}

impl Page for Add<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let mut view = NameView::new(frame, (Label::Add, Path::ADD), (self.name, self.wrong));
        view.lead.push(frame.say(Label::AddOpening).to_owned());
        written(&view, 0)
    }
}

impl Page for Replace<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let names: Vec<&str> = self.goes.iter().map(Name::as_str).collect();
        let names = names.join(", ");
        let mut view = NameView::new(
            frame,
            (Label::Replace, Path::REPLACE),
            (self.name, self.wrong),
        );
        view.lead.push(frame.say(Label::ReplaceOpening).to_owned());
        if !self.goes.is_empty() {
            view.warning = Some(frame.dialogue(Dialogue::Replaces { names: &names }));
        }
        written(&view, 0)
    }
}

/// The page that asks for a confirmation.
#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmView<'a> {
    shell: Shell<'a>,
    lead: Vec<String>,
    name: Option<&'a str>,
    button: Label,
    grave: bool,
}

impl Page for Remove<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let name = self.name.as_str();
        let last = self.is_last;
        let view = ConfirmView {
            shell: frame.shell(frame.say(Label::Remove), Path::REMOVE),
            lead: vec![frame.line(Line::Removes { name, last })],
            name: Some(name),
            button: Label::RemoveShort,
            grave: true,
        };
        written(&view, 0)
    }
}

impl Page for NewCodes {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let left = self.left;
        let view = ConfirmView {
            shell: frame.shell(frame.say(Label::NewCodes), Path::NEW_CODES),
            lead: vec![
                frame.line(Line::CodesLeftOnly { left }),
                frame.say(Label::OldCodesGo).to_owned(),
            ],
            name: None,
            button: Label::NewCodes,
            grave: false,
        };
        written(&view, 0)
    }
}

#[derive(Template)]
#[template(path = "enrol.html")]
struct EnrolView<'a> {
    shell: Shell<'a>,
    page: &'a Enrol<'a>,
    opening: String,
    key: Key<'a>,
    code_label: String,
    wrong: Vec<String>,
}

impl Page for Enrol<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let Self {
            user,
            issuer,
            change,
            goes,
            device,
            ..
        } = *self;
        let uri = otpauth::reveal_uri(device, issuer, user);
        let key = device.secret.reveal_bytes();
        let (lines, plain) = (base32::reveal_in_groups(key), base32::reveal(key));
        let groups = lines.iter().flat_map(|line| line.split(' '));
        let settings = frame.dialogue(Dialogue::Settings(device));
        let key = Key::of(frame, groups.collect(), &plain, &uri, settings);
        let digits = device.digits.count();
        let wrong = self
            .checked
            .map(|checked| wrong(frame, device, checked))
            .unwrap_or_default();
        let mut shell = frame.shell(frame.say(title_of(change, goes)), Path::CHANGE);
        shell.has_error = !wrong.is_empty();
        let room = key.room();
        let view = EnrolView {
            shell,
            page: self,
            opening: frame.line(Line::Opening { user, issuer }),
            key,
            code_label: without_colon(&frame.dialogue(Dialogue::CodeQuestion { digits })),
            wrong,
        };
        written(&view, room)
    }
}

/// Returns what is wrong with a code, in the words of the dialogue, and how many tries are left.
fn wrong(frame: &Frame<'_>, device: &Authenticator, (proof, left): (Proof, u32)) -> Vec<String> {
    let digits = device.digits.count();
    let said = match proof {
        Proof::Right => return Vec::new(),
        Proof::Behind(by) => Dialogue::ClockBehind(by),
        Proof::Ahead(by) => Dialogue::ClockAhead(by),
        Proof::Ignores(settings) => Dialogue::Ignores(settings, device),
        Proof::NoMatch => Dialogue::NoMatch,
        Proof::NotACode => Dialogue::NotACode { digits },
    };
    vec![
        frame.dialogue(said),
        frame.dialogue(Dialogue::TriesLeft(left)),
    ]
}

/// Turns the words that a terminal shows before a value into a heading.
pub(super) fn without_colon(text: &str) -> String {
    text.trim_end().trim_end_matches(':').to_owned()
}

#[derive(Template)]
#[template(path = "codes.html")]
struct CodesView<'a> {
    shell: Shell<'a>,
    page: &'a Codes<'a>,
    usage: String,
    once: String,
    title: String,
    codes: Vec<Zeroizing<String>>,
    file: String,
}

impl Page for Codes<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let mut shell = frame.shell(frame.say(Label::KeepCodes), Path::CHANGE);
        shell.has_error = self.unticked;
        let view = CodesView {
            shell,
            page: self,
            usage: frame.dialogue(Dialogue::CodesUse),
            once: frame.dialogue(Dialogue::CodesOnce),
            title: frame.dialogue(Dialogue::CodesTitle {
                user: self.user,
                host: self.machine,
                issued: &frame.moment(self.issued),
            }),
            codes: self.codes.iter().map(RecoveryCode::reveal).collect(),
            file: with_conversation(Path::CHANGE_SHEET, self.conversation),
        };
        written(&view, 128 * self.codes.len())
    }
}
