//! Enrolment as one script of sentences and questions, for logins and for `otp-enroll`.
//!
//! Nothing is stored before a code of the new device is proven and the person has typed a word, not just Enter, to
//! say that the recovery codes are kept. The script knows no terminal, no PAM and no file: the [`Stage`] does. The
//! script does not write records either: its caller makes the change, as an [`Underway`].

mod stage;

pub use stage::{Block, DIVIDER, KeyLine, Stage, Surface, Typed, Underway};

use otp_core::messages::enrol::{Dialogue, INVERTED, KEPT, LATER, is_word};
use otp_core::qr::{self, Canvas, Matrix, Style};
use otp_core::record::{Authenticator, Language, Name};
use otp_core::{base32, otpauth, recovery_sheet};
use otp_store::change::{Change, Proof};

/// The number of answers that a question for a word accepts. It ends the dialogue with a program that answers every
/// question.
pub const PATIENCE: u32 = 5;

/// The end of a script in which nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The change is stored.
    Done,
    /// The person wants to enrol later.
    Later,
    /// No code of the new device was right. Nothing was changed.
    NotProven,
    /// The person did not say that the recovery codes are kept. Nothing was changed.
    NotKept,
}

/// The authenticators and codes that stop working by a change.
pub struct Goes<'a> {
    /// The authenticators.
    pub authenticators: &'a [Name],
    /// Recovery codes of another program, of 8 digits.
    pub imported_codes: bool,
}

/// One enrolment, or another change of a user's authenticators.
pub struct Script<'a> {
    /// The user.
    pub user: &'a str,
    /// The issuer, under which apps show the account.
    pub issuer: &'a str,
    /// The name of the machine, for the sheet of recovery codes.
    pub machine: &'a str,
    /// The language of that sheet.
    pub language: Language,
}

