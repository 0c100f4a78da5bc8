//! A login with the new lines, by the administrator who makes the change.

use super::conditions;
use crate::failure::Failure;
use crate::lost::broken;
use crate::site::Site;
use crate::terminal::{Echo, Left, Terminal};
use otp_core::Account;
use otp_core::layout::wrap;
use otp_core::messages::protect::{Note, Refusal};
use otp_helper::client::DEFAULT_HELPER;
use otp_helper::records::{Attendant, Broken, try_login};
use otp_site::protect::{Asks, Program};
use otp_store::Overview;
use std::cell::RefCell;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use zeroize::Zeroizing;

/// The number of tries: people mistype, and five wrong codes lock the account.
const TRIES: u8 = 3;

/// A login with the new lines, by the administrator who makes the change.
pub struct Attempt<'a> {
    /// The policy and the records.
    pub site: &'a Site,
    /// The program whose login is tried.
    pub program: Program,
    /// The administrator who logs in.
    pub you: &'a Account,
    /// The state of the account before.
    pub before: Option<Overview>,
}

impl Attempt<'_> {
    /// Tries the login. It refuses if the login is refused, or if the user has an authenticator and no code was
    /// checked.
    pub fn make(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        let language = self.site.language;
        let say = |note: &Note| {
            let (columns, _) = terminal.size();
            terminal.show(&format!("{}\n", wrap(&note.text(language), columns)))
        };
        say(&Note::Trial {
            service: self.program.name().to_owned(),
            user: self.you.name.as_str().to_owned(),
        })?;
        let asks_once = self.program.asks() == Asks::Once;
        if asks_once {
            say(&Note::OneReply)?;
        }
        for _ in 0..TRIES {
            let person = Person {
                terminal,
                question: asks_once.then(|| Note::OneReplyPrompt.text(language)),
                reply: RefCell::new(None),
            };
            let runs_as = conditions::runs_as(self.program, self.you)?;
            let helper = Path::new(DEFAULT_HELPER);
            let let_in = try_login(helper, self.you, self.program.name(), runs_as, &person);
            if let_in.map_err(|why: Broken<Left>| broken(why, self.you))? {
                self.must_have_checked_a_code()?;
                say(&Note::Worked)?;
                return Ok(());
            }
        }
        Err(Refusal::NotLetIn.into())
    }

    fn must_have_checked_a_code(&self) -> Result<(), Failure> {
        let Some(before) = &self.before else {
            return Ok(());
        };
        let now = conditions::may_come_in(self.site, self.you)?;
        let used = |one: &Overview| {
            let last = one
                .authenticators
                .iter()
                .filter_map(|device| device.last_used);
            (last.max(), one.recovery_codes_left)
        };
        if now.as_ref().map(used) == Some(used(before)) {
            return Err(Refusal::NoCodeChecked.into());
        }
        Ok(())
    }
}

/// The person at the terminal, whom the program asks each question, or one for all.
struct Person<'a> {
    terminal: &'a Terminal,
    /// The question for the only reply, if the program asks once.
    question: Option<String>,
    reply: RefCell<Option<Zeroizing<Vec<u8>>>>,
}

impl Attendant for Person<'_> {
    type Left = Left;

    fn attend(&self, _other_side: OwnedFd) {}

    fn wait_for(&self, said: BorrowedFd<'_>) -> Result<(), Left> {
        self.terminal.wait_for(said)
    }

    fn still_here(&self) -> Result<(), Left> {
        self.terminal.still_here()
    }

    fn ask(&self, question: &str, echo: bool) -> Result<Zeroizing<Vec<u8>>, Left> {
        let Some(own) = &self.question else {
            let echo = if echo { Echo::On } else { Echo::Off };
            return self.terminal.ask(question, echo);
        };
        if let Some(reply) = &*self.reply.borrow() {
            return Ok(reply.clone());
        }
        let typed = self.terminal.ask(own, Echo::Off)?;
        *self.reply.borrow_mut() = Some(typed.clone());
        Ok(typed)
    }

    fn tell(&self, text: &str) -> Result<(), Left> {
        // Programs that ask once show nothing.
        match self.question {
            Some(_) => Ok(()),
            None => self.terminal.show(&format!("{text}\n")),
        }
    }
}
