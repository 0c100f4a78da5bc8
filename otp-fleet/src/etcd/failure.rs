//! Why etcd did not fulfil a request, by what is certain afterwards.

use otp_core::messages::fleet::Why;
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use tonic::{Code, Status};

/// The number of characters of etcd's message that a log line needs.
const MOST_WORDS: usize = 200;

/// The beginning of etcd's own messages.
const ETCDS_OWN: &str = "etcdserver: ";

/// etcd's message if a member has applied a change of users that the request does not know yet. etcd checks this
/// before it does anything of a transaction.
const BEHIND: &str = "etcdserver: revision of auth store is old";

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No member could be reached in time. Nothing was sent.
    Unreachable(Wording),
    /// A member has refused. Nothing was done.
    Refused(Code, String),
    /// A member has answered with an error that it also gives after the work is done: the quota is used up. No work
    /// is in progress any more, so a read shows the result.
    Settled(String),
    /// There was no answer, or one without information. The work may be done already, or still be done later.
    Unanswered(Wording),
}

impl Failure {
    /// Interprets a member's answer. Only etcd's own messages count: a connection, a proxy or this program's limits
    /// make answers with the same codes, whatever etcd does in the meantime.
    pub(super) fn of(status: &Status) -> Self {
        let words = words(status.message());
        // A request that a release does not know was not done.
        if status.code() == Code::Unimplemented {
            return Self::Refused(status.code(), words);
        }
        if !status.message().starts_with(ETCDS_OWN) {
            return Self::Unanswered(of_ours(status).map_or_else(|| words.into(), Wording::from));
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
            | Code::DataLoss => Self::Unanswered(words.into()),
        }
    }

    /// Whether the request was refused, with nothing done, only because users of etcd were being changed at that
    /// moment.
    pub(super) fn was_behind(&self) -> bool {
        matches!(self, Self::Refused(_, words) if words == BEHIND)
    }

    /// Returns the fault in words of that language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match (self, language) {
            (Self::Unreachable(why), Language::English) => {
                format!("no member of etcd can be reached: {}", why.text(language))
            }
            (Self::Unreachable(why), Language::Korean) => {
                format!(
                    "연결할 수 있는 etcd 멤버가 없습니다: {}",
                    why.text(language)
                )
            }
            (Self::Refused(_, words) | Self::Settled(words), Language::English) => {
                format!("etcd refuses it: {words}")
            }
            (Self::Refused(_, words) | Self::Settled(words), Language::Korean) => {
                format!("etcd가 요청을 거부했습니다: {words}")
            }
            (Self::Unanswered(why), Language::English) => {
                format!("etcd has not answered: {}", why.text(language))
            }
            (Self::Unanswered(why), Language::Korean) => {
                format!("etcd의 응답을 받지 못했습니다: {}", why.text(language))
            }
        }
    }

    /// Whether another member, or a later try, may answer the same request.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unanswered(_))
    }
}

/// Reads the reason from a status that this program made itself.
fn of_ours(status: &Status) -> Option<Why> {
    [Why::StreamEnded, Why::NoToken]
        .into_iter()
        .find(|why| why.to_string() == status.message())
}

/// Makes text from elsewhere short and harmless.
pub(super) fn words(text: &str) -> String {
    let is_printable = |one: char| !one.is_control();
    text.chars()
        .map(|one| if is_printable(one) { one } else { ' ' })
        .take(MOST_WORDS)
        .collect()
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_given_before_the_work_proves_that_nothing_was_done() {
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
        // etcd's own message for it is "database space exceeded".
        assert!(matches!(of(Code::ResourceExhausted), Failure::Settled(_)));
    }

    #[test]
    fn a_simultaneous_change_of_users_is_no_final_refusal() {
        let of = |words| Failure::of(&Status::invalid_argument(words));
        assert!(of(BEHIND).was_behind());
        assert!(!of("etcdserver: permission denied").was_behind());
        assert!(!of("revision of auth store is old").was_behind());
    }

    #[test]
    fn messages_of_etcd_are_cut_short_and_have_no_control_characters() {
        let status = Status::unavailable("a\nb\u{1b}[31m".to_owned() + &"x".repeat(1000));
        let Failure::Unanswered(words) = Failure::of(&status) else {
            panic!("unavailable is no answer");
        };
        let words = words.text(Language::English);
        assert!(words.starts_with("a b [31mx") && words.len() == MOST_WORDS);
    }
    #[test]
    fn every_failure_begins_in_the_language_that_is_asked_for_and_ours_are_told_in_it_to_the_end() {
        let unanswered = |message: &str| Failure::of(&Status::unavailable(message));
        for (failure, english, korean) in [
            (
                Failure::Unreachable(Why::NoTimeLeft.into()),
                "no member of etcd can be reached: no time is left",
                "연결할 수 있는 etcd 멤버가 없습니다: 요청을 보낼 시간이 남지 않았습니다",
            ),
            (
                Failure::of(&Status::not_found("etcdserver: user name not found")),
                "etcd refuses it: etcdserver: user name not found",
                "etcd가 요청을 거부했습니다: etcdserver: user name not found",
            ),
            (
                Failure::of(&Status::resource_exhausted("etcdserver: full")),
                "etcd refuses it: etcdserver: full",
                "etcd가 요청을 거부했습니다: etcdserver: full",
            ),
            (
                unanswered("the stream has ended"),
                "etcd has not answered: the stream has ended",
                "etcd의 응답을 받지 못했습니다: 응답하기 전에 연결이 끝났습니다",
            ),
            (
                unanswered("etcd's token is no text"),
                "etcd has not answered: etcd's token is no text",
                "etcd의 응답을 받지 못했습니다: etcd의 토큰이 텍스트가 아닙니다",
            ),
            (
                unanswered("broken pipe"),
                "etcd has not answered: broken pipe",
                "etcd의 응답을 받지 못했습니다: broken pipe",
            ),
        ] {
            assert_eq!(failure.to_string(), english);
            assert_eq!(failure.text(Language::English), english);
            assert_eq!(failure.text(Language::Korean), korean);
        }
    }
}
