//! From the message to the mail server.

use crate::{address, apart, letter, log, program, smtp};
use lettre::message::Message;
use nix::unistd::{getegid, geteuid, getgid, getuid};
use otp_core::mail::{Address, Route};
use otp_core::record::MailPolicy;
use otp_helper::mail::Outgoing;
use otp_site::policy;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How long the program that sends mail may take.
const LONGEST: Duration = Duration::from_secs(60);

/// How long a mail server may take in all: less than this process may, which then could not say what became of the mail.
const LONGEST_SERVER: Duration = Duration::from_secs(90);

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
    let from = mail
        .from
        .clone()
        .unwrap_or_else(|| sender(&outgoing.machine));
    let message = letter::compose(outgoing, &from, &to)?;
    match &mail.route {
        Route::Sendmail(program) => by_program(program, &message, &from, &to),
        Route::Smtp(server) => {
            let transport = smtp::prepare(server, &mail, &outgoing.machine)?;
            apart::become_nobody().map_err(|error| format!("cannot become nobody: {error}"))?;
            within(LONGEST_SERVER, move || smtp::send(&transport, &message))
        }
    }
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
