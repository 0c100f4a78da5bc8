//! Complete lines of the log, and their severity in syslog.

use super::*;

#[test]
fn severities_are_those_of_syslog() {
    assert_eq!(
        Severity::ALL.map(|one| (one.number(), one.word())),
        [
            (3, "err"),
            (4, "warning"),
            (5, "notice"),
            (6, "info"),
            (7, "debug"),
        ]
    );
}

#[test]
fn a_message_that_was_not_shown_is_marked_and_nothing_else_changes() {
    let entry = Entry::new(Event::Reject, Severity::Notice)
        .with(Value::User(Text::escaped("alice")))
        .with(Value::Message(MessageId::WrongCode))
        .with(Value::TriesLeft(4));
    assert_eq!(
        entry.clone().to_string(),
        "otp.reject user=\"alice\" message=\"wrong-code\" tries_left=\"4\""
    );
    assert_eq!(
        entry.not_shown().to_string(),
        "otp.reject user=\"alice\" message=\"wrong-code (not shown)\" tries_left=\"4\""
    );
}

#[test]
fn only_a_value_that_goes_without_saying_is_empty() {
    for value in values() {
        let goes_without_saying = matches!(
            value,
            Value::Phase(Phase::Authentication) | Value::Until(Standing::Open)
        );
        let said = value.text();
        assert_eq!(said.as_str().is_empty(), goes_without_saying, "{value:?}");
    }
}

#[test]
fn a_reply_that_is_no_guess_is_explained_with_a_hint() {
    for (why, hint) in [
        (NoGuess::PasswordAgain, "PasswordAuthentication no"),
        (NoGuess::SshdSubstitute, "PermitRootLogin"),
    ] {
        assert_eq!(Value::NoGuess(why).text().as_str(), why.word());
        assert!(Value::Hint(why).text().as_str().contains(hint));
    }
}
