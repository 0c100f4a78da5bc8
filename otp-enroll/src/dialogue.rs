//! Enrolment at the terminal: the place where the script is played, and what a terminal adds to it.
//!
//! Until the end, every file that was made is a [`NewFile`], which removes itself. So no way out of the script,
//! errors and panics included, leaves a file behind.

use crate::cli::DialogueOptions;
use crate::failure::Failure;
use crate::new_file::NewFile;
use crate::output;
use crate::pending::Pending;
use crate::site::{Site, host};
use crate::terminal::{Echo, Left, Terminal};
use otp_core::layout::wrap;
use otp_core::messages::enrol::{Dialogue, KEPT, is_word};
use otp_core::messages::trouble::Trouble;
use otp_core::qr::{Colours, Matrix, Style};
use otp_core::record::{Authenticator, Name};
use otp_core::recovery::RecoveryCode;
use otp_core::{Account, UnixTime, Zone};
use otp_helper::enrolment::{Block, End, Goes, Script, Stage, Surface, Typed, Underway};
use otp_site::{clock, zone};
use otp_store::change::{Change, Kept, Proof};
use std::path::Path;
use zeroize::Zeroizing;

/// The words for the clipboard of the terminal. Both are accepted in either language.
const COPY: [&str; 2] = ["copy", "복사"];

/// Makes the change, once the person has completed the script.
pub fn lead(
    site: &Site,
    account: &Account,
    options: &DialogueOptions,
    terminal: Terminal,
    change: &Change,
) -> Result<(), Failure> {
    if matches!(change, Change::Enrol(_) | Change::Add(_)) {
        site.allows_enrolling()?;
    }
    let mut pending = Pending::begin(site, account, change.clone(), &terminal)?;
    let mut screen = Screen {
        site,
        options,
        terminal,
        sheet: options.save.as_deref().map(NewFile::create).transpose()?,
        saved: None,
        picture: None,
    };
    let names = pending.goes().to_vec();
    let goes = Goes {
        authenticators: &names,
        imported_codes: pending.imported_codes_go(),
    };
    let script = Script {
        user: account.name.as_str(),
        issuer: &site.issuer(),
        machine: &host(),
        language: site.language,
    };
    let ended = script.change(&mut screen, (change, &goes), |screen| {
        if pending.authenticates() {
            screen.tell(Dialogue::ProveYourself)?;
        }
        pending.authenticate(&screen.terminal)?;
        Ok(pending)
    });
    match ended? {
        End::Done => Ok(()),
        End::Later => Err(Trouble::Left.into()),
        End::NotProven => Err(Trouble::NotProven.into()),
        End::NotKept => Err(Trouble::NotKept.into()),
    }
}

/// The terminal, and the files that are made beside it.
struct Screen<'a> {
    site: &'a Site,
    options: &'a DialogueOptions,
    terminal: Terminal,
    /// The file for the recovery codes, before there are any.
    sheet: Option<NewFile>,
    /// The file that holds the recovery codes.
    saved: Option<NewFile>,
    picture: Option<NewFile>,
}

