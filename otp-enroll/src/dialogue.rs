//! Enrolling at the terminal, as one script.
//!
//! Nothing is made to last before a code of the new device is proven and the person has said, with a word and not
//! just Enter, that the recovery codes are kept. Until then everything that was made is a [`NewFile`], which goes away
//! by itself: there is no way out of this script, error and panic included, that leaves something behind.

use crate::cli::DialogueOptions;
use crate::failure::Failure;
use crate::new_file::NewFile;
use crate::output;
use crate::pending::Pending;
use crate::site::{Site, host};
use crate::terminal::{Echo, Left, Terminal};
use otp_core::layout::wrap;
use otp_core::messages::enrol::{Dialogue, INVERTED, KEPT, is_word};
use otp_core::messages::trouble::Trouble;
use otp_core::qr::{self, Canvas, Colours, Matrix, Style};
use otp_core::record::{Authenticator, Name};
use otp_core::recovery::RecoveryCode;
use otp_core::{Account, base32, otpauth, recovery_sheet};
use otp_site::clock;
use otp_store::change::{Change, Proof};
use std::path::Path;
use zeroize::Zeroizing;

/// The words that ask for the clipboard of the terminal. Both are taken in either language.
const COPY: [&str; 2] = ["copy", "복사"];

/// A QR code, and how it was drawn.
type Drawing = (Matrix, Canvas);

/// One dialogue.
pub struct Script<'a> {
    pub site: &'a Site,
    pub account: &'a Account,
    pub options: &'a DialogueOptions,
    pub terminal: Terminal,
}