impl Script<'_> {
    /// Plays the script for a person who wanted to log in and needs an authenticator. `can_wait`: "later" is accepted
    /// as an answer.
    ///
    /// `begin` starts the change, once the person has agreed to it.
    ///
    /// # Errors
    /// Whatever stops the stage or the change. Then nothing is stored, unless [`Underway::keep`] says that it may be.
    pub fn log_in<S: Stage, C: Underway<S>>(
        &self,
        stage: &mut S,
        can_wait: bool,
        begin: impl FnOnce(&mut S) -> Result<C, S::Stop>,
    ) -> Result<End, S::Stop> {
        let Self { user, issuer, .. } = *self;
        stage.show(&Block::Opening(Dialogue::LoginOpening { user, issuer }))?;
        if !may_begin(stage, can_wait)? {
            return Ok(End::Later);
        }
        let change = begin(stage)?;
        self.lead(stage, change)
    }

    /// Plays the script for a person who came to change their authenticators.
    ///
    /// `begin` starts the change, or continues it, once the person has read what it does.
    ///
    /// # Errors
    /// As for [`log_in`](Self::log_in).
    pub fn change<S: Stage, C: Underway<S>>(
        &self,
        stage: &mut S,
        (change, goes): (&Change, &Goes<'_>),
        begin: impl FnOnce(&mut S) -> Result<C, S::Stop>,
    ) -> Result<End, S::Stop> {
        let Self { user, issuer, .. } = *self;
        let names = goes
            .authenticators
            .iter()
            .map(Name::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        let names = names.as_str();
        let is_new = matches!(change, Change::Enrol(_) | Change::Add(_));
        stage.show(&Block::Opening(match change {
            Change::Enrol(_) | Change::Add(_) => Dialogue::Opening { user, issuer },
            Change::Remove(_) => Dialogue::Removes { user, name: names },
            Change::RecoveryCodes => Dialogue::NewCodes { user },
        }))?;
        let replaces = is_new && !goes.authenticators.is_empty();
        if replaces {
            stage.tell(Dialogue::Replaces { names })?;
        } else if goes.imported_codes && *change != Change::RecoveryCodes {
            stage.tell(if is_new {
                Dialogue::ImportedCodesReplaced
            } else {
                Dialogue::ImportedCodesGo
            })?;
        }
        let change = begin(stage)?;
        self.lead(stage, change)
    }

    /// Leads a change to its end, whatever it was started for.
    fn lead<S: Stage>(&self, stage: &mut S, mut change: impl Underway<S>) -> Result<End, S::Stop> {
        let drawing = match change.device() {
            Some(device) => self.show_key(stage, device)?,
            None => None,
        };
        if !prove(stage, &mut change, drawing)? {
            return Ok(End::NotProven);
        }
        if !self.hand_out(stage, &change)? {
            return Ok(End::NotKept);
        }
        self.keep(stage, change)?;
        Ok(End::Done)
    }

    /// Shows the key in every form that a device can take. The QR code comes last, so that on a small screen it is
    /// complete, with the question right below it.
    fn show_key<S: Stage>(
        &self,
        stage: &mut S,
        device: &Authenticator,
    ) -> Result<Option<Drawing>, S::Stop> {
        let uri = otpauth::reveal_uri(device, self.issuer, self.user);
        let picture = stage.picture(&uri)?;
        let what_to_do = match (stage.surface().style, &picture) {
            (Style::None, None) => Dialogue::GiveKey,
            (Style::Unicode | Style::Ascii, _) | (Style::None, Some(_)) => Dialogue::Scan,
        };
        let key = device.secret.reveal_bytes();
        let (groups, plain) = (base32::reveal_in_groups(key), base32::reveal(key));
        let groups: Vec<&str> = groups.iter().map(|line| line.as_str()).collect();
        stage.show(&Block::Key(&[
            KeyLine::Sentence(what_to_do),
            KeyLine::Secret(Dialogue::Key, &groups),
            KeyLine::Secret(Dialogue::PlainKey, &[&plain]),
            KeyLine::Secret(Dialogue::Uri, &[&uri]),
            KeyLine::Sentence(Dialogue::Settings(device)),
        ]))?;
        if let Some(path) = &picture {
            stage.tell(Dialogue::QrFile { path })?;
        }
        Drawing::show_first(stage, &uri)
    }

    /// Shows the recovery codes once, if there are any, and waits for the word that they are kept; `false`: the word
    /// did not come.
    fn hand_out<S: Stage>(
        &self,
        stage: &mut S,
        change: &impl Underway<S>,
    ) -> Result<bool, S::Stop> {
        if change.codes().is_empty() {
            return Ok(true);
        }
        let owner = (self.user, self.machine);
        let issued = stage.now()?;
        let issued = stage.zone().at(issued);
        let sheet = if stage.surface().joins_lines {
            recovery_sheet::reveal_in_one_line(owner, self.language, change.codes(), issued)
        } else {
            recovery_sheet::reveal(owner, self.language, change.codes(), issued)
        };
        stage.show(&Block::Sheet(&sheet))?;
        stage.tell(Dialogue::CodesOnce)?;
        stage.save(&sheet)?;
        for _ in 0..PATIENCE {
            if Word::asked(stage, Dialogue::KeptQuestion)? == Word::Kept {
                return Ok(true);
            }
            stage.tell(Dialogue::NotKept)?;
        }
        Ok(false)
    }

    /// Stores the change, and tells the person the result.
    fn keep<S: Stage>(&self, stage: &mut S, change: impl Underway<S>) -> Result<(), S::Stop> {
        let user = self.user;
        let name = change.device().map(|device| device.name.clone());
        let goes = change.goes().first().cloned();
        let codes = change.codes().len();
        let kept = change.keep(stage)?;
        stage.conclude(match (&name, &goes) {
            (Some(name), _) => {
                let name = name.as_str();
                Dialogue::Done { user, name, codes }
            }
            (None, Some(name)) => Dialogue::Removed {
                user,
                name: name.as_str(),
                last: !kept.enrolled,
            },
            (None, None) => Dialogue::CodesDone { user, codes },
        })
    }
}

/// Asks a person who wanted to log in to begin; `false`: they want to enrol later.
fn may_begin<S: Stage>(stage: &mut S, can_wait: bool) -> Result<bool, S::Stop> {
    if !can_wait {
        stage.ask(Dialogue::BeginQuestion)?;
        return Ok(true);
    }
    for _ in 0..PATIENCE {
        match Word::asked(stage, Dialogue::BeginOrLaterQuestion)? {
            Word::Nothing => return Ok(true),
            Word::Later => break,
            Word::Kept | Word::Another => {}
        }
    }
    Ok(false)
}

/// The answer to a question for a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Just Enter.
    Nothing,
    Later,
    Kept,
    Another,
}

