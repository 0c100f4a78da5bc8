//! The pictures of a guide: an enrolment of an example, which the one script of enrolments plays.

use otp_core::messages::Message;
use otp_core::messages::enrol::{Dialogue, KEPT};
use otp_core::messages::mail::Confirming;
use otp_core::qr::{Colours, Matrix, Style};
use otp_core::record::{Authenticator, Language, Name};
use otp_core::recovery::RecoveryCode;
use otp_core::zone::Zone;
use otp_core::{Policy, UnixTime};
use otp_helper::enrolment::{Block, Goes, Script, Stage, Surface, Typed, Underway};
use otp_store::change::{Change, Kept, Proof};
use std::convert::Infallible;
use zeroize::Zeroizing;

/// The first line of what a login through PAM asks. It is the question of `pam_unix.so`.
const PASSWORD: &str = "Password: ";

/// The digits that a user types in a picture: as many as a mailed code has, and at least as many as any other code.
const DIGITS: &str = "12345678";

/// A line of a picture.
pub enum Line {
    /// Text, and what the user typed after it.
    Text {
        /// What is shown.
        shown: String,
        /// What was typed.
        typed: String,
    },
    /// The QR code of the example.
    QrCode(Matrix),
}

/// The pictures, line by line.
pub struct Played {
    /// An enrolment, up to the recovery codes.
    pub enrolment: Vec<Line>,
    /// The recovery codes, and the rest of the enrolment.
    pub codes: Vec<Line>,
    /// A login with a code.
    pub login: Vec<Line>,
}

/// The account and the machine in the pictures.
pub struct Example<'a> {
    /// The user.
    pub user: &'a str,
    /// The issuer.
    pub issuer: &'a str,
    /// The machine.
    pub machine: &'a str,
    /// The new authenticator, whose key is an example.
    pub device: &'a Authenticator,
    /// The address, as everybody may see it, if an enrolment begins with a code that is mailed to it.
    pub mailed_to: Option<&'a str>,
    /// The present.
    pub now: UnixTime,
    /// The time zone of the machine.
    pub zone: &'a Zone,
}

/// Where the enrolment is played.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    /// In a login. `can_wait`: "later" is accepted; `qr`: how it draws.
    Login { can_wait: bool, qr: Style },
    /// By this command, in this language.
    Command(&'a str, Language),
}

impl Example<'_> {
    /// Plays an enrolment and a login under a policy.
    pub fn play(&self, place: Place<'_>, policy: &Policy) -> Played {
        let language = match place {
            Place::Login { .. } => policy.language,
            Place::Command(_, language) => language,
        };
        let mut stage = Recorder {
            example: self,
            language,
            place,
            matrix: None,
            lines: Vec::new(),
            codes_at: None,
        };
        let script = Script {
            user: self.user,
            issuer: self.issuer,
            machine: self.machine,
            language,
        };
        let change = Underwent {
            device: self.device,
            codes: codes(policy.recovery.codes),
        };
        let begin = |stage: &mut Recorder<'_>| {
            if let Some(masked) = self.mailed_to {
                stage.line(&Confirming::Sent { masked }.text(language), "");
                stage.line(&Confirming::Question.text(language), DIGITS);
            }
            Ok(change)
        };
        let ended = match place {
            Place::Login { can_wait, .. } => {
                stage.line(PASSWORD, "");
                script.log_in(&mut stage, can_wait, begin)
            }
            Place::Command(command, _) => {
                stage.line("$ ", command);
                let new = Change::Enrol(self.device.name.clone());
                let goes = Goes {
                    authenticators: &[],
                    imported_codes: false,
                };
                script.change(&mut stage, (&new, &goes), begin)
            }
        };
        let Ok(_) = ended;
        let mut enrolment = stage.lines;
        let codes = stage.codes_at.map(|at| enrolment.split_off(at));
        let question = Message::CodePrompt.text(policy.language);
        Played {
            enrolment,
            codes: codes.unwrap_or_default(),
            login: vec![text(PASSWORD, ""), text(&question, "")],
        }
    }
}

