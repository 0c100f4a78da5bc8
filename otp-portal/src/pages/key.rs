//! A new key in every form that an app takes: a picture to scan, and texts to type or copy.

use super::change::without_colon;
use super::texts::SCHEME;
use super::{Frame, picture};
use otp_core::messages::enrol::Dialogue;
use otp_core::messages::portal::Label;
use otp_core::record::Language;
use zeroize::Zeroizing;

/// What a page shows of a key. A secret.
pub(super) struct Key<'a> {
    /// What to do with the key.
    pub scan: String,
    /// The QR code, if the URI fits into one.
    pub svg: Option<Zeroizing<String>>,
    /// The URI in the QR code.
    pub uri: &'a str,
    /// The key in groups, to type.
    pub groups: Vec<&'a str>,
    /// The key in one piece, to copy.
    pub plain: &'a str,
    /// The settings that an app may ask for.
    pub settings: String,
    /// The heading of the key in groups.
    pub label: String,
    /// The heading of the key in one piece.
    pub plain_label: String,
    /// The heading of the URI.
    pub uri_label: String,
}

impl<'a> Key<'a> {
    /// Makes the texts for a key.
    pub fn of(
        frame: &Frame<'_>,
        groups: Vec<&'a str>,
        plain: &'a str,
        uri: &'a str,
        settings: String,
    ) -> Self {
        let svg = picture::reveal_svg(uri, frame.say(Label::Picture));
        let heading = |sentence| without_colon(&frame.dialogue(sentence));
        Self {
            scan: frame.dialogue(if svg.is_some() {
                Dialogue::Scan
            } else {
                Dialogue::GiveKey
            }),
            svg,
            uri,
            groups,
            plain,
            settings,
            label: heading(Dialogue::Key),
            plain_label: heading(Dialogue::PlainKey),
            uri_label: heading(Dialogue::Uri),
        }
    }

    /// Reads a key from the texts of an enrolment at login, in one line or several, in either language; `None`: the
    /// text is something else. All parts must be there, in their order, and must be forms of one key. So the page
    /// leaves out nothing that another module says.
    pub fn told(frame: &Frame<'_>, text: &'a str) -> Option<Self> {
        let (groups, plain, uri, settings) = Language::ALL
            .into_iter()
            .find_map(|language| read(text, language))?;
        Some(Self::of(frame, groups, plain, uri, settings))
    }

    /// Returns the memory that the key needs in a page.
    pub fn room(&self) -> usize {
        let picture = self.svg.as_ref().map_or(0, |svg| svg.len());
        18 * self.uri.len() + picture + 6 * self.settings.len() + 4096
    }
}

/// Splits a text into the key in groups, the key in one piece, the URI, and the settings.
fn read(text: &str, language: Language) -> Option<(Vec<&str>, &str, &str, String)> {
    // In the form with one line, a character of its own separates the parts.
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| *word != "|")
        .collect();
    let after = |words: &mut &[&str], sentence: Dialogue<'_>| {
        let sentence = sentence.text(language);
        for expected in sentence.split_whitespace() {
            let (word, rest) = words.split_first()?;
            *words = rest;
            (*word == expected).then_some(())?;
        }
        Some(())
    };
    let lead = [Dialogue::Scan, Dialogue::GiveKey];
    let mut rest = lead.into_iter().find_map(|sentence| {
        let mut rest = words.as_slice();
        after(&mut rest, sentence)?;
        after(&mut rest, Dialogue::Key)?;
        Some(rest)
    })?;
    let count = rest.iter().take_while(|word| is_group(word)).count();
    let (groups, below) = rest.split_at(count);
    rest = below;
    after(&mut rest, Dialogue::PlainKey)?;
    let (plain, below) = rest.split_first()?;
    rest = below;
    after(&mut rest, Dialogue::Uri)?;
    let (uri, settings) = rest.split_first()?;
    let in_groups = groups.iter().flat_map(|group| group.bytes());
    let is_one_key = !groups.is_empty() && in_groups.eq(plain.bytes());
    let secret = uri.strip_prefix(SCHEME)?.split(['?', '&']);
    let is_in_uri = secret
        .filter_map(|pair| pair.strip_prefix("secret="))
        .eq([*plain]);
    (is_one_key && is_in_uri && is_about_settings(settings, language))
        .then(|| (groups.to_vec(), *plain, *uri, settings.join(" ")))
}

fn is_group(word: &str) -> bool {
    word.len() <= 4
        && word
            .bytes()
            .all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
}

/// Whether these are the words about settings. All words after the URI are shown unchanged.
fn is_about_settings(words: &[&str], language: Language) -> bool {
    let label = match language {
        Language::English => "Settings:",
        Language::Korean => "설정:",
    };
    words.first() == Some(&label)
}
