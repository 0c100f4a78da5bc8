//! Setting up an authenticator inside a login, as one script of questions and answers.
//!
//! Only in the account phase, where the other modules have let the user in. Nothing is kept before a code of the new
//! device is proven and the user has said with a word that the recovery codes are kept: a connection that is cut before
//! leaves nothing.

use crate::call::{Call, Case, Stop};
use crate::host::{Host, HostFault, Reply, Tone};
use otp_core::event::{Event, Severity, Value};
use otp_core::layout::wrap;
use otp_core::messages::enrol::{Dialogue, INVERTED, KEPT, LATER, is_word};
use otp_core::qr::{self, Canvas, Colours, Matrix, Style};
use otp_core::record::{Authenticator, DEFAULT_NAME, Name};
use otp_core::recovery::RecoveryCode;
use otp_core::{Account, base32, otpauth, recovery_sheet};
use otp_site::{groups, policy};
use otp_store::Store;
use otp_store::change::{Change, Draft, Failed, Proof, Refused};
use zeroize::Zeroizing;

/// A terminal that nothing is known of.
const COLUMNS: usize = 80;
const LINES: usize = 24;

/// How often somebody may answer a question by what is no answer to it.
const ANSWERS: u32 = 3;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There is an authenticator now.
    Enrolled,
    /// Nobody could be asked.
    NotAsked,
    /// The user wants to do it later.
    Later,
    /// No code of the device was right, or the recovery codes are not kept.
    NotProven,
    /// Another login, or `otp-enroll`, was faster.
    SetUpMeanwhile,
}

/// Plays the script. `can_wait`: "later" is an answer.
pub(crate) fn set_up<H: Host>(
    call: &mut Call<'_, H>,
    case: &Case,
    store: &Store,
    account: &Account,
    can_wait: bool,
) -> Result<Outcome, Stop> {
    let machine = call.host.machine();
    if case.policy.issuer.contains(':') {
        // Commands refuse it. A version before took it, and a login that refused it now would lock out.
        call.warn(
            "issuer: must not have a colon; apps are shown it without. Correct it: otp-enroll and otp-admin provision refuse",
        );
    }
    let mut script = Script {
        issuer: case.policy.issuer_at(&machine),
        machine,
        call,
        case,
        account,
        drawing: None,
    };
    match script.begin(can_wait) {
        Ok(true) => {}
        Ok(false) => return Ok(Outcome::Later),
        // Whoever cannot answer the first question cannot answer any; no key was shown.
        Err(Stop::Host(HostFault::Conversation)) => return Ok(Outcome::NotAsked),
        Err(stop) => return Err(stop),
    }
    match script.play(store) {
        Ok(outcome) => Ok(outcome),
        Err(End::Stop(stop)) => Err(stop),
        Err(End::Refused(Refused::NotProven)) => Ok(Outcome::NotProven),
        // Everything else that can be refused means that there is a record by now.
        Err(End::Refused(_)) => Ok(Outcome::SetUpMeanwhile),
    }
}

/// Why the script ended early.
enum End {
    Stop(Stop),
    Refused(Refused),
}

impl<T: Into<Stop>> From<T> for End {
    fn from(stop: T) -> Self {
        Self::Stop(stop.into())
    }
}

impl From<Failed> for End {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(refused) => Self::Refused(refused),
            Failed::Store(error) => Self::Stop(error.into()),
        }
    }
}

struct Script<'a, 'h, H> {
    call: &'a mut Call<'h, H>,
    case: &'a Case,
    account: &'a Account,
    issuer: String,
    machine: String,
    drawing: Option<(Matrix, Canvas)>,
}

