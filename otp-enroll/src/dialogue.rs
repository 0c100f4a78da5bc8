//! Enrolling at the terminal, as one script.
//!
//! Nothing is made to last before a code of the new device is proven and the person has said, with a word and not
//! just Enter, that the recovery codes are kept. Until then everything that was made is a [`NewFile`], which goes away
//! by itself: there is no way out of this script, error and panic included, that leaves something behind.

use crate::cli::{DEFAULT_NAME, DialogueOptions, QrStyle};
use crate::failure::Failure;
use crate::layout::wrap;
use crate::new_file::NewFile;
use crate::output;
use crate::qr::{self, Canvas, Matrix};
use crate::recovery_sheet;
use crate::site::Site;
use crate::terminal::{Echo, Left, Terminal};
use otp_core::code::{ClockCheck, TypedCode, check_clock};
use otp_core::decide::standing_at;
use otp_core::messages::enrol::{Dialogue, KEPT};
use otp_core::messages::trouble::Trouble;
use otp_core::record::{Authenticator, Name, Standing};
use otp_core::recovery::RecoveryCode;
use otp_core::{Credential, State, Step, UnixTime, base32, otpauth};
use otp_store::files::LOCK_DEADLINE;
use otp_store::{Account, Locked, Record, Store, clock, mint};
use std::path::Path;
use zeroize::Zeroizing;

/// Wrong codes before the dialogue gives up.
const TRIES: u32 = 3;

/// One dialogue.
pub struct Script<'a> {
    pub site: &'a Site,
    pub account: &'a Account,
    pub options: &'a DialogueOptions,
    pub terminal: Terminal,
}

/// When the new device showed a right code, and for which step.
#[derive(Clone, Copy)]
struct Proof {
    step: Step,
    when: UnixTime,
}

