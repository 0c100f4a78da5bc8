//! What `otp-admin doctor` finds, and what to do about it.

mod english;
mod id;
mod korean;

use crate::record::Language;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Something is wrong, or open.
    Problem,
    /// What an administrator should know, and may have wanted; the exit status does not count it.
    Note,
}

impl Weight {
    /// The same in every language, for programs and for searching.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Note => "note",
        }
    }
}

/// One finding. Its words begin with what is wrong, and end with what to do.
///
/// `line` is `FILE:LINE`, `module` the file name of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    // Who gets in.
    /// A line ends the stack, or jumps, before ours.
    WayIn {
        /// The line that does.
        line: String,
        /// Its module.
        module: String,
        /// What the module answers then, as `pam.conf(5)` calls it.
        answer: String,
    },
    /// Our line refuses, and the login is let in all the same.
    RefusalUndone {
        /// Our line.
        line: String,
    },
    /// No line looks at the code that `split` has cut off.
    NeverChecked {
        /// The line with `split`.
        line: String,
    },
    /// A code is all that it takes.
    CodeAlone {
        /// Our line.
        line: String,
    },
    /// Where policy wants no code, it takes nothing at all.
    NothingAsked {
        /// Our line.
        line: String,
    },
    /// No way leads in.
    RefusesEverybody,
    /// A line of the service names a module that is not there.
    ModuleMissing {
        /// The line.
        line: String,
        /// The module.
        module: String,
    },
    /// A line takes in a file that is not there.
    FileMissing {
        /// The line.
        line: String,
        /// The file.
        file: String,
    },
    /// An argument of our line is wrong, so it refuses.
    BadArgument {
        /// Our line.
        line: String,
        /// The name of the argument.
        argument: String,
    },
    /// An argument of our line names a file that is not there.
    ArgumentNamesNothing {
        /// Our line.
        line: String,
        /// The path.
        path: String,
    },
    // Who can lock others.
    /// The code is asked for before anything else, and could be asked for later.
    LocksAbove {
        /// Our line.
        line: String,
        /// The line below which it belongs.
        below: String,
    },
    /// The code is asked for before anything else, and this stack has no better place.
    CodeFirst {
        /// Our line.
        line: String,
    },
    /// A refusal in a substack does not keep from our line.
    LocksAfterSubstack {
        /// Our line.
        line: String,
        /// The line with `substack`.
        substack: String,
    },
    /// A refusal of a line above does not keep from ours.
    LocksAfterRefusal {
        /// Our line.
        line: String,
        /// The line above.
        above: String,
        /// Its module.
        module: String,
    },
    /// A wrong code is counted as a wrong password as well.
    CountedTwice {
        /// The line of `pam_faillock`.
        line: String,
    },
    // What is asked.
    /// Two codes are asked for.
    TwoCodes {
        /// Our first line.
        line: String,
        /// Our second line.
        second: String,
    },
    /// The profile of pam-auth-update is on, and the service has a line of its own.
    ProfileAndLine {
        /// The line of the service.
        line: String,
        /// The line of the profile.
        profile: String,
    },
    /// The program asks once, and our line does not split.
    NeedsSplit {
        /// Our line.
        line: String,
        /// The program.
        program: String,
    },
    /// The password is asked for again behind `split`.
    AskedAgain {
        /// The line that asks.
        line: String,
        /// Its module.
        module: String,
    },
    /// `nullok`, although the policy says who must have an authenticator.
    NullokOverrules {
        /// Our line.
        line: String,
    },
    /// `nullok`, although everybody has an authenticator.
    NullokLeft {
        /// Our line.
        line: String,
    },
    /// `nullok`, as intended while people enrol.
    Nullok {
        /// Our line.
        line: String,
    },
    // Whose file counts.
    /// The service has no line of ours.
    NotProtected,
    /// The service has no file.
    NoSuchService,
    /// Our line is in a file that another one hides.
    Shadowed {
        /// The file with our line.
        file: String,
        /// The file that counts.
        by: String,
    },
    /// Our line is in a vendor's file.
    InVendorFile {
        /// Our line.
        line: String,
    },
    /// Our line is in `pam.conf`, which nobody reads.
    InPamConf {
        /// Our line.
        line: String,
    },
    /// A service that leads to the same rights has no line of ours.
    SiblingOpen {
        /// The service without.
        sibling: String,
    },
    /// polkit gives the same rights, and has no line of ours.
    PolkitOpen,
    // Other lines of ours.
    /// An account line and no auth line.
    AccountWithoutAuth,
    /// A login can get past the account line.
    AccountLedAround {
        /// The account line.
        line: String,
    },
    /// `nullok` on the auth line and not on the account line.
    AccountForgetsNullok {
        /// The account line.
        line: String,
    },
    /// An account line where nobody logs in.
    AccountOfJobs {
        /// The account line.
        line: String,
    },
    /// A line of ours among those that run when a password is changed.
    LineForChanges {
        /// The line.
        line: String,
    },
    /// A session line of ours.
    SessionLine {
        /// The line.
        line: String,
    },
    // Enrolling at login.
    /// Logins are to enrol, and there is no account line.
    EnrolNoAccountLine,
    /// Logins are to enrol, and nobody finds out who it is.
    EnrolUnproven,
    /// Logins are to enrol, and the program may keep what it shows.
    EnrolNotHere,
    /// Logins are to enrol, and `login` gives too little time.
    LoginTimeout {
        /// How long it gives.
        seconds: u64,
    },
    /// Logins are to enrol, and sshd gives too little time.
    LoginGraceTime {
        /// How long it gives.
        seconds: u64,
        /// Where in the configuration; empty: everywhere.
        within: String,
    },
    // Programs that are not root.
    /// The account of the program may not ask for others.
    UntrustedCaller {
        /// The account.
        account: String,
    },
    /// The helper is not there, or cannot read the records.
    HelperUnusable {
        /// Its path.
        path: String,
    },
    // sshd.
    /// `UsePAM no`
    SshdNoPam {
        /// Where in the configuration; empty: everywhere.
        within: String,
    },
    /// `PasswordAuthentication yes`
    SshdPassword {
        /// Where in the configuration; empty: everywhere.
        within: String,
    },
    /// `KbdInteractiveAuthentication no`
    SshdNoDialogue {
        /// Where in the configuration; empty: everywhere.
        within: String,
    },
    /// `AuthenticationMethods` has a list without keyboard-interactive.
    SshdMethods {
        /// Where in the configuration; empty: everywhere.
        within: String,
        /// The list.
        methods: String,
    },
    /// A key alone logs in.
    SshdKeyAlone {
        /// Where in the configuration; empty: everywhere.
        within: String,
        /// Whether there is an account line, by which the policy and a lock hold.
        has_account_line: bool,
    },
    // The policy.
    /// The policy cannot be used.
    PolicyUnusable {
        /// What is wrong with it.
        reason: String,
    },
    /// A group that must have a second factor cannot be looked up.
    GroupUnknown {
        /// Which.
        group: String,
    },
    /// An exempt group cannot be looked up.
    ExemptGroupUnknown {
        /// Which.
        group: String,
    },
    /// Nobody is in any group that must have a second factor.
    GroupsEmpty {
        /// Which.
        groups: String,
    },
    /// No such exempt user.
    ExemptUserUnknown {
        /// Who.
        user: String,
    },
    /// No such trusted caller.
    CallerUnknown {
        /// Who.
        user: String,
    },
    /// A trusted network holds this machine itself.
    TrustsLoopback {
        /// Which.
        network: String,
    },
    /// A trusted network holds everybody.
    TrustsEverybody {
        /// Which.
        network: String,
    },
    // The machine.
    /// The clock is not kept.
    ClockAdrift,
    /// The directory of records is not there.
    RecordsMissing {
        /// Where it should be.
        path: String,
    },
    /// Records were here, and are gone.
    RecordsGone {
        /// Where they should be.
        path: String,
    },
    /// A record belongs to somebody else.
    RecordOwner {
        /// Which.
        path: String,
    },
    /// A record can be read or written by others.
    RecordMode {
        /// Which.
        path: String,
        /// What it has.
        mode: u32,
        /// What it may have.
        allowed: u32,
    },
    /// A credential has no state beside it.
    StateMissing {
        /// Whose.
        user: String,
    },
    /// `SELinux` is on, and the records have another label.
    RecordLabel {
        /// Where they are.
        path: String,
        /// The label.
        label: String,
    },
    /// `AppArmor` confines a program that checks codes, without the rules for that.
    AppArmorRules {
        /// The profile.
        profile: String,
    },
    /// Nobody can become root any more.
    NobodyBecomesRoot,
}