impl<H: Host> Script<'_, '_, H> {
    /// Says what this is about; `false`: later.
    fn begin(&mut self, can_wait: bool) -> Result<bool, Stop> {
        let opening = Dialogue::LoginOpening {
            user: self.account.name.as_str(),
            issuer: &self.issuer,
        };
        // On a line of its own: an ssh client puts its own words before the first.
        let text = self.lines(opening);
        self.show(&["\n", &text]);
        if !can_wait {
            self.ask(Dialogue::BeginQuestion)?;
            return Ok(true);
        }
        for _ in 0..ANSWERS {
            let reply = self.ask(Dialogue::BeginOrLaterQuestion)?;
            if reply.trim_ascii().is_empty() {
                return Ok(true);
            }
            if is_word(&reply, &LATER) {
                break;
            }
        }
        Ok(false)
    }

    fn play(&mut self, store: &Store) -> Result<Outcome, End> {
        let (account, policy) = (self.account.clone(), &self.case.policy);
        let name = Name::new(DEFAULT_NAME).expect("the default is a name");
        let now = self.call.host.now()?;
        let change = Change::Enrol(name.clone());
        let belongs = groups::belongs;
        let mut draft = Draft::begin(Some(store), account, change, policy, belongs, now)?;
        if draft.changes_a_record() {
            return Ok(Outcome::SetUpMeanwhile);
        }
        // A line now and one at the end: whoever hangs up in between has left the first.
        self.log(Event::Changing, &name);
        if let Some(device) = draft.device() {
            self.show_key(device);
        }
        self.prove(&mut draft)?;
        if !draft.codes().is_empty() {
            self.hand_out(draft.codes())?;
        }
        self.call.still_the_same_user()?;
        let codes = draft.codes().len();
        let now = self.call.host.now()?;
        // Minutes have gone by: what the administrator has decided meanwhile counts.
        let policy = policy::load(&self.case.conf)?;
        draft.keep(store, &policy, groups::belongs, now)?;
        self.log(Event::Change, &name);
        let (user, name) = (self.account.name.as_str(), DEFAULT_NAME);
        self.tell(Dialogue::Done { user, name, codes });
        Ok(Outcome::Enrolled)
    }

    fn log(&mut self, event: Event, name: &Name) {
        let entry = self
            .call
            .entry(event, Severity::Notice)
            .with(Value::Verb("enrol"))
            .with(Value::Authenticator(name.clone()));
        self.call.log(entry);
    }

    /// Shows the key in every form that a device can take it. The QR code comes last and in a piece of its own, so that it
    /// begins on a new line, and is whole on a small screen with the question right below it.
    fn show_key(&mut self, device: &Authenticator) {
        let uri = otpauth::reveal_uri(device, &self.issuer, self.account.name.as_str());
        let key = device.secret.reveal_bytes();
        let (groups, plain_key) = (base32::reveal_in_groups(key), base32::reveal(key));
        let [scan, key_label, plain_label, uri_label, settings] = [
            Dialogue::Scan,
            Dialogue::Key,
            Dialogue::PlainKey,
            Dialogue::Uri,
            Dialogue::Settings(device),
        ]
        .map(|sentence| self.lines(sentence));
        // Beside its label where it takes one line, and else below.
        let before_each = if groups.len() == 1 { " " } else { "\n    " };
        let mut parts = vec!["\n", &scan, "\n", &key_label];
        for line in &groups {
            parts.extend([before_each, line.as_str()]);
        }
        parts.extend(["\n", &plain_label, " ", &plain_key]);
        parts.extend(["\n", &uri_label, " ", &uri, "\n", &settings]);
        self.show(&parts);
        let style = self.case.policy.enroll.qr;
        if style == Style::None {
            return;
        }
        // A URI that no QR code holds can still be typed.
        let matrix = Matrix::of(&uri).ok();
        let canvas = matrix
            .as_ref()
            .and_then(|matrix| Canvas::within((COLUMNS, LINES), matrix, style, Colours::None));
        let (Some(matrix), Some(canvas)) = (matrix, canvas) else {
            let columns = COLUMNS;
            return self.tell(Dialogue::NoRoom { columns });
        };
        let lines = canvas.lines(&matrix);
        if lines + canvas.lines_below() > LINES {
            self.tell(Dialogue::Scroll { lines });
        }
        self.show_drawing(&matrix, &canvas);
        self.drawing = Some((matrix, canvas));
    }

