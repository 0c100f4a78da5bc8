//! What `otp-admin doctor` finds, and what to do about it.

mod english;
mod id;
mod korean;

use crate::messages::reason::Wording;
use crate::record::Language;

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Something is wrong, or a way in is open.
    Problem,
    /// Something that an administrator should know, and may have wanted; the exit status does not count it.
    Note,
}

impl Weight {
    /// The word for programs and for searching, the same in every language.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Note => "note",
        }
    }
}

/// One finding. Its text begins with what is wrong, and ends with what to do.
///
/// `line` is `FILE:LINE`; `module` is the file name of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    // Who is let in.
    /// A line ends the stack, or jumps, before our line.
    WayIn {
        /// That line.
        line: String,
        /// Its module.
        module: String,
        /// The answer of the module that causes it, in the words of `pam.conf(5)`.
        answer: String,
    },
    /// Our line refuses, and the login is still let in.
    RefusalUndone {
        /// Our line.
        line: String,
    },
    /// No line checks the code that `split` has cut off.
    NeverChecked {
        /// The line with `split`.
        line: String,
    },
    /// A code alone lets users in.
    CodeAlone {
        /// Our line.
        line: String,
    },
    /// If policy demands no code, nothing at all is asked for.
    NothingAsked {
        /// Our line.
        line: String,
    },
    /// No login can succeed.
    RefusesEverybody,
    /// A line of the service names a module that does not exist.
    ModuleMissing {
        /// The line.
        line: String,
        /// The module.
        module: String,
    },
    /// A line includes a file that does not exist.
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
    /// An argument of our line names a file that does not exist.
    ArgumentNamesNothing {
        /// Our line.
        line: String,
        /// The path.
        path: String,
    },
    // The people who can lock other users' accounts.
    /// The code is asked for before anything else, although it could be asked for later.
    LocksAbove {
        /// Our line.
        line: String,
        /// The line below which our line belongs.
        below: String,
    },
    /// The code is asked for before anything else, and this stack has no better position for our line.
    CodeFirst {
        /// Our line.
        line: String,
    },
    /// After a refusal in a substack, our line still runs.
    LocksAfterSubstack {
        /// Our line.
        line: String,
        /// The line with `substack`.
        substack: String,
    },
    /// After a refusal by a line above, our line still runs.
    LocksAfterRefusal {
        /// Our line.
        line: String,
        /// The line above.
        above: String,
        /// Its module.
        module: String,
    },
    /// A wrong code is also counted as a wrong password.
    CountedTwice {
        /// The line of `pam_faillock`.
        line: String,
    },
    // What users are asked for.
    /// Two codes are asked for.
    TwoCodes {
        /// Our first line.
        line: String,
        /// Our second line.
        second: String,
    },
    /// The profile of pam-auth-update is on, and the service also has its own line.
    ProfileAndLine {
        /// The line of the service.
        line: String,
        /// The line of the profile.
        profile: String,
    },
    /// The program asks once, and our line has no `split`.
    NeedsSplit {
        /// Our line.
        line: String,
        /// The program.
        program: String,
    },
    /// The password is asked for again after `split`.
    AskedAgain {
        /// The line that asks.
        line: String,
        /// Its module.
        module: String,
    },
    /// `nullok` is set, although the policy says who must have an authenticator.
    NullokOverrules {
        /// Our line.
        line: String,
    },
    /// `nullok` is set, although all users have an authenticator.
    NullokLeft {
        /// Our line.
        line: String,
    },
    /// `nullok` is set, as intended while users enrol.
    Nullok {
        /// Our line.
        line: String,
    },
    // Which file counts.
    /// The service has none of our lines.
    NotProtected,
    /// The service has no file.
    NoSuchService,
    /// Our line is in a file that another file hides.
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
    /// Our line is in `pam.conf`, which PAM does not read.
    InPamConf {
        /// Our line.
        line: String,
    },
    /// A service that gives the same rights has none of our lines.
    SiblingOpen {
        /// That service.
        sibling: String,
    },
    /// polkit gives the same rights, and has none of our lines.
    PolkitOpen,
    // Our other lines.
    /// The service has our account line and no auth line.
    AccountWithoutAuth,
    /// A login can bypass the account line.
    AccountLedAround {
        /// The account line.
        line: String,
    },
    /// `nullok` is on the auth line but not on the account line.
    AccountForgetsNullok {
        /// The account line.
        line: String,
    },
    /// An account line in a service without logins.
    AccountOfJobs {
        /// The account line.
        line: String,
    },
    /// Our line is among those that run when a password is changed.
    LineForChanges {
        /// The line.
        line: String,
    },
    /// Our line is a session line.
    SessionLine {
        /// The line.
        line: String,
    },
    // Enrolment at login.
    /// Logins should enrol users, and the service has no account line.
    EnrolNoAccountLine,
    /// Logins should enrol users, and no module finds out who the user is.
    EnrolUnproven,
    /// Logins should enrol users, and the program may keep what it shows.
    EnrolNotHere,
    /// Logins should enrol users, and `login` gives too little time.
    LoginTimeout {
        /// How long it gives, in seconds.
        seconds: u64,
    },
    /// Logins should enrol users, and sshd gives too little time.
    LoginGraceTime {
        /// How long it gives, in seconds.
        seconds: u64,
        /// The `Match` line of the configuration; empty: everywhere.
        within: String,
    },
    // Programs that are not root.
    /// The account of the program may not ask about other users.
    UntrustedCaller {
        /// The account.
        account: String,
    },
    /// The helper is missing, or cannot read the records.
    HelperUnusable {
        /// Its path.
        path: String,
    },
    // sshd.
    /// `UsePAM no`
    SshdNoPam {
        /// The `Match` line of the configuration; empty: everywhere.
        within: String,
    },
    /// `PasswordAuthentication yes`
    SshdPassword {
        /// The `Match` line of the configuration; empty: everywhere.
        within: String,
    },
    /// `KbdInteractiveAuthentication no`
    SshdNoDialogue {
        /// The `Match` line of the configuration; empty: everywhere.
        within: String,
    },
    /// `AuthenticationMethods` has a list without keyboard-interactive.
    SshdMethods {
        /// The `Match` line of the configuration; empty: everywhere.
        within: String,
        /// The list.
        methods: String,
    },
    /// A key alone lets users in.
    SshdKeyAlone {
        /// The `Match` line of the configuration; empty: everywhere.
        within: String,
        /// Whether there is an account line, which applies the policy and locks.
        has_account_line: bool,
    },
    // The policy.
    /// The policy cannot be used.
    PolicyUnusable {
        /// The fault in it.
        reason: Wording,
    },
    /// A group that must have a second factor cannot be looked up.
    GroupUnknown {
        /// The group, as the policy names it.
        group: String,
    },
    /// An exempt group cannot be looked up.
    ExemptGroupUnknown {
        /// The group, as the policy names it.
        group: String,
    },
    /// No user is in any group that must have a second factor.
    GroupsEmpty {
        /// The groups.
        groups: String,
    },
    /// An exempt user does not exist.
    ExemptUserUnknown {
        /// The name.
        user: String,
    },
    /// A trusted caller does not exist.
    CallerUnknown {
        /// The name.
        user: String,
    },
    /// A trusted network contains this machine itself.
    TrustsLoopback {
        /// The network.
        network: String,
    },
    /// A trusted network contains every address.
    TrustsEverybody {
        /// The network.
        network: String,
    },
    // The machine.
    /// The clock is not synchronised.
    ClockAdrift,
    /// The directory of records does not exist.
    RecordsMissing {
        /// Where it should be.
        path: String,
    },
    /// Records were here, and are gone.
    RecordsGone {
        /// Where they should be.
        path: String,
    },
    /// A record belongs to another user.
    RecordOwner {
        /// Its path.
        path: String,
    },
    /// Others can read or write a record.
    RecordMode {
        /// Its path.
        path: String,
        /// The mode that it has.
        mode: u32,
        /// The mode that it may have.
        allowed: u32,
    },
    /// A credential has no state.
    StateMissing {
        /// The user's name.
        user: String,
    },
    /// `SELinux` is on, and the records have a wrong label.
    RecordLabel {
        /// Where the records are.
        path: String,
        /// The label.
        label: String,
    },
    /// `AppArmor` confines a program that checks codes, without the rules for this.
    AppArmorRules {
        /// The profile.
        profile: String,
    },
    /// No user can become root any more.
    NobodyBecomesRoot,
}