impl Script<'_> {
    /// Enrols the account, or replaces its authenticator.
    pub fn play(self) -> Result<(), Failure> {
        let old = match self.site.store_if_there()? {
            Some(store) => self.current(&store)?,
            None => None,
        };
        let mut sheet_file = self
            .options
            .save
            .as_deref()
            .map(NewFile::create)
            .transpose()?;

        let name = self.options.name.clone().unwrap_or_else(default_name);
        let now = clock::now()?;
        let (credential, codes) = mint::credential(self.account, name, &self.site.policy, now)?;
        let device = &credential.authenticators()[0];

        self.open(old.as_ref())?;
        let picture = self.show_key(device)?;
        let proof = self.prove(device)?;
        if !codes.is_empty() {
            self.hand_out(&credential, &codes, now, &mut sheet_file)?;
        }
        self.terminal.still_here()?;
        let store = self.site.store_for_enrolling()?;
        self.record(&store, &credential, proof, old.as_ref())?;

        if let (Some(file), false) = (sheet_file, codes.is_empty()) {
            file.keep();
        }
        if let Some(file) = picture {
            let path = file.shown();
            file.keep();
            // Everything is on disk, so a terminal that is gone by now is no reason to fail.
            self.tell(Dialogue::DeleteQrFile { path: &path }).ok();
        }
        let done = Dialogue::Done {
            user: self.account.name.as_str(),
            name: device.name.as_str(),
            codes: codes.len(),
        };
        output::print(&format!("{}\n", done.text(self.site.language)))
    }

    /// The record that is there; a locked account may not be enrolled anew.
    fn current(&self, store: &Store) -> Result<Option<Record>, Failure> {
        let about = || Failure::about(self.account.name.as_str());
        match store
            .lock(&self.account.name, LOCK_DEADLINE)
            .map_err(about())?
        {
            Some(locked) => self.read_open(&locked),
            None => Ok(None),
        }
    }

    fn read_open(&self, locked: &Locked) -> Result<Option<Record>, Failure> {
        let user = self.account.name.as_str();
        let record = locked.read(self.account).map_err(Failure::about(user))?;
        if let Some(record) = &record
            && standing_at(record.state.standing, clock::now()?) != Standing::Open
        {
            let user = user.to_owned();
            return Err(Trouble::Locked { user }.into());
        }
        Ok(record)
    }

    /// What this is about.
    fn open(&self, old: Option<&Record>) -> Result<(), Left> {
        self.tell(Dialogue::Opening {
            user: self.account.name.as_str(),
            issuer: &self.site.issuer(),
        })?;
        if let Some(old) = old {
            let names: Vec<_> = old
                .credential
                .authenticators()
                .iter()
                .map(|one| one.name.as_str())
                .collect();
            self.tell(Dialogue::Replaces {
                names: &names.join(", "),
            })?;
        }
        Ok(())
    }

    /// Shows the key in every form that a device can take it. The QR code comes last, so that on a small screen it
    /// is whole and the question stands right below it.
    fn show_key(&self, device: &Authenticator) -> Result<Option<NewFile>, Failure> {
        let user = self.account.name.as_str();
        let uri = otpauth::reveal_uri(device, &self.site.issuer(), user);
        let style = self.style();
        let matrix = (style != QrStyle::None || self.options.qr_file.is_some())
            .then(|| Matrix::of(&uri))
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
        let key = base32::reveal_in_groups(device.secret.reveal_bytes());
        self.tell_secret(Dialogue::Key, &key)?;
        self.tell_secret(Dialogue::Uri, &uri)?;
        self.tell(Dialogue::Settings(device))?;
        if let Some(file) = &picture {
            let path = &file.shown();
            self.tell(Dialogue::QrFile { path })?;
        }
        if let Some(matrix) = &matrix {
            self.draw(matrix, style)?;
        }
        Ok(picture)
    }

    fn style(&self) -> QrStyle {
        let by_locale = if self.site.utf8 {
            QrStyle::Unicode
        } else {
            QrStyle::Ascii
        };
        self.options.qr.unwrap_or(by_locale)
    }

    fn draw(&self, matrix: &Matrix, style: QrStyle) -> Result<(), Left> {
        let (columns, lines) = self.terminal.size();
        let kind = std::env::var("TERM").ok();
        let colours = qr::takes_colours(kind.as_deref());
        let Some(canvas) = Canvas::within((columns, lines), matrix, style, colours) else {
            let needed = match style {
                QrStyle::Ascii => 2 * matrix.side(),
                QrStyle::Unicode | QrStyle::None => matrix.side(),
            };
            return self.tell(Dialogue::TooNarrow { needed, columns });
        };
        self.terminal.show(&qr::draw(matrix, &canvas))?;
        let needed = canvas.lines(matrix) + 1;
        if needed > lines {
            self.tell(Dialogue::TooHigh { needed, lines })?;
        }
        Ok(())
    }

    /// Asks for a code of the new device until one is right.
    fn prove(&self, device: &Authenticator) -> Result<Proof, Failure> {
        let digits = device.digits.count();
        for left in (0..TRIES).rev() {
            let typed = self.ask(Dialogue::CodeQuestion { digits }, Echo::On)?;
            let when = clock::now()?;
            let checked = TypedCode::parse(&typed)
                .map(|code| check_clock(device, &code, self.site.policy.code.window, when));
            self.tell(match checked {
                Some(ClockCheck::Right(step)) => {
                    self.tell(Dialogue::Proven)?;
                    return Ok(Proof { step, when });
                }
                Some(ClockCheck::Behind(by)) => Dialogue::ClockBehind(by),
                Some(ClockCheck::Ahead(by)) => Dialogue::ClockAhead(by),
                Some(ClockCheck::NoMatch) => Dialogue::NoMatch,
                None => Dialogue::NotACode { digits },
            })?;
            if left > 0 {
                self.tell(Dialogue::TriesLeft(left))?;
            }
        }
        Err(Trouble::NotProven.into())
    }

    /// Shows the recovery codes once, saves them where that is wanted, and waits for the word that they are kept.
    fn hand_out(
        &self,
        credential: &Credential,
        codes: &[RecoveryCode],
        issued: UnixTime,
        file: &mut Option<NewFile>,
    ) -> Result<(), Failure> {
        let sheet = recovery_sheet::reveal(self.site, credential, codes, issued);
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
            let word = String::from_utf8_lossy(&answer).trim().to_lowercase();
            if KEPT.contains(&word.as_str()) {
                return Ok(());
            }
            self.tell(Dialogue::NotKept)?;
        }
    }

    /// Asks for a path until one works or none is wanted.
    fn offer_to_save(&self, sheet: &Zeroizing<String>) -> Result<Option<NewFile>, Failure> {
        loop {
            let answer = self.ask(Dialogue::SaveQuestion, Echo::On)?;
            let Ok(path) = std::str::from_utf8(answer.trim_ascii()) else {
                continue;
            };
            if path.is_empty() {
                return Ok(None);
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

    /// Writes the record. The proven code is used up: it opens no login.
    fn record(
        &self,
        store: &Store,
        credential: &Credential,
        proof: Proof,
        old: Option<&Record>,
    ) -> Result<(), Failure> {
        let user = self.account.name.as_str();
        let locked = store
            .lock_or_create(&self.account.name, LOCK_DEADLINE)
            .map_err(Failure::about(user))?;
        // A person took minutes to get here. A lock that has begun since, or another enrolment, must not be undone.
        let device = |record: &Record| record.credential.authenticators()[0].id;
        if self.read_open(&locked)?.as_ref().map(device) != old.map(device) {
            let user = user.to_owned();
            return Err(Trouble::ChangedMeanwhile { user }.into());
        }
        let mut state = State::fresh(credential);
        for entry in &mut state.authenticators {
            entry.last_step = Some(proof.step);
            entry.last_used = Some(proof.when);
        }
        locked
            .replace(self.account, credential, &state)
            .map_err(Failure::about(user))
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

fn default_name() -> Name {
    Name::new(DEFAULT_NAME).expect("the default is a name")
}
