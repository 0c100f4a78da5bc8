//! What the script of an enrolment needs: somebody to show and ask, and a change that is being made.

use otp_core::layout::wrap;
use otp_core::messages::enrol::Dialogue;
use otp_core::qr::{Colours, Style};
use otp_core::record::{Language, Name};
use otp_core::recovery::RecoveryCode;
use otp_core::{Authenticator, UnixTime};
use otp_store::change::{Kept, Proof};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// What a person typed. Wiped on drop.
pub type Typed = Zeroizing<Vec<u8>>;

/// Where the script is played: a login, a terminal.
pub trait Stage {
    /// Why the script cannot go on: nobody answers, the person left.
    type Stop;

    /// Shows a sentence.
    ///
    /// # Errors
    /// It cannot be shown.
    fn tell(&mut self, sentence: Dialogue<'_>) -> Result<(), Self::Stop>;

    /// Shows something that stands by itself and may hold a secret. It is wiped from memory afterwards.
    ///
    /// # Errors
    /// It cannot be shown.
    fn show(&mut self, block: &Block<'_>) -> Result<(), Self::Stop>;

    /// Asks, with what is typed in sight.
    ///
    /// # Errors
    /// There was no answer.
    fn ask(&mut self, question: Dialogue<'_>) -> Result<Typed, Self::Stop>;

    /// What a QR code is to be drawn on.
    fn surface(&self) -> Surface;

    /// The time now.
    ///
    /// # Errors
    /// The clock cannot be used.
    fn now(&mut self) -> Result<UnixTime, Self::Stop>;

    /// Makes a picture of the QR code, where one is wanted, before the key is shown; its path, where that is to be told.
    ///
    /// # Errors
    /// It cannot be made.
    fn picture(&mut self, _uri: &str) -> Result<Option<String>, Self::Stop> {
        Ok(None)
    }

    /// Saves the sheet of recovery codes, where that is wanted, after it was shown.
    ///
    /// # Errors
    /// It cannot be saved, or the person cannot be asked.
    fn save(&mut self, _sheet: &Zeroizing<String>) -> Result<(), Self::Stop> {
        Ok(())
    }

    /// Says what was done. The change lasts by now.
    ///
    /// # Errors
    /// It cannot be said.
    fn conclude(&mut self, result: Dialogue<'_>) -> Result<(), Self::Stop>;
}

/// A change of which nothing lasts before [`keep`](Self::keep), made by this process or led by the helper.
pub trait Underway<S: Stage> {
    /// The authenticators that will have stopped working.
    fn goes(&self) -> &[Name];

    /// The new device, where there is one.
    fn device(&self) -> Option<&Authenticator>;

    /// What a typed code of the new device says, and how many more may be typed.
    ///
    /// # Errors
    /// It cannot be checked.
    fn prove(&mut self, typed: Typed, stage: &mut S) -> Result<(Proof, u32), S::Stop>;

    /// The new recovery codes, to be shown once.
    fn codes(&self) -> &[RecoveryCode];

    /// Makes the change last: its device is proven, its recovery codes are kept.
    ///
    /// # Errors
    /// It is refused by now, or cannot be made, or nobody knows whether it was made.
    fn keep(self, stage: &mut S) -> Result<Kept, S::Stop>;
}

/// What a QR code is drawn on.
#[derive(Clone, Copy, Debug)]
pub struct Surface {
    /// Its columns.
    pub columns: usize,
    /// Its lines.
    pub lines: usize,
    /// Whether that is its size; else it is only what every terminal has.
    pub is_measured: bool,
    /// How to draw.
    pub style: Style,
    /// Whether lines are joined there and runs of spaces lost: then nothing may rest on where a line ends.
    pub joins_lines: bool,
    /// What colours it takes.
    pub colours: Colours,
}

/// What stands by itself on the screen.
pub enum Block<'a> {
    /// What this is about.
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
    /// A secret beside its label; one of several lines stands below.
    Secret(Dialogue<'a>, &'a [&'a str]),
}

impl Block<'_> {
    /// The text of the block as one line, its parts divided by a sign, in memory that is wiped.
    #[must_use]
    pub fn reveal_in_one_line(&self, language: Language) -> Zeroizing<String> {
        let text = self.reveal(language, usize::MAX);
        let mut parts: Vec<Cow<'_, str>> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            // What goes on below its label stays with it.
            let divider = match (parts.is_empty(), line.starts_with(' ')) {
                (true, _) => "",
                (false, true) => " ",
                (false, false) => DIVIDER,
            };
            parts.extend([divider.into(), line.trim().into()]);
        }
        joined(&parts)
    }

    /// The text of the block, an empty line above it and each line ended, in memory that is wiped. Sentences are broken
    /// to fit.
    #[must_use]
    pub fn reveal(&self, language: Language, columns: usize) -> Zeroizing<String> {
        // What is a secret is borrowed until the text as a whole is made.
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

/// What divides two things on one line.
pub const DIVIDER: &str = " | ";

/// The parts as one text, sized beforehand, so that no copy of a secret is left behind by growing.
fn joined(parts: &[Cow<'_, str>]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(
        parts.iter().map(|part| part.len()).sum(),
    ));
    for part in parts {
        text.push_str(part);
    }
    text
}
