//! The frame of every page.

use super::Path;
use askama::Template;
use otp_core::messages::Message;
use otp_core::messages::enrol::Dialogue;
use otp_core::messages::portal::{Label, Line};
use otp_core::record::Language;
use otp_core::{UnixTime, Zone};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Borrow;
use zeroize::Zeroizing;

/// A complete HTML document. It is wiped on drop, because some hold a key or recovery codes.
pub type Html = Zeroizing<String>;

/// A page that can be rendered.
pub trait Page {
    /// Renders the complete document.
    fn render(&self, frame: &Frame<'_>) -> Html;
}

/// What every page shows around its content, and what its forms carry.
pub struct Frame<'a> {
    /// The language of the page.
    pub language: Language,
    /// The name of the portal as its users know it: `login.example.org`, or the configured name.
    pub site: &'a str,
    /// The logged-in user. If there is one, the page has links to the other pages and a button to log out.
    pub user: Option<&'a str>,
    /// The token in every form, against requests from other sites. Printable ASCII.
    pub csrf: &'a str,
    /// Path and query that show this page again by GET. The switch of language returns there. `None`: the page has no
    /// switch.
    pub here: Option<&'a str>,
    /// The zone in which times are told, with UTC beside it.
    pub zone: &'a Zone,
    /// The present time.
    pub now: UnixTime,
}

/// The links to other pages.
pub(super) const LINKS: [(&str, Label); 3] = [
    (Path::HOME, Label::Overview),
    (Path::EVENTS, Label::Activity),
    (Path::SESSIONS, Label::Sessions),
];

/// What a page gives to its frame, for the templates.
pub(super) struct Shell<'a> {
    pub frame: &'a Frame<'a>,
    /// The heading, which is also the first part of the document's title.
    pub title: &'a str,
    /// Whether the page shows an error. Its title then begins with that, because screen readers read the title first.
    pub has_error: bool,
    /// The path of the page, if one of the links leads to it.
    pub at: &'static str,
}

impl Shell<'_> {
    /// Returns a label's text. Templates pass labels by value or by reference.
    pub fn say(&self, label: impl Borrow<Label>) -> &'static str {
        label.borrow().text(self.frame.language)
    }

    pub fn document_title(&self) -> String {
        let Self { title, frame, .. } = self;
        let site = frame.site;
        if self.has_error {
            format!("{}: {title} - {site}", self.say(Label::Error))
        } else {
            format!("{title} - {site}")
        }
    }

    /// Returns the other language: its tag, its own name, and the link that switches to it.
    pub fn other_language(&self) -> Option<(&'static str, &'static str, String)> {
        let here = utf8_percent_encode(self.frame.here?, NON_ALPHANUMERIC);
        let (other, name) = match self.frame.language {
            Language::English => (Language::Korean, "\u{d55c}\u{ad6d}\u{c5b4}"),
            Language::Korean => (Language::English, "English"),
        };
        let tag = other.tag();
        Some((
            tag,
            name,
            format!("{}?to={tag}&back={here}", Path::LANGUAGE),
        ))
    }
}

impl<'a> Frame<'a> {
    pub(super) fn shell(&'a self, title: &'a str, at: &'static str) -> Shell<'a> {
        Shell {
            frame: self,
            title,
            has_error: false,
            at,
        }
    }

    pub(super) fn say(&self, label: Label) -> &'static str {
        label.text(self.language)
    }

    pub(super) fn line(&self, line: Line<'_>) -> String {
        line.text(self.language)
    }

    /// Returns a message of a login, in the words for a browser.
    pub(super) fn message(&self, message: Message) -> String {
        message.text_in_a_browser(self.language)
    }

    pub(super) fn dialogue(&self, sentence: Dialogue<'_>) -> String {
        sentence.text(self.language)
    }

    /// A moment, as it is told on the pages.
    pub(super) fn moment(&self, moment: UnixTime) -> String {
        self.zone.at(moment).minute(self.language)
    }
}

/// Memory that each page needs in addition to its values, in bytes.
const ROOM: usize = 16 * 1024;

/// Renders a page into a buffer of sufficient size. A buffer that grows would leave copies of secrets behind.
pub(super) fn written(template: &impl Template, room: usize) -> Html {
    let mut html = Zeroizing::new(String::with_capacity(ROOM + room));
    let made = html.capacity();
    let written = template.render_into(&mut *html);
    written.expect("a String takes every write");
    debug_assert_eq!(
        html.capacity(),
        made,
        "a page that grew has left a copy behind"
    );
    html
}

/// Returns a path with the conversation that it is about.
pub(super) fn with_conversation(path: &str, conversation: &str) -> String {
    let conversation = utf8_percent_encode(conversation, NON_ALPHANUMERIC);
    format!("{path}?{}={conversation}", super::Field::CONVERSATION)
}