impl Word {
    fn asked<S: Stage>(stage: &mut S, question: Dialogue<'_>) -> Result<Self, S::Stop> {
        let reply = stage.ask(question)?;
        Ok(if reply.trim_ascii().is_empty() {
            Self::Nothing
        } else if is_word(&reply, &LATER) {
            Self::Later
        } else if is_word(&reply, &KEPT) {
            Self::Kept
        } else {
            Self::Another
        })
    }
}

/// Asks for a code of the new device, if there is one, until a code is right; `false`: none was.
fn prove<S: Stage>(
    stage: &mut S,
    change: &mut impl Underway<S>,
    mut drawing: Option<Drawing>,
) -> Result<bool, S::Stop> {
    let Some(digits) = change.device().map(|device| device.digits.count()) else {
        return Ok(true);
    };
    let mut inversions = 0;
    loop {
        let typed = stage.ask(Dialogue::CodeQuestion { digits })?;
        // The word is not a guess, so it costs no try; but the number of drawings is limited.
        if let Some(drawing) = &mut drawing
            && drawing.canvas.can_be_inverted()
            && inversions < PATIENCE
            && is_word(&typed, &INVERTED)
        {
            inversions += 1;
            drawing.canvas.inverted = !drawing.canvas.inverted;
            drawing.show(stage)?;
            continue;
        }
        let (proof, left) = change.prove(typed, stage)?;
        let wrong = match (proof, change.device()) {
            (Proof::Right, _) => {
                stage.tell(Dialogue::Proven)?;
                return Ok(true);
            }
            (Proof::Behind(by), _) => Dialogue::ClockBehind(by),
            (Proof::Ahead(by), _) => Dialogue::ClockAhead(by),
            (Proof::Ignores(settings), Some(device)) => Dialogue::Ignores(settings, device),
            (Proof::Ignores(_), None) | (Proof::NoMatch, _) => Dialogue::NoMatch,
            (Proof::NotACode, _) => Dialogue::NotACode { digits },
        };
        stage.tell(wrong)?;
        if left == 0 {
            return Ok(false);
        }
        stage.tell(Dialogue::TriesLeft(left))?;
    }
}

/// A QR code and the canvas that it is drawn on.
struct Drawing {
    matrix: Matrix,
    canvas: Canvas,
}

impl Drawing {
    /// Draws a URI if a drawing is wanted and has room. Without a drawing, the person can type the key.
    fn show_first<S: Stage>(stage: &mut S, uri: &str) -> Result<Option<Self>, S::Stop> {
        let surface = stage.surface();
        let Surface { columns, lines, .. } = surface;
        if surface.style == Style::None {
            return Ok(None);
        }
        let Ok(matrix) = Matrix::of(uri) else {
            stage.tell(Dialogue::NoRoom { columns })?;
            return Ok(None);
        };
        let room = (columns, lines);
        let Some(canvas) = Canvas::within(room, &matrix, surface.style, surface.colours) else {
            stage.tell(if surface.is_measured {
                let needed = match surface.style {
                    Style::Ascii => 2 * matrix.side(),
                    Style::Unicode | Style::None => matrix.side(),
                };
                Dialogue::TooNarrow { needed, columns }
            } else {
                Dialogue::NoRoom { columns }
            })?;
            return Ok(None);
        };
        let drawn = canvas.lines(&matrix);
        let needed = drawn + canvas.lines_below();
        let is_too_high = needed > lines;
        if is_too_high && !surface.is_measured {
            stage.tell(Dialogue::Scroll { lines: drawn })?;
        }
        let drawing = Self { matrix, canvas };
        drawing.show(stage)?;
        if is_too_high && surface.is_measured {
            stage.tell(Dialogue::TooHigh { needed, lines })?;
        }
        Ok(Some(drawing))
    }

    fn show<S: Stage>(&self, stage: &mut S) -> Result<(), S::Stop> {
        stage.show(&Block::Drawing(&qr::draw(&self.matrix, &self.canvas)))?;
        if self.canvas.can_be_inverted() {
            stage.tell(match self.canvas.style {
                Style::Ascii => Dialogue::NotSeenFromNear,
                Style::Unicode | Style::None => Dialogue::NotSeen,
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
