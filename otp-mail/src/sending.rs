//! From the message to the mail server.

use crate::{CONVERSE, address, apart, letter, log, program, smtp};
use lettre::message::Message;
use nix::unistd::{getegid, geteuid, getgid, getuid};
use otp_core::mail::{Address, Route};
use otp_core::record::MailPolicy;
use otp_helper::mail::Outgoing;
use otp_site::policy;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How long the program that sends mail may take.
const LONGEST: Duration = Duration::from_secs(60);

/// How long a mail server may take in all: less than this process may, which then could not say what became of the mail.
const LONGEST_SERVER: Duration = Duration::from_secs(90);

/// The most that a process says of its conversation: more than a log line takes.
const LONGEST_OUTCOME: u64 = 4096;

/// How what is said of a conversation begins: the mail server has the mail.
const SENT: u8 = b'+';

/// It has not; why stands behind it.
const NOT_SENT: u8 = b'-';

/// Sends the mail, and says in the log what became of it.
pub(crate) fn send(outgoing: &Outgoing) {
    // While it lives, this process has an end.
    let Ok(_timer) = apart::leave_the_session() else {
        return;
    };
    if outgoing.idle {
        return;
    }
    match deliver(outgoing) {
        Ok(()) => log::sent(outgoing),
        Err(why) => log::not_sent(outgoing, &why),
    }
}

/// Where to a mail would go; `None`: nowhere, which is in the log.
pub(crate) fn address_of(outgoing: &Outgoing) -> Option<Address> {
    let found = mail_policy(outgoing).and_then(|mail| address::of(&outgoing.user, &mail.address));
    found.inspect_err(|why| log::not_sent(outgoing, why)).ok()
}

fn mail_policy(outgoing: &Outgoing) -> Result<MailPolicy, String> {
    let privileged = getegid() != getgid() || geteuid() != getuid();
    if privileged && outgoing.conf != Path::new(policy::DEFAULT_FILE) {
        return Err("takes no path from a caller when its group gives it anything".to_owned());
    }
    let policies = policy::load(&outgoing.conf).map_err(|error| error.to_string())?;
    Ok(policies.for_account().mail)
}

fn deliver(outgoing: &Outgoing) -> Result<(), String> {
    let mail = mail_policy(outgoing)?;
    let to = address::of(&outgoing.user, &mail.address)?;
    if outgoing.only_to.as_ref().is_some_and(|only| *only != to) {
        return Err("the address is another than the one that the user has confirmed".to_owned());
    }
    match &mail.route {
        Route::Sendmail(program) => {
            let from = from(outgoing, &mail);
            let message = letter::compose(outgoing, &from, &to)?;
            by_program(program, &message, &from, &to)
        }
        Route::Smtp(_) => {
            // Where to is not to be found out a second time.
            let mut outgoing = outgoing.clone();
            outgoing.only_to = Some(to);
            within(LONGEST_SERVER, move || by_server(&outgoing))
        }
    }
}

/// By a mail server, to which another process of this program speaks.
fn by_server(outgoing: &Outgoing) -> Result<(), String> {
    let hear = apart::start_and_listen(CONVERSE, outgoing).map_err(|error| error.to_string())?;
    let mut outcome = Vec::new();
    let heard = hear.take(LONGEST_OUTCOME).read_to_end(&mut outcome);
    heard.map_err(|error| error.to_string())?;
    match outcome.split_first() {
        Some((&SENT, [])) => Ok(()),
        Some((&NOT_SENT, why)) => Err(String::from_utf8_lossy(why).into_owned()),
        _ => Err("the conversation with the mail server has failed".to_owned()),
    }
}

/// Speaks to the mail server, and says what became of the mail.
pub(crate) fn converse(outgoing: &Outgoing) -> Vec<u8> {
    // While it lives, this process has an end.
    let limited = apart::limit_its_life().map_err(|error| error.to_string());
    match limited.and_then(|_timer| speak(outgoing)) {
        Ok(()) => vec![SENT],
        Err(why) => {
            let mut outcome = vec![NOT_SENT];
            outcome.extend_from_slice(why.as_bytes());
            outcome
        }
    }
}

