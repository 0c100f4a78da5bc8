//! The pages of a login: the name, then the questions of PAM.

use super::frame::{LINKS, Shell, written};
use super::question::Kind;
use super::texts::{Part, is_sheet, parts, room, room_of};
use super::{Codes, Field, Frame, Html, Page, Path, assets};
use askama::Template;
use otp_core::messages::Message;
use otp_core::messages::enrol::{Dialogue, KEPT, LATER};
use otp_core::messages::portal::{Label, Line};
use otp_core::record::Name;
use otp_store::change::Change;
use zeroize::Zeroizing;

/// Asks for the user name.
pub struct Login<'a> {
    /// The name that was typed before.
    pub user: &'a str,
    /// The site that the login leads to, and the path there.
    pub onwards: Option<(&'a str, &'a str)>,
    /// Why the last login failed.
    pub refused: Option<LoginRefused<'a>>,
}

/// Why a login failed.
#[derive(Clone, Copy)]
pub enum LoginRefused<'a> {
    /// PAM refused, with these texts (or none).
    Refused(&'a [Zeroizing<String>]),
    /// No user can have this name.
    NotAName,
    /// The login took too long.
    TimeIsOver,
    /// The user cancelled the login.
    Left,
}

/// The purpose of a question.
#[derive(Clone, Copy)]
pub enum Purpose<'a> {
    /// A login.
    Login {
        /// The name that was typed.
        user: &'a str,
    },
    /// The re-authentication before a change: `Turn::Begun`.
    Change {
        /// The change.
        change: &'a Change,
        /// The authenticators that the change removes.
        goes: &'a [Name],
        /// Whether the change removes recovery codes of another program.
        imported_codes_go: bool,
    },
}

/// A question of PAM, with the texts before it.
///
/// A line with an `otpauth://` URI also appears as a QR code, and a sheet of recovery codes can be saved. If a module
/// enrols at login, this page shows secrets.
pub struct Question<'a> {
    /// [`super::Field::CONVERSATION`].
    pub conversation: &'a str,
    /// The purpose.
    pub purpose: Purpose<'a>,
    /// The texts of PAM since the last answer, in their order.
    pub texts: &'a [Zeroizing<String>],
    /// The question.
    pub prompt: &'a str,
    /// Whether what is typed may be seen.
    pub echo: bool,
}

impl Question<'_> {
    /// Returns the sheet of recovery codes in the texts, if there is one: [`super::Path::LOGIN_SHEET`]. A secret.
    #[must_use]
    pub fn sheet(&self) -> Option<&str> {
        let mut texts = self.texts.iter().map(|text| text.as_str());
        texts.find(|text| is_sheet(text))
    }
}

/// Shows what PAM has said at the end of a login that was let in, before the pages that follow.
pub struct Said<'a> {
    /// What PAM said.
    pub texts: &'a [Zeroizing<String>],
    /// Where the login leads: a path of the portal, or the URL of a site.
    pub onwards: &'a str,
    /// Whether the user has an authenticator.
    pub enrolled: bool,
}

impl Said<'_> {
    /// Returns the page of the portal on which the user can do what the texts advise, unless the login leads there anyway.
    fn advised(&self, parts: &[Part<'_>]) -> Option<(&'static str, Label)> {
        let speaks_of_a_lost_device = parts.iter().any(|part| match part {
            Part::Paragraph(text) => Message::speaks_of_a_lost_device(text),
            Part::Block(_) | Part::Picture(..) | Part::Key(_) | Part::Sheet(_) => false,
        });
        let advised = match self.enrolled {
            true if speaks_of_a_lost_device => (Path::REPLACE, Label::Replace),
            true => return None,
            false => (Path::SET_UP, Label::SetUp),
        };
        Some(advised).filter(|(path, _)| *path != self.onwards)
    }
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginView<'a> {
    shell: Shell<'a>,
    page: &'a Login<'a>,
    onwards: Option<String>,
    refusal: Option<Refusal<'a>>,
    wrong: bool,
}

struct Refusal<'a> {
    title: &'a str,
    texts: Vec<&'a str>,
}

impl Page for Login<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let refusal = self.refused.and_then(|refused| {
            let (title, texts) = match refused {
                LoginRefused::NotAName => return None,
                LoginRefused::Refused([]) => {
                    (Label::RefusedTitle, vec![frame.say(Label::RefusedPlainly)])
                }
                LoginRefused::Refused(said) => (
                    Label::RefusedTitle,
                    said.iter().map(|text| text.as_str()).collect(),
                ),
                LoginRefused::TimeIsOver => {
                    (Label::RefusedTitle, vec![frame.say(Label::LoginTooLong)])
                }
                LoginRefused::Left => (Label::RefusedTitle, vec![frame.say(Label::Left)]),
            };
            Some(Refusal {
                title: frame.say(title),
                texts,
            })
        });
        let room = match self.refused {
            Some(LoginRefused::Refused(said)) => room_of(said),
            _ => 0,
        };
        let wrong = matches!(self.refused, Some(LoginRefused::NotAName));
        let mut shell = frame.shell(frame.say(Label::LogIn), Path::LOGIN);
        shell.has_error = wrong || refusal.is_some();
        let view = LoginView {
            shell,
            page: self,
            onwards: self
                .onwards
                .map(|(host, _)| frame.line(Line::Onwards { host })),
            refusal,
            wrong,
        };
        written(&view, room)
    }
}

