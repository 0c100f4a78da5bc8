//! Why etcd did not do what it was asked, told by what is certain afterwards.

use tonic::{Code, Status};

/// As much of etcd's words as a log line needs.
const MOST_WORDS: usize = 200;

/// How etcd begins what it says itself.
const ETCDS_OWN: &str = "etcdserver: ";

/// What etcd says where a member has applied a change of users that the question does not know of yet. It looks before it does
/// anything of a transaction.
const BEHIND: &str = "etcdserver: revision of auth store is old";

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No member could be reached in time. Nothing was sent.
    Unreachable(String),
    /// A member has refused. Nothing was done.
    Refused(Code, String),
    /// A member has answered with an error that it also gives after the work is done: a quota that is used up. Nothing is
    /// under way any more, so that reading tells what became of it.
    Settled(String),
    /// There was no answer, or one that says nothing. It may be done by now, or still be done later.
    Unanswered(String),
}

impl Failure {
    /// What a member's answer means. Only etcd's own words count: a connection, a proxy or this program's limits make up
    /// answers with the same codes, whatever etcd does meanwhile.
    pub(super) fn of(status: &Status) -> Self {
        let words = words(status.message());
        // What a release does not know, it has not done.
        if status.code() == Code::Unimplemented {
            return Self::Refused(status.code(), words);
        }
        if !status.message().starts_with(ETCDS_OWN) {
            return Self::Unanswered(words);
        }
        match status.code() {
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated => Self::Refused(status.code(), words),
            Code::ResourceExhausted => Self::Settled(words),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => Self::Unanswered(words),
        }
    }

    /// Whether it was refused, and nothing done, only because users of etcd were being changed at that moment.
    pub(super) fn was_behind(&self) -> bool {
        matches!(self, Self::Refused(_, words) if words == BEHIND)
    }

    /// Whether the same may be answered by another member, or later.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unanswered(_))
    }
}

/// Text from elsewhere, made short and harmless.
pub(super) fn words(text: &str) -> String {
    let is_printable = |one: char| !one.is_control();
    text.chars()
        .map(|one| if is_printable(one) { one } else { ' ' })
        .take(MOST_WORDS)
        .collect()
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(words) => write!(f, "no member of etcd can be reached: {words}"),
            Self::Refused(_, words) | Self::Settled(words) => write!(f, "etcd refuses it: {words}"),
            Self::Unanswered(words) => write!(f, "etcd has not answered: {words}"),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_comes_before_the_work_says_that_nothing_was_done() {
        let of = |code| Failure::of(&Status::new(code, "etcdserver: no"));
        for code in 0..=16 {
            let code = Code::from(code);
            let is_certain = matches!(of(code), Failure::Refused(..));
            let leaves_it_open = matches!(
                code,
                Code::Ok
                    | Code::Cancelled
                    | Code::Unknown
                    | Code::DeadlineExceeded
                    | Code::ResourceExhausted
                    | Code::Aborted
                    | Code::Internal
                    | Code::Unavailable
                    | Code::DataLoss
            );
            assert_eq!(is_certain, !leaves_it_open, "{code:?}");
            let of_another = Failure::of(&Status::new(code, "message length too large"));
            let is_open = matches!(of_another, Failure::Unanswered(_));
            assert_eq!(is_open, code != Code::Unimplemented, "{code:?}");
        }
        // etcd's own name for it: "database space exceeded".
        assert!(matches!(of(Code::ResourceExhausted), Failure::Settled(_)));
    }

    #[test]
    fn a_change_of_users_at_that_moment_is_no_refusal_for_good() {
        let of = |words| Failure::of(&Status::invalid_argument(words));
        assert!(of(BEHIND).was_behind());
        assert!(!of("etcdserver: permission denied").was_behind());
        assert!(!of("revision of auth store is old").was_behind());
    }

    #[test]
    fn what_etcd_says_is_short_and_has_no_control_characters() {
        let status = Status::unavailable("a\nb\u{1b}[31m".to_owned() + &"x".repeat(1000));
        let Failure::Unanswered(words) = Failure::of(&status) else {
            panic!("unavailable is no answer");
        };
        assert!(words.starts_with("a b [31mx") && words.len() == MOST_WORDS);
    }
}