impl Finding {
    /// The words.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    /// How much it matters.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        // Each of these is a choice that README.md names where it says what to write.
        if matches!(
            self,
            Self::CodeFirst { .. }
                | Self::Nullok { .. }
                | Self::SshdKeyAlone { .. }
                | Self::EnrolNotHere
        ) {
            Weight::Note
        } else {
            Weight::Problem
        }
    }
}

/// What an examination came to, below its findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Summary {
    /// No service has a line of ours.
    NoLines,
    /// Nothing is wrong.
    Sound {
        /// The services that were examined.
        services: String,
    },
    /// Something is.
    Found {
        /// The services that were examined.
        services: String,
        /// How many findings are problems.
        problems: usize,
    },
    /// Services in which no code is asked for.
    Unprotected {
        /// Those.
        services: String,
    },
    /// Something could not be looked at.
    Unexamined {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
}

impl Summary {
    /// The words.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::NoLines => {
                "no service has a line of pam_otp.so, so no code is asked for anywhere".to_owned()
            }
            Self::Sound { services } => format!("examined {services}: nothing is wrong"),
            Self::Found {
                services,
                problems: 1,
            } => format!("examined {services}: 1 problem"),
            Self::Found { services, problems } => {
                format!("examined {services}: {problems} problems")
            }
            Self::Unprotected { services } => format!("no code is asked for in {services}"),
            Self::Unexamined { what, reason } => format!("{what} could not be examined: {reason}"),
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::NoLines => {
                "pam_otp.so 줄이 있는 서비스가 없어 어디서도 인증 코드를 묻지 않습니다".to_owned()
            }
            Self::Sound { services } => {
                format!("{services} 서비스를 살펴보았습니다. 잘못된 것이 없습니다")
            }
            Self::Found { services, problems } => {
                format!("{services} 서비스를 살펴보았습니다. 문제가 {problems}개 있습니다")
            }
            Self::Unprotected { services } => format!("인증 코드를 묻지 않는 서비스: {services}"),
            Self::Unexamined { what, reason } => format!("살펴볼 수 없습니다: {what}: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests;