/// Recovery codes that nobody can take for real ones: EXAM-P1E0-0000-0001 and so on.
fn codes(count: u8) -> Vec<RecoveryCode> {
    let code = |number| {
        let text = format!("EXAMP1E00000{number:04}");
        RecoveryCode::parse(text.as_bytes()).expect("letters and digits of the alphabet")
    };
    (1..=count).map(code).collect()
}

fn text(shown: &str, typed: &str) -> Line {
    Line::Text {
        shown: shown.to_owned(),
        typed: typed.to_owned(),
    }
}

/// A stage that keeps what is shown, and answers like a user.
struct Recorder<'a> {
    example: &'a Example<'a>,
    language: Language,
    place: Place<'a>,
    matrix: Option<Matrix>,
    lines: Vec<Line>,
    codes_at: Option<usize>,
}

impl Recorder<'_> {
    fn line(&mut self, shown: &str, typed: &str) {
        self.lines.push(text(shown, typed));
    }
}

impl Stage for Recorder<'_> {
    type Stop = Infallible;

    /// Keeps the sentence whole: the drawing code breaks its lines.
    fn tell(&mut self, sentence: Dialogue<'_>) -> Result<(), Infallible> {
        self.line(&sentence.text(self.language), "");
        Ok(())
    }

    fn show(&mut self, block: &Block<'_>) -> Result<(), Infallible> {
        let revealed = block.reveal(self.language, usize::MAX);
        match block {
            Block::Drawing(_) => {
                let drawn = self.matrix.take().map(Line::QrCode);
                self.lines.extend(drawn);
                return Ok(());
            }
            Block::Sheet(_) => self.codes_at = Some(self.lines.len()),
            Block::Opening(_) | Block::Key(_) => {}
        }
        for line in revealed.trim_start_matches('\n').lines() {
            self.line(line, "");
        }
        Ok(())
    }

    fn ask(&mut self, question: Dialogue<'_>) -> Result<Typed, Infallible> {
        let typed = if let Dialogue::CodeQuestion { digits } = question {
            &DIGITS[..usize::from(digits)]
        } else if let Dialogue::KeptQuestion = question {
            match self.language {
                Language::English => KEPT[0],
                Language::Korean => KEPT[1],
            }
        } else {
            ""
        };
        self.line(&question.text(self.language), typed);
        Ok(Zeroizing::new(typed.as_bytes().to_vec()))
    }

    fn surface(&self) -> Surface {
        if let Place::Login { qr, .. } = self.place {
            return Surface {
                columns: 80,
                lines: 24,
                is_measured: false,
                style: qr,
                joins_lines: false,
                colours: Colours::None,
            };
        }
        Surface {
            columns: 200,
            lines: 100,
            is_measured: true,
            style: Style::Unicode,
            joins_lines: false,
            colours: Colours::Cube,
        }
    }

    fn now(&mut self) -> Result<UnixTime, Infallible> {
        Ok(self.example.now)
    }

    fn zone(&self) -> Zone {
        self.example.zone.clone()
    }

    fn picture(&mut self, uri: &str) -> Result<Option<String>, Infallible> {
        self.matrix = Matrix::of(uri).ok();
        Ok(None)
    }

    fn save(&mut self, _: &Zeroizing<String>) -> Result<(), Infallible> {
        if let Place::Command(..) = self.place {
            self.line("", "");
            self.ask(Dialogue::SaveQuestion)?;
        }
        Ok(())
    }

    fn conclude(&mut self, result: Dialogue<'_>) -> Result<(), Infallible> {
        self.tell(result)
    }
}

/// A change of which nothing is ever stored.
struct Underwent<'a> {
    device: &'a Authenticator,
    codes: Vec<RecoveryCode>,
}

impl<'s> Underway<Recorder<'s>> for Underwent<'_> {
    fn goes(&self) -> &[Name] {
        &[]
    }

    fn device(&self) -> Option<&Authenticator> {
        Some(self.device)
    }

    fn prove(&mut self, _: Typed, _: &mut Recorder<'s>) -> Result<(Proof, u32), Infallible> {
        Ok((Proof::Right, 0))
    }

    fn codes(&self) -> &[RecoveryCode] {
        &self.codes
    }

    fn keep(self, _: &mut Recorder<'s>) -> Result<Kept, Infallible> {
        Ok(Kept { enrolled: true })
    }
}