impl Finding {
    /// Returns the text in this language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    /// Returns how serious the finding is.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        // Each of these is a choice that pam_otp-setup(7) explains beside the lines that administrators write for it.
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

/// The result of an examination, below its findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Summary {
    /// No service has our lines.
    NoLines,
    /// Nothing is wrong.
    Sound {
        /// The services that were examined.
        services: String,
    },
    /// Something is wrong.
    Found {
        /// The services that were examined.
        services: String,
        /// How many findings are problems.
        problems: usize,
    },
    /// Services in which no code is asked for.
    Unprotected {
        /// The services.
        services: String,
    },
    /// Something could not be examined.
    Unexamined {
        /// What could not be examined.
        what: String,
        /// The reason.
        reason: Wording,
    },
}

impl Summary {
    /// Returns the text in this language.
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
            Self::Unexamined { what, reason } => format!(
                "{what} could not be examined: {}",
                reason.text(Language::English)
            ),
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::NoLines => {
                "pam_otp.so 줄이 있는 서비스가 없어 어느 서비스에서도 인증 코드를 요구하지 않습니다.".to_owned()
            }
            Self::Sound { services } => {
                format!("{services} 서비스를 점검했습니다. 문제가 없습니다.")
            }
            Self::Found { services, problems } => {
                format!("{services} 서비스를 점검했습니다. 문제가 {problems}개 있습니다.")
            }
            Self::Unprotected { services } => format!("인증 코드를 요구하지 않는 서비스: {services}"),
            Self::Unexamined { what, reason } => format!(
                "점검할 수 없습니다: {what}: {}",
                reason.text(Language::Korean)
            ),
        }
    }
}

#[cfg(test)]
mod tests;