    fn show_drawing(&mut self, matrix: &Matrix, canvas: &Canvas) {
        let drawing = qr::draw(matrix, canvas);
        self.show(&["\n", drawing.trim_end_matches('\n')]);
        self.tell(Dialogue::NotSeen);
    }

    /// Draws the code the other way round; `false`: none was drawn.
    fn draw_inverted(&mut self) -> bool {
        let Some((matrix, mut canvas)) = self.drawing.take() else {
            return false;
        };
        canvas.inverted = !canvas.inverted;
        self.show_drawing(&matrix, &canvas);
        self.drawing = Some((matrix, canvas));
        true
    }

    /// Asks for a code of the new device until one is right; three are looked at.
    fn prove(&mut self, draft: &mut Draft) -> Result<(), End> {
        let Some(digits) = draft.device().map(|device| device.digits.count()) else {
            return Ok(());
        };
        let mut inversions = 0;
        loop {
            let typed = self.ask(Dialogue::CodeQuestion { digits })?;
            // No guess, so it costs no try; but nobody has this program draw without end.
            if inversions < ANSWERS && is_word(&typed, &INVERTED) && self.draw_inverted() {
                inversions += 1;
                continue;
            }
            let now = self.call.host.now()?;
            let proof = draft
                .prove(&typed, &self.case.policy, now)
                .map_err(End::Refused)?;
            let wrong = match (proof, draft.device()) {
                (Proof::Right, _) => {
                    self.tell(Dialogue::Proven);
                    return Ok(());
                }
                (Proof::Behind(by), _) => Dialogue::ClockBehind(by),
                (Proof::Ahead(by), _) => Dialogue::ClockAhead(by),
                (Proof::Ignores(settings), Some(device)) => Dialogue::Ignores(settings, device),
                (Proof::Ignores(_), None) | (Proof::NoMatch, _) => Dialogue::NoMatch,
                (Proof::NotACode, _) => Dialogue::NotACode { digits },
            };
            self.tell(wrong);
            if draft.tries() == 0 {
                return Err(End::Refused(Refused::NotProven));
            }
            self.tell(Dialogue::TriesLeft(draft.tries()));
        }
    }

    /// Shows the recovery codes once, and waits for the word that they are kept.
    fn hand_out(&mut self, codes: &[RecoveryCode]) -> Result<(), End> {
        let (language, now) = (self.call.language, self.call.host.now()?);
        let owner = (self.account.name.as_str(), self.machine.as_str());
        let sheet = recovery_sheet::reveal(owner, language, codes, now);
        self.show(&["\n", &sheet]);
        self.tell(Dialogue::CodesOnce);
        for _ in 0..ANSWERS {
            let reply = self.ask(Dialogue::KeptQuestion)?;
            if is_word(&reply, &KEPT) {
                return Ok(());
            }
            self.tell(Dialogue::NotKept);
        }
        Err(End::Refused(Refused::NotProven))
    }

    fn ask(&mut self, question: Dialogue<'_>) -> Result<Reply, Stop> {
        let text = question.text(self.call.language);
        match self.call.host.ask(&text, true)? {
            Some(reply) => Ok(reply),
            None => Err(HostFault::Conversation.into()),
        }
    }

    fn tell(&mut self, sentence: Dialogue<'_>) {
        let text = self.lines(sentence);
        self.show(&[&text]);
    }

    /// A sentence in lines that fit the terminal: PAM's applications break none.
    fn lines(&self, sentence: Dialogue<'_>) -> String {
        wrap(&sentence.text(self.call.language), COLUMNS - 1)
    }

    /// Shows what may hold a secret, from memory that is wiped.
    fn show(&mut self, parts: &[&str]) {
        let room = parts.iter().map(|part| part.len()).sum();
        let mut text = Zeroizing::new(String::with_capacity(room));
        for part in parts {
            text.push_str(part);
        }
        self.call.host.tell(&text, Tone::Information);
    }
}

#[cfg(test)]
mod tests;