fn speak(outgoing: &Outgoing) -> Result<(), String> {
    let mail = mail_policy(outgoing)?;
    let (Route::Smtp(server), Some(to)) = (&mail.route, &outgoing.only_to) else {
        return Err("the policy has changed meanwhile".to_owned());
    };
    let message = letter::compose(outgoing, &from(outgoing, &mail), to)?;
    // What only root may read is read before.
    let transport = smtp::prepare(server, &mail, &outgoing.machine)?;
    apart::become_nobody().map_err(|error| format!("cannot become nobody: {error}"))?;
    smtp::send(&transport, &message)
}

/// The sender of the policy, or root at this machine.
fn from(outgoing: &Outgoing, mail: &MailPolicy) -> Address {
    mail.from
        .clone()
        .unwrap_or_else(|| sender(&outgoing.machine))
}

/// What `work` says, where that does not take longer than `deadline`. It may go on as long as this process lives.
fn within(
    deadline: Duration,
    work: impl FnOnce() -> Result<(), String> + Send + 'static,
) -> Result<(), String> {
    let (said, hear) = channel();
    let begun = thread::Builder::new().spawn(move || said.send(work()));
    begun.map_err(|error| error.to_string())?;
    hear.recv_timeout(deadline).unwrap_or_else(|why| {
        Err(match why {
            RecvTimeoutError::Timeout => {
                format!("the mail server took longer than {} s", deadline.as_secs())
            }
            RecvTimeoutError::Disconnected => {
                "the conversation with the mail server has failed".to_owned()
            }
        })
    })
}

/// Root at this machine.
fn sender(machine: &str) -> Address {
    Address::parse(&format!("root@{machine}"))
        .unwrap_or_else(|_| Address::parse("root@localhost").expect("is an address"))
}

/// By a program with the interface of sendmail. As somebody else than root it would be anybody's to look into.
fn by_program(path: &Path, message: &Message, from: &Address, to: &Address) -> Result<(), String> {
    if !getuid().is_root() || !geteuid().is_root() {
        return Err("[mail] sendmail is run for root alone: set smtp".to_owned());
    }
    let told = |reason: String| format!("{}: {reason}", path.display());
    let mut command = program::of_root(path)?;
    // What begins with a dash is no option behind the two dashes, and no address of ours begins with one.
    command.args(["-i", "-f", from.as_str(), "--", to.as_str()]);
    let bytes = zeroize::Zeroizing::new(message.formatted());
    // The interface is that of a local program, whose lines end as lines do here.
    let lines = zeroize::Zeroizing::new(without_carriage_returns(&bytes));
    program::run(command, &lines, 64 * 1024, LONGEST).map_err(told)?;
    Ok(())
}

fn without_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .copied()
        .filter(|&byte| byte != b'\r')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_takes_its_time_over_every_answer_is_told_of() {
        let long = Duration::from_secs(3600);
        assert_eq!(within(long, || Ok(())), Ok(()));
        let refuses = || Err("550 no".to_owned());
        assert_eq!(within(long, refuses), Err("550 no".to_owned()));
        let never = || {
            thread::park();
            Ok(())
        };
        let told = within(Duration::ZERO, never).unwrap_err();
        assert!(told.contains("longer than"), "{told}");
        let gone = within(long, || panic!("as a bug would")).unwrap_err();
        assert!(gone.contains("has failed"), "{gone}");
    }

    #[test]
    fn what_is_waited_for_is_over_before_this_process_is() {
        assert!(crate::address::LONGEST + LONGEST < apart::LONGEST_LIFE);
        assert!(crate::address::LONGEST + LONGEST_SERVER < apart::LONGEST_LIFE);
    }
}