impl Script<'_> {
    /// Makes the change, once the person has done their part.
    pub fn play(self, change: Change) -> Result<(), Failure> {
        let wanted = change.clone();
        if matches!(wanted, Change::Enrol(_) | Change::Add(_)) {
            self.site.allows_enrolling()?;
        }
        let mut pending = Pending::begin(self.site, self.account, change, &self.terminal)?;
        let mut sheet_file = self
            .options
            .save
            .as_deref()
            .map(NewFile::create)
            .transpose()?;
        self.open(&wanted, &pending)?;
        if pending.authenticates() {
            self.tell(Dialogue::ProveYourself)?;
        }
        pending.authenticate(&self.terminal)?;
        let (picture, drawing) = match pending.device() {
            Some(device) => self.show_key(device)?,
            None => (None, None),
        };
        let name = pending.device().map(|device| device.name.clone());
        self.prove(&mut pending, drawing)?;
        if !pending.codes().is_empty() {
            self.hand_out(pending.codes(), &mut sheet_file)?;
        }
        let codes = pending.codes().len();
        let goes = pending.goes().first().cloned();
        self.terminal.still_here()?;
        let kept = match pending.keep() {
            Ok(kept) => kept,
            Err(failure) => {
                if failure.may_have_happened() {
                    // Should it count, the person needs them.
                    let sheet_file = sheet_file.filter(|_| codes > 0);
                    for file in sheet_file.into_iter().chain(picture) {
                        file.keep();
                    }
                }
                return Err(failure);
            }
        };

        if let (Some(file), true) = (sheet_file, codes > 0) {
            file.keep();
        }
        if let Some(file) = picture {
            let path = file.shown();
            file.keep();
            // Everything is on disk, so a terminal that is gone by now is no reason to fail.
            self.tell(Dialogue::DeleteQrFile { path: &path }).ok();
        }
        let user = self.account.name.as_str();
        let done = match (&name, &goes) {
            (Some(name), _) => Dialogue::Done {
                user,
                name: name.as_str(),
                codes,
            },
            (None, Some(name)) => Dialogue::Removed {
                user,
                name: name.as_str(),
                last: !kept.enrolled,
            },
            (None, None) => Dialogue::CodesDone { user, codes },
        };
        output::print(&format!("{}\n", done.text(self.site.language)))
    }

    /// What this is about.
    fn open(&self, change: &Change, pending: &Pending<'_>) -> Result<(), Left> {
        let user = self.account.name.as_str();
        let goes: Vec<_> = pending.goes().iter().map(Name::as_str).collect();
        let names = &goes.join(", ");
        match change {
            Change::Enrol(_) | Change::Add(_) => {
                self.tell(Dialogue::Opening {
                    user,
                    issuer: &self.site.issuer(),
                })?;
                if goes.is_empty() {
                    Ok(())
                } else {
                    self.tell(Dialogue::Replaces { names })
                }
            }
            Change::Remove(_) => self.tell(Dialogue::Removes { user, name: names }),
            Change::RecoveryCodes => self.tell(Dialogue::NewCodes { user }),
        }
    }

    /// Shows the key in every form that a device can take it. The QR code comes last, so that on a small screen it
    /// is whole and the question stands right below it.
    fn show_key(
        &self,
        device: &Authenticator,
    ) -> Result<(Option<NewFile>, Option<Drawing>), Failure> {
        let user = self.account.name.as_str();
        let uri = otpauth::reveal_uri(device, &self.site.issuer(), user);
        let style = self.style();
        let matrix = (style != Style::None || self.options.qr_file.is_some())
            .then(|| Matrix::of(&uri).map_err(|_| Trouble::TooLongForQr))
            .transpose()?;
        let picture = match (&self.options.qr_file, &matrix) {
            (Some(path), Some(matrix)) => {
                let mut file = NewFile::create(path.path())?;
                file.fill(&path.reveal(matrix))?;
                Some(file)
            }
            _ => None,
        };
        self.tell(Dialogue::Scan)?;
        let key = device.secret.reveal_bytes();
        match base32::reveal_in_groups(key).as_slice() {
            [line] => self.tell_secret(Dialogue::Key, line)?,
            lines => {
                self.tell(Dialogue::Key)?;
                for line in lines {
                    self.terminal.show("    ")?;
                    self.terminal.show(line)?;
                    self.terminal.show("\n")?;
                }
            }
        }
        self.tell_secret(Dialogue::PlainKey, &base32::reveal(key))?;
        self.tell_secret(Dialogue::Uri, &uri)?;
        self.tell(Dialogue::Settings(device))?;
        if let Some(file) = &picture {
            let path = &file.shown();
            self.tell(Dialogue::QrFile { path })?;
        }
        let drawing = match matrix {
            Some(matrix) if style != Style::None => self.draw(matrix, style)?,
            _ => None,
        };
        Ok((picture, drawing))
    }

    fn style(&self) -> Style {
        let by_locale = if self.site.utf8 {
            Style::Unicode
        } else {
            Style::Ascii
        };
        self.options.qr.map_or(by_locale, Style::from)
    }

    /// `None`: there is no room for it.
    fn draw(&self, matrix: Matrix, style: Style) -> Result<Option<Drawing>, Left> {
        let (columns, lines) = self.terminal.size();
        let kind = std::env::var("TERM").ok();
        let colours = Colours::of(kind.as_deref());
        let Some(canvas) = Canvas::within((columns, lines), &matrix, style, colours) else {
            let needed = match style {
                Style::Ascii => 2 * matrix.side(),
                Style::Unicode | Style::None => matrix.side(),
            };
            self.tell(Dialogue::TooNarrow { needed, columns })?;
            return Ok(None);
        };
        self.show_drawing(&matrix, &canvas)?;
        let needed = canvas.lines(&matrix) + canvas.lines_below();
        if needed > lines {
            self.tell(Dialogue::TooHigh { needed, lines })?;
        }
        Ok(Some((matrix, canvas)))
    }

    fn show_drawing(&self, matrix: &Matrix, canvas: &Canvas) -> Result<(), Left> {
        self.terminal.show(&qr::draw(matrix, canvas))?;
        if canvas.can_be_inverted() {
            self.tell(Dialogue::NotSeen)?;
        }
        Ok(())
    }

    /// Asks for a code of the new device, where there is one, until one is right.
    fn prove(
        &self,
        pending: &mut Pending<'_>,
        mut drawing: Option<Drawing>,
    ) -> Result<(), Failure> {
        let Some(digits) = pending.device().map(|device| device.digits.count()) else {
            return Ok(());
        };
        loop {
            let typed = self.ask(Dialogue::CodeQuestion { digits }, Echo::On)?;
            match &mut drawing {
                Some((matrix, canvas))
                    if canvas.can_be_inverted() && is_word(&typed, &INVERTED) =>
                {
                    canvas.inverted = !canvas.inverted;
                    self.show_drawing(matrix, canvas)?;
                    continue;
                }
                _ => {}
            }
            let (proof, left) = pending.prove(typed, &self.terminal)?;
            self.tell(match (proof, pending.device()) {
                (Proof::Right, _) => return Ok(self.tell(Dialogue::Proven)?),
                (Proof::Behind(by), _) => Dialogue::ClockBehind(by),
                (Proof::Ahead(by), _) => Dialogue::ClockAhead(by),
                (Proof::Ignores(settings), Some(device)) => Dialogue::Ignores(settings, device),
                (Proof::Ignores(_), None) | (Proof::NoMatch, _) => Dialogue::NoMatch,
                (Proof::NotACode, _) => Dialogue::NotACode { digits },
            })?;
            if left == 0 {
                return Err(Trouble::NotProven.into());
            }
            self.tell(Dialogue::TriesLeft(left))?;
        }
    }

    /// Shows the recovery codes once, saves them where that is wanted, and waits for the word that they are kept.
    fn hand_out(&self, codes: &[RecoveryCode], file: &mut Option<NewFile>) -> Result<(), Failure> {
        let user = self.account.name.as_str();
        let sheet =
            recovery_sheet::reveal((user, &host()), self.site.language, codes, clock::now()?);
        self.terminal.show("\n")?;
        self.terminal.show(&sheet)?;
        self.tell(Dialogue::CodesOnce)?;
        self.terminal.show("\n")?;
        match file {
            Some(file) => {
                file.fill(sheet.as_bytes())?;
                let path = &file.shown();
                self.tell(Dialogue::Saved { path })?;
            }
            None => *file = self.offer_to_save(&sheet)?,
        }
        loop {
            let answer = self.ask(Dialogue::KeptQuestion, Echo::On)?;
            if is_word(&answer, &KEPT) {
                return Ok(());
            }
            self.tell(Dialogue::NotKept)?;
        }
    }

    /// Asks for a path until one works or none is wanted; the clipboard of the terminal is another way.
    fn offer_to_save(&self, sheet: &Zeroizing<String>) -> Result<Option<NewFile>, Failure> {
        loop {
            let answer = self.ask(Dialogue::SaveQuestion, Echo::On)?;
            let Ok(path) = std::str::from_utf8(answer.trim_ascii()) else {
                continue;
            };
            // The word that the next question asks for is no name of a file.
            if path.is_empty() || is_word(&answer, &KEPT) {
                return Ok(None);
            }
            if COPY.contains(&path) {
                self.copy(sheet)?;
                continue;
            }
            let saved = NewFile::create(Path::new(path))
                .and_then(|mut file| file.fill(sheet.as_bytes()).map(|()| file));
            match saved {
                Ok(file) => {
                    self.tell(Dialogue::Saved { path })?;
                    return Ok(Some(file));
                }
                Err(trouble) => self.tell_text(&trouble.text(self.site.language))?,
            }
        }
    }

    /// Has the terminal put a text on its clipboard (OSC 52, "set selection", of xterm's control sequences).
    fn copy(&self, text: &Zeroizing<String>) -> Result<(), Left> {
        let encoded = Zeroizing::new(data_encoding::BASE64.encode(text.as_bytes()));
        self.terminal.show("\x1b]52;c;")?;
        self.terminal.show(&encoded)?;
        self.terminal.show("\x07")?;
        self.tell(Dialogue::Copied)
    }

    fn tell(&self, sentence: Dialogue<'_>) -> Result<(), Left> {
        self.tell_text(&sentence.text(self.site.language))
    }

    fn tell_text(&self, text: &str) -> Result<(), Left> {
        let (columns, _) = self.terminal.size();
        self.terminal.show(&format!("{}\n", wrap(text, columns)))
    }

    /// A label, and a secret beside it that never becomes part of an unwiped text.
    fn tell_secret(&self, label: Dialogue<'_>, secret: &str) -> Result<(), Left> {
        let label = label.text(self.site.language);
        self.terminal.show(&format!("{label} "))?;
        self.terminal.show(secret)?;
        self.terminal.show("\n")
    }

    fn ask(&self, question: Dialogue<'_>, echo: Echo) -> Result<Zeroizing<Vec<u8>>, Left> {
        self.terminal.ask(&question.text(self.site.language), echo)
    }
}
