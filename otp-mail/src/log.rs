//! System log entries about the result for each mail.

use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_helper::mail::Outgoing;
use otp_log::Program;

/// Logs that a mail server, or the program that sends mail, took the mail.
pub(crate) fn sent(outgoing: &Outgoing) {
    write(outgoing, Severity::Notice, "sent");
}

/// Logs that the mail was not sent, and why.
pub(crate) fn not_sent(outgoing: &Outgoing, why: &str) {
    let why = without_the_code(why, &outgoing.code);
    write(outgoing, Severity::Warning, &format!("not sent: {why}"));
}

/// Hides the code: a mail server's answer may repeat the text that it was sent.
fn without_the_code(why: &str, code: &str) -> String {
    why.replace(code, "********")
}

fn write(outgoing: &Outgoing, severity: Severity, reason: &str) {
    let entry = Entry::new(Event::Mail, severity)
        .with(Value::User(Text::escaped(&outgoing.user)))
        .with(Value::Service(Text::escaped(&outgoing.service)))
        .with(Value::Rhost(Text::escaped(&outgoing.rhost)))
        .with(Value::Reason(Text::escaped(reason)));
    otp_log::tell(&entry, &Program::of_ours(otp_helper::mail::PROGRAM));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_is_logged_even_if_a_server_repeats_the_mail() {
        let said = "permanent error (550): spam: \"    01234567\"; 01234567 again";
        assert_eq!(
            without_the_code(said, "01234567"),
            "permanent error (550): spam: \"    ********\"; ******** again"
        );
    }
}
