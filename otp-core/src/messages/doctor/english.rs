//! The findings in English.

use super::Finding;
use crate::record::Language;

/// ` for "Match ..."`, or nothing.
fn scope(within: &str) -> String {
    if within.is_empty() {
        String::new()
    } else {
        format!(" for \"{within}\"")
    }
}

impl Finding {
    #[expect(clippy::too_many_lines, reason = "one sentence after the other")]
    pub(super) fn english(&self) -> String {
        match self {
            Self::WayIn { line, module, answer } => format!(
                "{line}: where {module} answers \"{answer}\", users get in and no code is asked for; move the line of pam_otp.so above it, or make it \
                 \"required\""
            ),
            Self::RefusalUndone { line } => format!(
                "{line}: users get in although pam_otp.so refuses, since its refusal does not count there; write \"auth required pam_otp.so\""
            ),
            Self::NeverChecked { line } => format!(
                "{line}: \"split\" cuts the code off and no line of pam_otp.so looks at it; add \"auth required pam_otp.so\" below the line that \
                 checks the rest"
            ),
            Self::CodeAlone { line } => format!(
                "{line}: a code alone lets users in, nothing else is checked; put the line that checks who the user is \
                 (@include common-auth) above it, \
                 or in sshd demand a key with AuthenticationMethods"
            ),
            Self::NothingAsked { line } => format!(
                "{line}: users from whom the policy demands no code get in without any proof; add a module that checks who \
                 the user is (pam_permit.so does not)"
            ),
            Self::RefusesEverybody => {
                "nobody can get in, whatever they type; look at the order of the lines, and at the findings beside this one".to_owned()
            }
            Self::ModuleMissing { line, module } => format!(
                "{line}: {module} is not on this machine, so the line refuses everybody; install its package, or take the line out"
            ),
            Self::FileMissing { line, file } => format!(
                "{line}: includes \"{file}\", which does not exist, so PAM refuses; correct the name, or take the line out"
            ),
            Self::BadArgument { line, argument } => format!(
                "{line}: pam_otp.so refuses everybody, because it does not accept \"{argument}\" there; pam_otp(8) lists \
                 its arguments"
            ),
            Self::ArgumentNamesNothing { line, path } => format!(
                "{line}: pam_otp.so refuses everybody, because {path} does not exist; correct the path, or take the argument out"
            ),
            Self::LocksAbove { line, below } => format!(
                "{line}: the code is asked for first, so anybody who knows a name can lock that account with wrong codes; \
                 move the line below {below}"
            ),
            Self::CodeFirst { line } => format!(
                "{line}: the code is asked for first, so anybody who knows a name can lock that account with wrong codes; \
                 no place in these files is better, so use \
                 the profile for authselect where that matters"
            ),
            Self::LocksAfterSubstack { line, substack } => format!(
                "{line}: a code is asked for even after a refusal in the substack at {substack}, so anybody who knows a \
                 name can lock that account with wrong codes; make that \"include\" (@include)"
            ),
            Self::LocksAfterRefusal { line, above, module } => format!(
                "{line}: a code is asked for even after {module} has refused, so anybody who knows a name can lock that \
                 account with wrong codes; make \
                 {above} \"requisite\""
            ),
            Self::CountedTwice { line } => format!(
                "{line}: a wrong code also counts as a failure for pam_faillock.so, though the first proof was right; make \
                 the line of \
                 pam_otp.so \"requisite\", or move it below"
            ),
            Self::TwoCodes { line, second } => format!(
                "{line} and {second}: two codes are asked for, and no code works twice; take one of the lines out"
            ),
            Self::ProfileAndLine { line, profile } => format!(
                "{line}: the profile of pam-auth-update ({profile}) asks for a code already, so two are asked for; take this line out, or run \
                 'pam-auth-update --disable pam-otp'"
            ),
            Self::NeedsSplit { line, program } => format!(
                "{line}: {program} asks once and answers every question with that reply, so nobody gets in; use the three \
                 lines of \"Programs that ask only once\" in pam_otp-setup(7) (split)"
            ),
            Self::AskedAgain { line, module } => format!(
                "{line}: {module} asks anew, although \"split\" has the reply already; add \"try_first_pass\" to it"
            ),
            Self::NullokOverrules { line } => format!(
                "{line}: \"nullok\" lets every user without an authenticator in, whatever [enforce] demands; take it out, \
                 here and on the account \
                 line"
            ),
            Self::NullokLeft { line } => format!(
                "{line}: \"nullok\" is still there, although everybody who can log in has an authenticator; take it out, here and on the account line"
            ),
            Self::Nullok { line } => format!(
                "{line}: \"nullok\" lets users without an authenticator in without a code; take it out when everybody has one"
            ),
            Self::NotProtected => {
                "no code is asked for: there is no auth line of pam_otp.so; if you want one, add it as pam_otp-setup(7) says".to_owned()
            }
            Self::NoSuchService => {
                "there is no such service in /etc/pam.d, so the lines of \"other\" apply; check the name".to_owned()
            }
            Self::Shadowed { file, by } => format!(
                "{file}: has a line of pam_otp.so, but PAM reads {by} instead; put the line there"
            ),
            Self::InVendorFile { line } => format!(
                "{line}: the next upgrade of that package writes this file anew, without the line; copy the file to /etc/pam.d and change it there"
            ),
            Self::InPamConf { line } => format!(
                "{line}: PAM does not read this file where there is a directory /etc/pam.d; put the line into the file of the service there"
            ),
            Self::SiblingOpen { sibling } => format!(
                "the service {sibling} leads to the same rights and asks for no code; add the line to /etc/pam.d/{sibling} as well"
            ),
            Self::PolkitOpen => {
                "pkexec and similar programs (polkit-1) give the same people the rights of root without a code; copy \
                 /usr/lib/pam.d/polkit-1 to /etc/pam.d if it is not \
                 there, and add the line to it"
                    .to_owned()
            }
            Self::AccountWithoutAuth => {
                "there is an account line of pam_otp.so and no auth line, so no code is asked for; add \"auth required pam_otp.so\"".to_owned()
            }
            Self::AccountLedAround { line } => format!(
                "{line}: a login can get past this line; make it \"account required pam_otp.so\", above the other account lines"
            ),
            Self::AccountForgetsNullok { line } => format!(
                "{line}: refuses users without an authenticator, whom \"nullok\" on the auth line lets in; have it on both lines or on neither"
            ),
            Self::AccountOfJobs { line } => format!(
                "{line}: applies to jobs too, where nobody can type a code: jobs of users whom it refuses do not run; move \
                 it into the services where \
                 people log in"
            ),
            Self::LineForChanges { line } => format!(
                "{line}: pam_otp.so changes nothing when passwd(1) runs, and only logs otp.policy; take this line out, it \
                 belongs to \"auth\" and \"account\" alone"
            ),
            Self::SessionLine { line } => format!("{line}: pam_otp.so does nothing for sessions; take this line out"),
            Self::EnrolNoAccountLine => {
                "at_login wants logins to set up authenticators, and there is no account line of pam_otp.so to do it; add \"account required \
                 pam_otp.so\" above the other account lines"
                    .to_owned()
            }
            Self::EnrolUnproven => {
                "at_login wants logins to set up authenticators, and no module but pam_otp.so is known to find out who the user is, so none does; \
                 put a line such as that of pam_unix.so above"
                    .to_owned()
            }
            Self::EnrolNotHere => {
                "at_login wants logins to set up authenticators, but this program may keep what it shows, so none does here; have people enrol \
                 over ssh, or with otp-enroll"
                    .to_owned()
            }
            Self::LoginTimeout { seconds } => format!(
                "/etc/login.defs: LOGIN_TIMEOUT ends a login at the console after {seconds} seconds, too soon to set up an authenticator; set \
                 LOGIN_TIMEOUT 600"
            ),
            Self::LoginGraceTime { seconds, within } => format!(
                "sshd ends a login after {seconds} seconds{}, too soon to set up an authenticator; set LoginGraceTime 600",
                scope(within)
            ),
            Self::UntrustedCaller { account } => format!(
                "this program runs as {account}, which may not check the codes of others, so everybody is refused; add \"{account}\" to \
                 trusted_callers in [helper] of /etc/security/pam_otp.conf"
            ),
            Self::HelperUnusable { path } => format!(
                "{path}: does not exist, or lacks the group of the records or its set-group-id bit; this \
                 program is not root and cannot reach any record without it; reinstall the package"
            ),
            Self::SshdNoPam { within } => format!(
                "sshd does not ask PAM{}, so no code is asked for; set UsePAM yes",
                scope(within)
            ),
            Self::SshdPassword { within } => format!(
                "sshd answers every question with what the client sends{}, so the code is refused; set PasswordAuthentication no",
                scope(within)
            ),
            Self::SshdNoDialogue { within } => format!(
                "sshd has no way to ask for a code{}; set KbdInteractiveAuthentication yes",
                scope(within)
            ),
            Self::SshdMethods { within, methods } => format!(
                "AuthenticationMethods \"{methods}\"{} lets users in without a code; have keyboard-interactive in each of \
                 its lists",
                scope(within)
            ),
            Self::SshdKeyAlone { within, has_account_line: true } => format!(
                "a key, a host or a ticket logs in without a code{}; to ask for one as well set AuthenticationMethods publickey,keyboard-interactive",
                scope(within)
            ),
            Self::SshdKeyAlone { within, has_account_line: false } => format!(
                "a key, a host or a ticket logs in without a code{}, and neither a lock nor the policy keeps it out; set AuthenticationMethods \
                 publickey,keyboard-interactive, or add an account line of pam_otp.so",
                scope(within)
            ),
            Self::PolicyUnusable { reason } => format!(
                "{}; nobody gets in until that is corrected: otp-admin policy check names the line",
                reason.text(Language::English)
            ),
            Self::GroupUnknown { group } => format!(
                "[enforce] groups: group {group} cannot be looked up, so everybody counts as a member; correct the name"
            ),
            Self::ExemptGroupUnknown { group } => format!(
                "[enforce] exempt_groups: group {group} cannot be looked up, so it exempts nobody; correct the name"
            ),
            Self::GroupsEmpty { groups } => format!(
                "[enforce] groups: nobody is in {groups}, so nobody must have an authenticator; put people into it, or write groups = [\"*\"]"
            ),
            Self::ExemptUserUnknown { user } => {
                format!("[enforce] exempt_users: no user is called \"{user}\"; correct the name, or take it out")
            }
            Self::CallerUnknown { user } => {
                format!("[helper] trusted_callers: no user is called \"{user}\"; correct the name, or take it out")
            }
            Self::TrustsLoopback { network } => format!(
                "[trust] networks: {network} includes this machine itself, and so everybody who comes through a proxy, a \
                 tunnel or a portal on it; take it \
                 out"
            ),
            Self::TrustsEverybody { network } => {
                format!("[trust] networks: {network} includes every address of its kind, so no code is asked for; name \
                     your own networks")
            }
            Self::ClockAdrift => {
                "nothing keeps the clock of this machine right, and with a wrong clock right codes are refused; run timedatectl \
                 set-ntp true".to_owned()
            }
            Self::RecordsMissing { path } => format!(
                "{path}: is not there, so nobody has an authenticator yet; enrol yourself with otp-enroll before a service asks for codes"
            ),
            Self::RecordsGone { path } => format!(
                "{path}: is not there or empty, though people have enrolled on this machine, so everybody is refused; mount its file system, or \
                 restore it; if it is lost, remove /etc/security/pam_otp.enrolled"
            ),
            Self::RecordOwner { path } => format!(
                "{path}: has the wrong owner or group; find out who changed it, then give it back: chown root:pam_otp"
            ),
            Self::RecordMode { path, mode, allowed } => format!(
                "{path}: has mode {mode:04o}, which lets others read or change it; find out who changed it, then chmod {allowed:04o}"
            ),
            Self::StateMissing { user } => format!(
                "the record of {user} has lost its state, so {user} is refused; restore it, or otp-admin reset {user}"
            ),
            Self::RecordLabel { path, label } => format!(
                "{path}: has the label {label}, with which SELinux keeps logins from it; run restorecon -R {path}, after \
                 installing the rules of packaging/selinux"
            ),
            Self::AppArmorRules { profile } => format!(
                "AppArmor confines this program ({profile}) without the rules for pam_otp.so, so everybody is refused; add \
                 the rules in packaging/apparmor"
            ),
            Self::NobodyBecomesRoot => {
                "nobody can become root any more: each way asks for the code of a user who has no authenticator; enrol root \
                 or an administrator: \
                 otp-enroll --user NAME"
                    .to_owned()
            }
        }
    }
}