#[derive(Template)]
#[template(path = "question.html")]
struct QuestionView<'a> {
    shell: Shell<'a>,
    page: &'a Question<'a>,
    who: Option<String>,
    user: Option<&'a str>,
    lead: Vec<String>,
    parts_of_texts: Vec<Part<'a>>,
    sheet_path: String,
    action: &'static str,
    cancel: &'static str,
    cancel_label: Label,
    label: &'a str,
    hidden: bool,
    kind: Kind,
    /// Whether the page shows a key to scan. Then the answer field must not take the focus, which would scroll past the
    /// key.
    shows_key: bool,
}

impl Page for Question<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let kind = Kind::of(self.prompt, self.echo);
        let parts = parts(self.texts, frame);
        let room = room(&parts);
        let (title, lead) = match self.purpose {
            Purpose::Login { .. } => (Label::LogIn, Vec::new()),
            Purpose::Change {
                change,
                goes,
                imported_codes_go,
            } => (
                title_of(change, goes),
                consequences(frame, change, goes, imported_codes_go),
            ),
        };
        let (who, user, action, cancel, cancel_label, sheet) = match self.purpose {
            Purpose::Login { user } => (
                Some(frame.line(Line::LoggingInAs { user })),
                Some(user),
                Path::LOGIN_QUESTION,
                Path::LOGIN_CANCEL,
                Label::NotYou,
                Path::LOGIN_SHEET,
            ),
            Purpose::Change { .. } => (
                None,
                frame.user,
                Path::CHANGE_ANSWER,
                Path::CHANGE_CANCEL,
                Label::CancelUnsaved,
                Path::CHANGE_SHEET,
            ),
        };
        let view = QuestionView {
            shell: frame.shell(frame.say(title), action),
            page: self,
            who,
            user: user.filter(|_| kind.is_password()),
            lead,
            shows_key: parts.iter().any(|part| matches!(part, Part::Key(_))),
            parts_of_texts: parts,
            sheet_path: super::frame::with_conversation(sheet, self.conversation),
            action,
            cancel,
            cancel_label,
            label: self
                .prompt
                .trim()
                .trim_end_matches([':', '\u{ff1a}'])
                .trim(),
            hidden: kind.is_hidden(self.echo),
            kind,
        };
        written(&view, room)
    }
}

/// Returns the title of a change that removes these authenticators.
pub(super) const fn title_of(change: &Change, goes: &[Name]) -> Label {
    match change {
        Change::Enrol(_) if goes.is_empty() => Label::SetUp,
        Change::Enrol(_) => Label::Replace,
        Change::Add(_) => Label::Add,
        Change::Remove(_) => Label::Remove,
        Change::RecoveryCodes => Label::NewCodes,
    }
}

/// Returns what a change will do, and that the user must prove their identity, in the words of the dialogue.
fn consequences(
    frame: &Frame<'_>,
    change: &Change,
    goes: &[Name],
    imported_codes_go: bool,
) -> Vec<String> {
    let names: Vec<&str> = goes.iter().map(Name::as_str).collect();
    let names = names.join(", ");
    let is_new = matches!(change, Change::Enrol(_) | Change::Add(_));
    let mut lead = Vec::new();
    if is_new && !goes.is_empty() {
        lead.push(frame.dialogue(Dialogue::Replaces { names: &names }));
    } else if let Change::Remove(_) = change {
        let user = frame.user.unwrap_or_default();
        lead.push(frame.dialogue(Dialogue::Removes { user, name: &names }));
    } else if *change == Change::RecoveryCodes {
        lead.push(frame.say(Label::OldCodesGo).to_owned());
    }
    if imported_codes_go && is_new && goes.is_empty() {
        lead.push(frame.dialogue(Dialogue::ImportedCodesReplaced));
    } else if imported_codes_go && !is_new && *change != Change::RecoveryCodes {
        lead.push(frame.say(Label::ImportedCodesGo).to_owned());
    }
    lead.push(frame.dialogue(Dialogue::ProveYourself));
    lead
}

#[derive(Template)]
#[template(path = "said.html")]
struct SaidView<'a> {
    shell: Shell<'a>,
    page: &'a Said<'a>,
    advised: Option<(&'static str, Label)>,
    parts_of_texts: Vec<Part<'a>>,
    sheet_path: String,
}

impl Page for Said<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let parts = parts(self.texts, frame);
        let room = room(&parts);
        let view = SaidView {
            shell: frame.shell(frame.say(Label::SaidTitle), Path::LOGIN),
            page: self,
            advised: self.advised(&parts),
            parts_of_texts: parts,
            sheet_path: Path::LOGIN_SHEET.to_owned(),
        };
        written(&view, room)
    }
}