impl Stage for Screen<'_> {
    type Stop = Failure;

    fn tell(&mut self, sentence: Dialogue<'_>) -> Result<(), Failure> {
        Ok(self.say(&sentence.text(self.site.language))?)
    }

    /// Puts an empty line only above the recovery codes: the screen is short.
    fn show(&mut self, block: &Block<'_>) -> Result<(), Failure> {
        let (columns, _) = self.terminal.size();
        let text = block.reveal(self.site.language, columns);
        Ok(self.terminal.show(match block {
            Block::Sheet(_) => &text,
            Block::Opening(_) | Block::Key(_) | Block::Drawing(_) => text.trim_start_matches('\n'),
        })?)
    }

    fn ask(&mut self, question: Dialogue<'_>) -> Result<Typed, Failure> {
        let text = question.text(self.site.language);
        Ok(self.terminal.ask(&text, Echo::On)?)
    }

    fn surface(&self) -> Surface {
        let (columns, lines) = self.terminal.size();
        let kind = std::env::var("TERM").ok();
        Surface {
            columns,
            lines,
            is_measured: true,
            joins_lines: false,
            style: self.style(),
            colours: Colours::of(kind.as_deref()),
        }
    }

    fn now(&mut self) -> Result<UnixTime, Failure> {
        Ok(clock::now()?)
    }

    fn zone(&self) -> Zone {
        zone::of_this_machine()
    }

    fn picture(&mut self, uri: &str) -> Result<Option<String>, Failure> {
        let Some(path) = &self.options.qr_file else {
            return Ok(None);
        };
        let matrix = Matrix::of(uri).map_err(|_| Trouble::TooLongForQr)?;
        let file = self.picture.insert(NewFile::create(path.path())?);
        file.fill(&path.reveal(&matrix))?;
        Ok(Some(file.shown()))
    }

    fn save(&mut self, sheet: &Zeroizing<String>) -> Result<(), Failure> {
        self.terminal.show("\n")?;
        let Some(mut file) = self.sheet.take() else {
            self.saved = self.offer_to_save(sheet)?;
            return Ok(());
        };
        file.fill(sheet.as_bytes())?;
        let path = file.shown();
        self.saved = Some(file);
        self.tell(Dialogue::Saved { path: &path })
    }

    fn conclude(&mut self, result: Dialogue<'_>) -> Result<(), Failure> {
        if let Some(path) = self.keep_files() {
            // Everything is on disk, so the loss of the terminal now is not a failure.
            self.tell(Dialogue::DeleteQrFile { path: &path }).ok();
        }
        output::print(&format!("{}\n", result.text(self.site.language)))
    }
}

impl Screen<'_> {
    fn say(&self, text: &str) -> Result<(), Left> {
        let (columns, _) = self.terminal.size();
        self.terminal.show(&format!("{}\n", wrap(text, columns)))
    }

    fn style(&self) -> Style {
        let by_locale = if self.site.utf8 {
            Style::Unicode
        } else {
            Style::Ascii
        };
        self.options.qr.map_or(by_locale, Style::from)
    }

    /// Asks for a path until one works or none is wanted; the person can use the terminal's clipboard too.
    fn offer_to_save(&mut self, sheet: &Zeroizing<String>) -> Result<Option<NewFile>, Failure> {
        loop {
            let answer = self.ask(Dialogue::SaveQuestion)?;
            let Ok(path) = std::str::from_utf8(answer.trim_ascii()) else {
                continue;
            };
            // The word for the next question is not the name of a file.
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
                Err(trouble) => self.say(&trouble.text(self.site.language))?,
            }
        }
    }

    /// Puts a text on the terminal's clipboard (OSC 52, "set selection", of xterm's control sequences).
    fn copy(&mut self, text: &Zeroizing<String>) -> Result<(), Failure> {
        let encoded = Zeroizing::new(data_encoding::BASE64.encode(text.as_bytes()));
        self.terminal.show("\x1b]52;c;")?;
        self.terminal.show(&encoded)?;
        self.terminal.show("\x07")?;
        self.tell(Dialogue::Copied)
    }

    /// Keeps the files that have content; returns the path of the picture.
    fn keep_files(&mut self) -> Option<String> {
        if let Some(file) = self.saved.take() {
            file.keep();
        }
        let picture = self.picture.take()?;
        let path = picture.shown();
        picture.keep();
        Some(path)
    }
}

impl<'a> Underway<Screen<'a>> for Pending<'_> {
    fn goes(&self) -> &[Name] {
        self.goes()
    }

    fn device(&self) -> Option<&Authenticator> {
        self.device()
    }

    fn prove(&mut self, typed: Typed, screen: &mut Screen<'a>) -> Result<(Proof, u32), Failure> {
        self.prove(typed, &screen.terminal)
    }

    fn codes(&self) -> &[RecoveryCode] {
        self.codes()
    }

    fn keep(self, screen: &mut Screen<'a>) -> Result<Kept, Failure> {
        screen.terminal.still_here()?;
        let kept = self.keep();
        if matches!(&kept, Err(failure) if failure.may_have_happened()) {
            // The change may count: then the person needs the files.
            screen.keep_files();
        }
        kept
    }
}
