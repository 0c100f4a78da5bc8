//! The way from the message to the mail server.

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

/// The time that the program that sends mail may take.
const LONGEST: Duration = Duration::from_secs(60);

/// The total time that a mail server may take. It is shorter than the life of this process, which could not report
/// the result otherwise.
const LONGEST_SERVER: Duration = Duration::from_secs(90);

/// The largest result that a process reports of its conversation, in bytes: more than a log line takes.
const LONGEST_OUTCOME: u64 = 4096;

/// The first byte of a result: the mail server has the mail.
const SENT: u8 = b'+';

/// The first byte of a result: the mail server does not have the mail; the reason follows.
const NOT_SENT: u8 = b'-';

/// Sends the mail and logs the result.
pub(crate) fn send(outgoing: &Outgoing) {
    // The timer ends this process in time; it must stay in scope.
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

/// Returns the address that a mail would go to; `None`: there is none, and the log has the reason.
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
            // The address must not be looked up a second time.
            let mut outgoing = outgoing.clone();
            outgoing.only_to = Some(to);
            within(LONGEST_SERVER, move || by_server(&outgoing))
        }
    }
}

/// Sends the mail by a mail server, to which another process of this program talks.
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

/// Talks to the mail server, and returns the result.
pub(crate) fn converse(outgoing: &Outgoing) -> Vec<u8> {
    // The timer ends this process in time; it must stay in scope.
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
    // Files that only root may read are read first.
    let transport = smtp::prepare(server, &mail, &outgoing.machine)?;
    apart::become_nobody().map_err(|error| format!("cannot become nobody: {error}"))?;
    smtp::send(&transport, &message)
}

/// Returns the sender that the policy sets, or root at this machine.
fn from(outgoing: &Outgoing, mail: &MailPolicy) -> Address {
    mail.from
        .clone()
        .unwrap_or_else(|| sender(&outgoing.machine))
}

/// Returns the result of `work` if that takes no longer than `deadline`. The work may go on as long as this process
/// lives.
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

/// Returns the address of root at this machine.
fn sender(machine: &str) -> Address {
    Address::parse(&format!("root@{machine}"))
        .unwrap_or_else(|_| Address::parse("root@localhost").expect("root@localhost is an address"))
}

/// Sends the mail by a program with the interface of sendmail. It runs for root only: if it ran as a user, that user
/// could look into it.
fn by_program(path: &Path, message: &Message, from: &Address, to: &Address) -> Result<(), String> {
    if !getuid().is_root() || !geteuid().is_root() {
        return Err("[mail] sendmail is run for root alone: set smtp".to_owned());
    }
    let told = |reason: String| format!("{}: {reason}", path.display());
    let mut command = program::of_root(path)?;
    // Behind the two dashes a leading dash makes no option, and no address here begins with one.
    command.args(["-i", "-f", from.as_str(), "--", to.as_str()]);
    let bytes = zeroize::Zeroizing::new(message.formatted());
    // A local program with this interface expects lines that end as lines do on this machine.
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
    fn a_server_that_is_too_slow_is_reported() {
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
    fn every_wait_ends_before_the_time_limit_of_the_process() {
        assert!(crate::address::LONGEST + LONGEST < apart::LONGEST_LIFE);
        assert!(crate::address::LONGEST + LONGEST_SERVER < apart::LONGEST_LIFE);
    }
}
