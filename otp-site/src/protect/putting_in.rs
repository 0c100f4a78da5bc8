//! The plan that makes a program ask for a code.

use super::lines::{self, Intake, Misfit, ONE_REPLY, Wanted};
use super::{
    Asks, COPIED, DEEPEST, DROP_IN, Edit, MADE, Machine, OWN, Plan, Program, Stop, VENDORS,
    refusal, sshd,
};
use otp_core::messages::protect::{Note, Refusal};

/// Modules that the lines for one reply may leave out: on their own they let nobody in, and they keep out nobody whom
/// those lines let in.
const LEFT_OUT: [&str; 9] = [
    "pam_unix.so",
    "pam_deny.so",
    "pam_permit.so",
    "pam_cap.so",
    "pam_env.so",
    "pam_faildelay.so",
    "pam_group.so",
    "pam_nologin.so",
    "pam_otp.so",
];

impl Machine {
    /// Plans to make a program ask for a code. `sshd_is_set`: sshd's effective configuration already asks PAM.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn protect(&self, program: Program, sshd_is_set: bool) -> Result<Plan, Stop> {
        let mut plan = Plan::default();
        for (at, name) in program.services().iter().enumerate() {
            self.protect_service(program, (name, at == 0), &mut plan)?;
        }
        if program == Program::Sshd && !sshd_is_set {
            let edit = self.drop_in()?;
            // Before the line: with the line alone, a password that a client sends at once would be a wrong code.
            plan.edits.splice(0..0, edit);
        }
        if plan.edits.is_empty() {
            plan.notes.clear();
            return Ok(plan);
        }
        if program == Program::Sshd {
            plan.notes.push(Note::KeysAlone);
        }
        let service = program.name().to_owned();
        if program.asks_root() {
            let service = service.clone();
            plan.notes.push(Note::RootNeedsOne { service });
        }
        if program.brings_no_file() {
            plan.notes.push(Note::NameTheService { service });
        }
        Ok(plan)
    }

    fn protect_service(
        &self,
        program: Program,
        (name, is_first): (&str, bool),
        plan: &mut Plan,
    ) -> Result<(), Stop> {
        let service = self.service(name)?;
        let path = service.path;
        let Some(text) = service.own.as_ref().or(service.vendors.as_ref()) else {
            if is_first && program.brings_no_file() {
                let after = Some(self.whole_file()?);
                let before = None;
                plan.edits.push(Edit {
                    path,
                    before,
                    after,
                });
                return Ok(());
            }
            return if is_first {
                Err(Refusal::NoFile { path }.into())
            } else {
                Ok(())
            };
        };
        let wanted = match program.asks() {
            Asks::Each => Wanted::Code {
                skips: (program == Program::Su).then_some("pam_rootok.so"),
            },
            Asks::Once => Wanted::OneReply,
        };
        let misfit = |misfit| refusal(misfit, &path, wanted);
        let asking = lines::asking(text).map_err(misfit)?;
        if let Some(&line) = asking.first() {
            // Existing lines must be those of `protect` or of pam_otp-setup(7); others may mean something else.
            return match lines::take_out(text, Some("@include common-auth")) {
                Ok(_) if asking.len() == wanted.count() => Ok(()),
                Ok(_) => Err(misfit(Misfit::OursOtherwise(line)).into()),
                Err(other) => Err(misfit(other).into()),
            };
        }
        let new = lines::put_in(text, wanted).map_err(misfit)?;
        let intake = lines::intake(text).map_err(misfit)?;
        match (wanted, intake) {
            (Wanted::Code { .. }, Intake::Service(other)) => {
                if !is_first && program.services().contains(&other) {
                    return Ok(());
                }
                let (service, other) = (name.to_owned(), other.to_owned());
                return Err(Refusal::TakenFrom { service, other }.into());
            }
            (Wanted::Code { .. }, Intake::Common | Intake::CommonSubstack) => {
                self.refuse_covered(name, text)?;
                self.refuse_led_around("common-auth")?;
            }
            (Wanted::Code { .. }, Intake::System) => self.refuse_covered(name, text)?,
            (Wanted::OneReply, _) => self.refuse_other_modules(text, &path, 0)?,
        }
        let after = match &service.vendors {
            Some(_) => {
                let from = format!("{VENDORS}/{name}");
                let copied = format!("{COPIED}{from}\n{new}");
                let to = path.clone();
                plan.notes.push(Note::VendorCopied { from, to });
                copied
            }
            None => new,
        };
        plan.edits.push(Edit {
            path,
            before: service.own,
            after: Some(after),
        });
        Ok(())
    }

    /// Refuses if a file that a text includes already asks for a code.
    pub(super) fn refuse_covered(&self, service: &str, text: &str) -> Result<(), Stop> {
        if let Some(path) = self.asked_in(text, 0)? {
            let service = service.to_owned();
            return Err(Refusal::CoveredBy { service, path }.into());
        }
        Ok(())
    }

    /// Returns the included file that asks for a code.
    pub(super) fn asked_in(&self, text: &str, depth: u8) -> Result<Option<String>, Stop> {
        let unreadable = |misfit| refusal(misfit, OWN, Wanted::Code { skips: None });
        for step in lines::steps(text).map_err(unreadable)? {
            let Some(file) = step.file else { continue };
            let Some((path, text)) = self.included(file)? else {
                continue;
            };
            let asks = lines::steps(&text).map_err(unreadable)?;
            if asks.iter().any(|one| one.module == "pam_otp.so") {
                return Ok(Some(path));
            }
            if depth < DEEPEST
                && let Some(path) = self.asked_in(&text, depth + 1)?
            {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Refuses if a line of an included file can bypass what stands below it.
    fn refuse_led_around(&self, file: &str) -> Result<(), Stop> {
        let Some((path, text)) = self.included(file)? else {
            return Err(Refusal::UnknownDistribution.into());
        };
        let wanted = Wanted::Code { skips: None };
        let steps = lines::steps(&text).map_err(|misfit| refusal(misfit, &path, wanted))?;
        for (at, step) in steps.iter().enumerate() {
            // How many modules another file has is not examined, so a jump over it is not understood.
            let over_a_file = step.jumps > 0 && steps[at..].iter().any(|one| one.file.is_some());
            if step.ends || over_a_file || at + 1 + step.jumps > steps.len() {
                let (path, line) = (path.clone(), step.number);
                return Err(Refusal::LedAround { path, line }.into());
            }
            if let Some(file) = step.file {
                self.refuse_led_around(file)?;
            }
        }
        Ok(())
    }

    /// Refuses if an included file checks identity with more than the machine's password, or keeps users out.
    fn refuse_other_modules(&self, text: &str, path: &str, depth: u8) -> Result<(), Stop> {
        let wanted = Wanted::OneReply;
        let steps = lines::steps(text).map_err(|misfit| refusal(misfit, path, wanted))?;
        for step in steps {
            if let Some(file) = step.file {
                let Some((path, text)) = self.included(file)? else {
                    continue;
                };
                if depth < DEEPEST {
                    self.refuse_other_modules(&text, &path, depth + 1)?;
                }
                continue;
            }
            // The profile's own jump over our line.
            let is_the_profiles =
                step.module == "pam_succeed_if.so" && step.arguments.contains("otp-enroll");
            // Lines of the service's own file stay.
            if depth > 0 && !LEFT_OUT.contains(&step.module) && !is_the_profiles {
                let (path, module) = (path.to_owned(), step.module.to_owned());
                return Err(Refusal::OtherModules { path, module }.into());
            }
        }
        Ok(())
    }

    /// Returns a file for a service whose package has none.
    pub(super) fn whole_file(&self) -> Result<String, Stop> {
        let there = |name: &str| -> Result<bool, Stop> { Ok(self.included(name)?.is_some()) };
        let (auth, account) = if there("common-auth")? {
            ("@include common-auth\n", "@include common-account\n")
        } else if there("system-auth")? {
            (
                "auth include system-auth\n",
                "account    include     system-auth\n",
            )
        } else {
            return Err(Refusal::UnknownDistribution.into());
        };
        self.refuse_other_modules(auth, OWN, 0)?;
        Ok(format!("{MADE}{}\n{account}", ONE_REPLY.join("\n")))
    }

    /// Plans the drop-in file for sshd; `None`: it exists and says what is wanted.
    fn drop_in(&self) -> Result<Option<Edit>, Stop> {
        let path = DROP_IN.to_owned();
        match self.read(DROP_IN)? {
            None => Ok(Some(Edit {
                path,
                before: None,
                after: Some(sshd::text()),
            })),
            Some(text) if sshd::says_all(&text) => Ok(None),
            Some(_) => Err(Refusal::DropInThere { path }.into()),
        }
    }
}

impl Wanted {
    /// Returns how many lines ask for a code.
    const fn count(self) -> usize {
        match self {
            Self::Code { .. } => 1,
            Self::OneReply => 2,
        }
    }
}
