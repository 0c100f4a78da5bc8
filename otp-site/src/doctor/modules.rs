//! What other modules can answer, and what their answers prove.

use super::answer::Answer;
use super::chain::{Phase, Step};
use crate::stack::PROVES_IDENTITY;

/// What a module does in a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Our module; its answer is about a code.
    Judge,
    /// Our module, on the first of two lines that split one reply.
    Splitter,
    /// It finds out who the user is.
    Prover,
    /// It says yes if root asks.
    RootOnly,
    /// It always gives the same answer.
    Constant(Answer),
    /// It says yes or no, but proves nothing.
    Condition,
    /// It counts a refusal against the user.
    Tally,
    /// It does not exist on the machine.
    Missing,
    /// The module is not known.
    Unknown,
}

/// Modules that never ask for a proof, whatever they answer.
const PROVES_NOTHING: [&str; 42] = [
    "pam_access.so",
    "pam_apparmor.so",
    "pam_cap.so",
    "pam_cgfs.so",
    "pam_console.so",
    "pam_echo.so",
    "pam_env.so",
    "pam_faildelay.so",
    "pam_faillock.so",
    "pam_fscrypt.so",
    "pam_ftp.so",
    "pam_gnome_keyring.so",
    "pam_group.so",
    "pam_issue.so",
    "pam_keyinit.so",
    "pam_kwallet.so",
    "pam_kwallet5.so",
    "pam_lastlog.so",
    "pam_limits.so",
    "pam_listfile.so",
    "pam_localuser.so",
    "pam_loginuid.so",
    "pam_mail.so",
    "pam_mkhomedir.so",
    "pam_motd.so",
    "pam_nologin.so",
    "pam_oddjob_mkhomedir.so",
    "pam_postgresok.so",
    "pam_rhosts.so",
    "pam_securetty.so",
    "pam_selinux.so",
    "pam_sepermit.so",
    "pam_shells.so",
    "pam_succeed_if.so",
    "pam_systemd.so",
    "pam_tally2.so",
    "pam_time.so",
    "pam_tmpdir.so",
    "pam_umask.so",
    "pam_usertype.so",
    "pam_warn.so",
    "pam_wheel.so",
];

/// Modules that find out who the user is, in addition to those on which an enrolment at login may rely.
const PROVES_TOO: [&str; 7] = [
    "pam_cockpit_cert.so",
    "pam_google_authenticator.so",
    "pam_oath.so",
    "pam_userdb.so",
    "pam_pwdfile.so",
    "pam_mysql.so",
    "pam_pgsql.so",
];

/// Modules that ask for a password unless they are told to use the one that was given.
const ASKS_FOR_PASSWORD: [&str; 8] = [
    "pam_unix.so",
    "pam_unix2.so",
    "pam_tcb.so",
    "pam_sss.so",
    "pam_ldap.so",
    "pam_krb5.so",
    "pam_winbind.so",
    "pam_tacplus.so",
];

/// Services whose programs are root from the beginning, even when another user logs in: there `pam_rootok` says yes to
/// everybody. Programs that users start, such as `su`, keep the user's real id, which `pam_rootok` checks.
const ROOTS_OWN: [&str; 22] = [
    "sshd",
    "login",
    "remote",
    "cockpit",
    "dovecot",
    "ejabberd",
    "ftp",
    "gdm-fingerprint",
    "gdm-password",
    "gdm-smartcard",
    "greetd",
    "imap",
    "kde",
    "lightdm",
    "openvpn",
    "pop3",
    "proftpd",
    "sddm",
    "smtp",
    "vsftpd",
    "xdm",
    "xrdp-sesman",
];

