//! What the script of an enrolment needs: a person to show and ask, and a change in progress.

use otp_core::layout::wrap;
use otp_core::messages::enrol::Dialogue;
use otp_core::qr::{Colours, Style};
use otp_core::record::{Language, Name};
use otp_core::recovery::RecoveryCode;
use otp_core::{Authenticator, UnixTime, Zone};
use otp_store::change::{Kept, Proof};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// Text that a person typed. It is wiped on drop.
pub type Typed = Zeroizing<Vec<u8>>;

/// The place where the script is played: a login, a terminal.
pub trait Stage {
    /// Why the script cannot go on: no answer, or the person left.
    type Stop;

    /// Shows a sentence.
    ///
    /// # Errors
    /// The sentence cannot be shown.
    fn tell(&mut self, sentence: Dialogue<'_>) -> Result<(), Self::Stop>;

    /// Shows a block of its own, which may hold a secret. The text is wiped from memory afterwards.
    ///
    /// # Errors
    /// The block cannot be shown.
    fn show(&mut self, block: &Block<'_>) -> Result<(), Self::Stop>;

    /// Asks a question; the typed text is visible.
    ///
    /// # Errors
    /// There was no answer.
    fn ask(&mut self, question: Dialogue<'_>) -> Result<Typed, Self::Stop>;

    /// Returns the surface that a QR code is drawn on.
    fn surface(&self) -> Surface;

    /// Returns the current time.
    ///
    /// # Errors
    /// The clock cannot be used.
    fn now(&mut self) -> Result<UnixTime, Self::Stop>;

    /// Returns the time zone of this machine, in which times are told.
    fn zone(&self) -> Zone;

    /// Makes a picture of the QR code before the key is shown, if one is wanted. Returns its path if the person must
    /// be told.
    ///
    /// # Errors
    /// The picture cannot be made.
    fn picture(&mut self, _uri: &str) -> Result<Option<String>, Self::Stop> {
        Ok(None)
    }

    /// Saves the sheet of recovery codes after it was shown, if that is wanted.
    ///
    /// # Errors
    /// The sheet cannot be saved, or the person cannot be asked.
    fn save(&mut self, _sheet: &Zeroizing<String>) -> Result<(), Self::Stop> {
        Ok(())
    }

    /// Tells the person the result. The change is already stored.
    ///
    /// # Errors
    /// The sentence cannot be shown.
    fn conclude(&mut self, result: Dialogue<'_>) -> Result<(), Self::Stop>;
}

/// A change of which nothing is stored before [`keep`](Self::keep); this process makes it, or the helper leads it.
pub trait Underway<S: Stage> {
    /// Returns the authenticators that the change removes.
    fn goes(&self) -> &[Name];

    /// Returns the new device, if there is one.
    fn device(&self) -> Option<&Authenticator>;

    /// Checks a typed code of the new device; also returns how many more codes may be typed.
    ///
    /// # Errors
    /// The code cannot be checked.
    fn prove(&mut self, typed: Typed, stage: &mut S) -> Result<(Proof, u32), S::Stop>;

    /// Returns the new recovery codes, to be shown once.
    fn codes(&self) -> &[RecoveryCode];

    /// Stores the change: its device is proven, its recovery codes are kept.
    ///
    /// # Errors
    /// The change is now refused, cannot be made, or may have been made without an answer.
    fn keep(self, stage: &mut S) -> Result<Kept, S::Stop>;
}

/// The surface that a QR code is drawn on.
#[derive(Clone, Copy, Debug)]
pub struct Surface {
    /// The number of columns.
    pub columns: usize,
    /// The number of lines.
    pub lines: usize,
    /// Whether the size is measured; otherwise it is only the size that every terminal has.
    pub is_measured: bool,
    /// The style of a drawing.
    pub style: Style,
    /// Whether the surface joins lines and shortens runs of spaces: then no text may depend on where a line ends.
    pub joins_lines: bool,
    /// The colours that the surface can show.
    pub colours: Colours,
}

/// A block of its own on the screen.
pub enum Block<'a> {
    /// The sentence that says what follows.
    Opening(Dialogue<'a>),
    /// The key, in all its forms.
    Key(&'a [KeyLine<'a>]),
    /// The QR code, each line ended by a line feed.
    Drawing(&'a str),
    /// The recovery codes, each line ended by a line feed.
    Sheet(&'a str),
}

/// One line of the block that shows the key.
#[derive(Clone, Copy)]
pub enum KeyLine<'a> {
    /// A sentence.
    Sentence(Dialogue<'a>),
    /// A secret beside its label; a secret of several lines stands below the label.
    Secret(Dialogue<'a>, &'a [&'a str]),
}

impl Block<'_> {
    /// Returns the text of the block as one line, its parts separated by a sign, in memory that is wiped.
    #[must_use]
    pub fn reveal_in_one_line(&self, language: Language) -> Zeroizing<String> {
        let text = self.reveal(language, usize::MAX);
        let mut parts: Vec<Cow<'_, str>> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            // A line that continues below its label stays with it.
            let divider = match (parts.is_empty(), line.starts_with(' ')) {
                (true, _) => "",
                (false, true) => " ",
                (false, false) => DIVIDER,
            };
            parts.extend([divider.into(), line.trim().into()]);
        }
        joined(&parts)
    }

    /// Returns the text of the block, with an empty line above it and each line ended, in memory that is wiped.
    /// Sentences are wrapped to the width.
    #[must_use]
    pub fn reveal(&self, language: Language, columns: usize) -> Zeroizing<String> {
        // Secrets are borrowed until the whole text is made.
        let mut parts: Vec<Cow<'_, str>> = Vec::new();
        let lines = match self {
            Self::Drawing(text) | Self::Sheet(text) => {
                return joined(&["\n".into(), (*text).into()]);
            }
            Self::Opening(sentence) => &[KeyLine::Sentence(*sentence)],
            Self::Key(lines) => *lines,
        };
        for line in lines {
            let (KeyLine::Sentence(sentence) | KeyLine::Secret(sentence, _)) = line;
            let text = sentence.text(language);
            parts.push("\n".into());
            match line {
                KeyLine::Sentence(_) => parts.push(wrap(&text, columns).into()),
                KeyLine::Secret(_, [secret]) => {
                    parts.extend([text.into(), " ".into(), (*secret).into()]);
                }
                KeyLine::Secret(_, below) => {
                    parts.push(wrap(&text, columns).into());
                    for secret in *below {
                        parts.extend(["\n    ".into(), (*secret).into()]);
                    }
                }
            }
        }
        parts.push("\n".into());
        joined(&parts)
    }
}

/// The sign that separates two parts on one line.
pub const DIVIDER: &str = " | ";

/// Joins the parts into one text. Its capacity is set first, so that growing leaves no copy of a secret behind.
fn joined(parts: &[Cow<'_, str>]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(
        parts.iter().map(|part| part.len()).sum(),
    ));
    for part in parts {
        text.push_str(part);
    }
    text
}
