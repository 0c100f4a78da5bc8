//! The texts of PAM, in the words of the module that says them.

use super::key::Key;
use super::{Frame, picture};
use otp_core::layout::wrap;
use otp_core::messages::enrol::Dialogue;
use otp_core::messages::portal::Label;
use otp_core::record::Language;
use otp_core::recovery::RecoveryCode;
use zeroize::Zeroizing;

/// A part of the texts.
pub(super) enum Part<'a> {
    /// A sentence. Lines that a module broke for a terminal are joined.
    Paragraph(Zeroizing<String>),
    /// Several lines, unchanged.
    Block(&'a str),
    /// A URI for an app, and its QR code.
    Picture(&'a str, Zeroizing<String>),
    /// A new key, in every form.
    Key(Key<'a>),
    /// A sheet of recovery codes.
    Sheet(Sheet<'a>),
}

/// The content of a sheet of recovery codes.
pub(super) struct Sheet<'a> {
    /// The title, which names the owner.
    pub title: &'a str,
    /// The codes, in their order.
    pub codes: Vec<&'a str>,
    /// What the codes are for.
    pub usage: &'a str,
}

/// The widths at which modules break lines.
const COLUMNS: [usize; 2] = [79, 80];

/// The beginning of a URI for authenticator apps.
pub(super) const SCHEME: &str = "otpauth://";

/// Splits texts into parts, in their order. A QR code follows each text with a URI.
pub(super) fn parts<'a>(texts: &'a [Zeroizing<String>], frame: &Frame<'_>) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    for text in texts {
        let text = text.trim_matches('\n').trim_end();
        if text.trim().is_empty() {
            continue;
        }
        if let Some(sheet) = Sheet::of(text) {
            parts.push(Part::Sheet(sheet));
            continue;
        }
        // Only one key per page: users could not tell two apart.
        if !parts.iter().any(|part| matches!(part, Part::Key(_)))
            && let Some(key) = Key::told(frame, text)
        {
            parts.push(Part::Key(key));
            continue;
        }
        let joined = Zeroizing::new(text.replace('\n', " "));
        // The sentence asks for a word, but the page has a box.
        if is_one_of(&joined, Dialogue::NotKept) {
            let said = frame.say(Label::KeptMissing).to_owned();
            parts.push(Part::Paragraph(Zeroizing::new(said)));
            continue;
        }
        let is_broken_for_a_terminal = COLUMNS
            .iter()
            .any(|&columns| wrap(&joined, columns) == text);
        parts.push(if is_broken_for_a_terminal || !text.contains('\n') {
            Part::Paragraph(joined)
        } else {
            Part::Block(text)
        });
        let uris = text
            .split_whitespace()
            .filter(|word| word.starts_with(SCHEME));
        for uri in uris {
            if let Some(svg) = picture::reveal_svg(uri, frame.say(Label::Picture)) {
                parts.push(Part::Picture(uri, svg));
            }
        }
    }
    parts
}

/// Returns the memory that the parts need in a page: escaping makes a text at most six times as long.
pub(super) fn room(parts: &[Part<'_>]) -> usize {
    let of = |part: &Part<'_>| match part {
        Part::Paragraph(text) => 6 * text.len() + 64,
        Part::Block(text) => 6 * text.len() + 64,
        Part::Sheet(sheet) => {
            6 * (sheet.title.len() + sheet.usage.len()) + 128 * sheet.codes.len() + 2048
        }
        Part::Picture(uri, svg) => 6 * uri.len() + svg.len() + 512,
        Part::Key(key) => key.room(),
    };
    parts.iter().map(of).sum()
}

/// Returns the memory that unchanged texts need.
pub(super) fn room_of(texts: &[Zeroizing<String>]) -> usize {
    texts.iter().map(|text| 6 * text.len() + 64).sum()
}

fn is_one_of(text: &str, sentence: Dialogue<'_>) -> bool {
    let mut languages = Language::ALL.into_iter();
    languages.any(|language| sentence.text(language) == text)
}

/// Whether a text is a sheet of recovery codes.
pub(super) fn is_sheet(text: &str) -> bool {
    Sheet::of(text).is_some()
}

impl<'a> Sheet<'a> {
    /// Reads a sheet of `otp_core::recovery_sheet`, in either form and language; `None`: the text is something else. A
    /// sheet says what recovery codes are for and has at least one numbered code.
    fn of(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let usage = Language::ALL.into_iter().find_map(|language| {
            let usage = Dialogue::CodesUse.text(language);
            let begins = text.len().checked_sub(usage.len())?;
            text.get(begins..).filter(|end| *end == usage)
        })?;
        let above = &text[..text.len() - usage.len()];
        let title_ends = above.find('\n').or_else(|| above.find(": (1)"))?;
        let (title, below) = above.split_at(title_ends);
        let words =
            below.split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | ':' | '(' | ')'));
        let mut numbered = Vec::new();
        let mut number = None;
        for word in words.filter(|word| !word.is_empty()) {
            if let Some(number) = number.take() {
                let is_code = word.len() == 19 && RecoveryCode::parse(word.as_bytes()).is_some();
                numbered.push((number, Some(word).filter(|_| is_code)?));
            } else {
                number = Some(word.parse::<u8>().ok()?);
            }
        }
        numbered.sort_unstable_by_key(|&(number, _)| number);
        let codes: Vec<&str> = numbered.into_iter().map(|(_, code)| code).collect();
        (!codes.is_empty() && number.is_none()).then_some(Self {
            title,
            codes,
            usage,
        })
    }
}