/// Returns the role of a step's module in a phase.
#[must_use]
pub fn role(step: &Step, service: &str, phase: Phase) -> Role {
    let name = step.module();
    if !step.is_there {
        return Role::Missing;
    }
    if step.is_ours() {
        return if step.splits() && phase == Phase::Auth {
            Role::Splitter
        } else {
            Role::Judge
        };
    }
    match name {
        "pam_permit.so" => Role::Constant(Answer::SUCCESS),
        "pam_deny.so" => Role::Constant(Answer::AUTH_ERR),
        "pam_rootok.so" if ROOTS_OWN.contains(&service) => Role::Constant(Answer::SUCCESS),
        "pam_rootok.so" => Role::RootOnly,
        "pam_faillock.so" if step.says("authfail") => Role::Tally,
        "pam_succeed_if.so" => match holds(step.arguments(), service) {
            Some(true) => Role::Constant(Answer::SUCCESS),
            Some(false) => Role::Constant(Answer::AUTH_ERR),
            None => Role::Condition,
        },
        _ if PROVES_NOTHING.contains(&name) => Role::Condition,
        _ if PROVES_IDENTITY.contains(&name) || PROVES_TOO.contains(&name) => Role::Prover,
        _ => Role::Unknown,
    }
}

/// Whether the module of a step asks for a password again.
#[must_use]
pub fn asks_for_password(step: &Step) -> bool {
    ASKS_FOR_PASSWORD.contains(&step.module())
        && !step.says("try_first_pass")
        && !step.says("use_first_pass")
}

/// Whether the conditions of `pam_succeed_if` hold, if they concern only the service; `None`: it depends.
fn holds(arguments: &[String], service: &str) -> Option<bool> {
    let mut words = arguments.iter().map(String::as_str).filter(|one| {
        !matches!(
            *one,
            "quiet" | "quiet_fail" | "quiet_success" | "debug" | "use_uid" | "audit"
        )
    });
    let mut verdict = None;
    while let Some(left) = words.next() {
        let (test, right) = (words.next()?, words.next()?);
        if left != "service" {
            return None;
        }
        let listed = || right.split(':').any(|one| one == service);
        let holds = match test {
            "=" | "eq" => right == service,
            "!=" | "ne" => right != service,
            "in" => listed(),
            "notin" => !listed(),
            _ => return None,
        };
        verdict = Some(verdict.unwrap_or(true) && holds);
    }
    verdict
}

/// Returns every answer that a role can give.
#[must_use]
pub fn answers(role: Role, step: &Step) -> Vec<Answer> {
    match role {
        Role::Judge => vec![
            Answer::SUCCESS,
            Answer::AUTH_ERR,
            Answer::MAXTRIES,
            Answer::AUTHINFO_UNAVAIL,
            Answer::IGNORE,
        ],
        Role::Splitter => vec![Answer::IGNORE, Answer::AUTH_ERR, Answer::AUTHINFO_UNAVAIL],
        Role::RootOnly => vec![Answer::SUCCESS, Answer::AUTH_ERR],
        Role::Constant(answer) => vec![answer],
        Role::Missing => vec![Answer::MODULE_UNKNOWN],
        // These modules never leave the decision to others.
        Role::Prover if matches!(step.module(), "pam_unix.so" | "pam_tcb.so") => {
            Answer::all().filter(|one| *one != Answer::IGNORE).collect()
        }
        Role::Prover | Role::Condition | Role::Tally | Role::Unknown => Answer::all().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::atlas::{self, Asks};

    /// Programs that users start, and programs that root starts for root.
    const STARTED_BY_WHO_ASKS: [&str; 10] = [
        "chfn", "chsh", "doas", "polkit-1", "runuser", "su", "su-l", "sudo", "sudo-i", "vlock",
    ];

    #[test]
    fn programs_that_are_root_throughout_run_as_root_and_are_not_started_by_users() {
        for program in atlas::programs() {
            let starts = |one: &str| STARTED_BY_WHO_ASKS.contains(&one);
            for service in &program.services {
                let expected =
                    program.runs_as == "root" && program.asks != Asks::Never && !starts(service);
                let found = ROOTS_OWN.contains(&service.as_str());
                assert_eq!(found, expected, "{service}");
            }
        }
    }

    #[test]
    fn a_condition_about_the_service_alone_is_known_beforehand() {
        let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        for (text, expected) in [
            ("quiet service = otp-enroll", Some(true)),
            ("service != otp-enroll", Some(false)),
            ("service in crond:otp-enroll quiet use_uid", Some(true)),
            ("service notin crond:sshd", Some(true)),
            ("service = otp-enroll user = root", None),
            ("user ingroup wheel", None),
            ("service =", None),
            ("service =~ otp*", None),
            ("quiet", None),
        ] {
            assert_eq!(holds(&words(text), "otp-enroll"), expected, "{text}");
        }
    }
}
