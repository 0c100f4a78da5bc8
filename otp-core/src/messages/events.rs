//! What `otp-admin events` says about each event, beside the name that programs use.

use crate::event::Event;
use crate::record::Language;

/// Says what an event is, without a full stop.
#[must_use]
pub const fn about(event: Event, language: Language) -> &'static str {
    match language {
        Language::English => english(event),
        Language::Korean => korean(event),
    }
}

/// The same, and of a change which it is, where its verb is known.
#[must_use]
pub fn about_verb(event: Event, verb: Option<&str>, language: Language) -> &'static str {
    let known = CHANGES.iter().find(|(word, _, _)| verb == Some(word));
    match (event, known, language) {
        (Event::Change, Some((_, english, _)), Language::English) => english,
        (Event::Change, Some((_, _, korean)), Language::Korean) => korean,
        _ => about(event, language),
    }
}

/// The verbs of changes, and what each has done.
const CHANGES: [(&str, &str, &str); 9] = [
    ("enrol", "an authenticator was set up", "인증 수단이 등록됨"),
    (
        "replace",
        "the authenticator was replaced with a new one",
        "새 인증 수단으로 교체됨",
    ),
    (
        "add",
        "one more authenticator was set up",
        "인증 수단이 추가로 등록됨",
    ),
    (
        "remove",
        "an authenticator was removed",
        "인증 수단이 삭제됨",
    ),
    (
        "recovery-codes",
        "new recovery codes were made",
        "복구 코드가 재발급됨",
    ),
    (
        "provision",
        "an administrator has set up an authenticator",
        "관리자가 인증 수단을 등록함",
    ),
    (
        "move",
        "an administrator has moved the record to this name",
        "관리자가 등록 정보를 이 이름으로 옮김",
    ),
    (
        "reset",
        "an administrator has removed all authenticators",
        "관리자가 인증 수단을 모두 삭제함",
    ),
    (
        "log-out",
        "an administrator has ended all logins to the portal",
        "관리자가 포털의 모든 로그인을 종료함",
    ),
];

/// All of these verbs.
#[cfg(test)]
pub(super) const VERBS: [&str; CHANGES.len()] = {
    let mut verbs = [""; CHANGES.len()];
    let mut at = 0;
    while at < verbs.len() {
        verbs[at] = CHANGES[at].0;
        at += 1;
    }
    verbs
};

const fn english(event: Event) -> &'static str {
    match event {
        Event::Accept => "let in by a code",
        Event::Recovery => "let in by a recovery code",
        Event::Trusted => "asked for no code: the place is trusted",
        Event::Reject => "refused: a wrong code, or none",
        Event::Replay => "refused: the code was used before",
        Event::Lock => "refused, and locked by too many wrong codes",
        Event::Locked => "refused: the account is locked",
        Event::Attempt => "an attempt was begun, and its end is not known",
        Event::NotEnrolled => "has no authenticator",
        Event::Unavailable => "refused: the code could not be checked",
        Event::Changing => "a change was begun, and its end is not known",
        Event::Change => "the record was changed",
        Event::Denied => "the helper refused its caller",
        Event::Reset => "the record of a name that nobody has",
        Event::Policy => "something to put right",
        Event::Protect => "a service was changed",
        Event::Unlock => "unlocked by an administrator",
        Event::Import => "taken over from another program",
        Event::Mail => "a code by mail",
        Event::Mailed => "let in by a code that was mailed",
        Event::OneFactor => "the code was right, and the login was refused",
        Event::PolicyChanged => "the policy has changed",
        Event::Hook => "a hook failed, or its queue was full",
        Event::Seal => "records were sealed or unsealed",
        Event::Fleet => "the fleet was changed, or a verifier has something to say",
        Event::Debug => "a step of a login",
    }
}

const fn korean(event: Event) -> &'static str {
    match event {
        Event::Accept => "인증 코드로 로그인",
        Event::Recovery => "복구 코드로 로그인",
        Event::Trusted => "신뢰 위치여서 인증 코드를 요구하지 않음",
        Event::Reject => "거부: 인증 코드가 맞지 않거나 없음",
        Event::Replay => "거부: 이미 사용한 인증 코드",
        Event::Lock => "거부: 인증 코드를 여러 번 잘못 입력하여 계정이 잠김",
        Event::Locked => "거부: 계정이 잠겨 있음",
        Event::Attempt => "시도가 시작되었으나 결과를 알 수 없음",
        Event::NotEnrolled => "등록된 인증 수단이 없음",
        Event::Unavailable => "거부: 인증 코드를 확인할 수 없음",
        Event::Changing => "변경이 시작되었으나 결과를 알 수 없음",
        Event::Change => "등록 정보가 변경됨",
        Event::Denied => "헬퍼가 요청을 거부함",
        Event::Reset => "사용자가 없는 이름의 등록 정보",
        Event::Policy => "바로잡아야 할 점이 있음",
        Event::Protect => "서비스 설정이 변경됨",
        Event::Unlock => "관리자가 잠금을 해제함",
        Event::Import => "다른 프로그램에서 가져옴",
        Event::Mail => "이메일로 보내는 인증 코드",
        Event::Mailed => "이메일로 받은 인증 코드로 로그인",
        Event::OneFactor => "인증 코드는 맞지만 로그인이 거부됨",
        Event::PolicyChanged => "정책이 변경됨",
        Event::Hook => "후크가 실패했거나 대기열이 가득 참",
        Event::Seal => "등록 정보가 봉인되었거나 봉인이 해제됨",
        Event::Fleet => "플릿이 변경되었거나 검증 서버가 알리는 일",
        Event::Debug => "로그인 단계",
    }
}

/// Says that lines were left out, because programs wrote them that may not write ours.
#[must_use]
pub fn left_out(count: u64, language: Language) -> String {
    match language {
        Language::English => format!(
            "{count} more lines look like ours and were not written by root, the helper, a verifier or the portal: left out, see otp-admin(8)"
        ),
        Language::Korean => format!(
            "root, 헬퍼, 검증 서버, 포털이 남기지 않은 비슷한 줄 {count}개는 제외했습니다. otp-admin(8) 매뉴얼을 참고하세요."
        ),
    }
}

/// Says that nobody can tell who has written the lines of a file.
#[must_use]
pub const fn of_a_file(language: Language) -> &'static str {
    match language {
        Language::English => {
            "read from files of syslog, in which every user can write lines: they prove nothing, see otp-admin(8)"
        }
        Language::Korean => {
            "syslog 파일에서 읽었습니다. 모든 사용자가 이 파일에 줄을 남길 수 있어 증거가 되지 못합니다. otp-admin(8) 매뉴얼을 참고하세요."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::in_all::assert_same_in_every_language;

    #[test]
    fn every_event_has_its_own_words_in_every_language() {
        for language in Language::ALL {
            let mut words = Event::ALL.map(|event| about(event, language)).to_vec();
            for text in &words {
                assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
            }
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), Event::ALL.len());
        }
    }

    #[test]
    fn a_verb_says_which_change_was_made_and_adds_nothing_to_other_events() {
        for language in Language::ALL {
            let mut words = vec![about(Event::Change, language)];
            for (verb, _, _) in CHANGES {
                let about_it = about_verb(Event::Change, Some(verb), language);
                assert!(!about_it.is_empty() && !about_it.ends_with('.'), "{verb}");
                words.push(about_it);
                let of_another = about_verb(Event::Changing, Some(verb), language);
                assert_eq!(of_another, about(Event::Changing, language));
            }
            for verb in [None, Some(""), Some("of a later release")] {
                let plain = about_verb(Event::Change, verb, language);
                assert_eq!(plain, about(Event::Change, language));
            }
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), CHANGES.len() + 1);
        }
        for (verb, _, _) in CHANGES {
            assert_same_in_every_language(|language| {
                about_verb(Event::Change, Some(verb), language).to_owned()
            });
        }
    }

    #[test]
    fn notices_say_the_same_in_every_language() {
        assert_same_in_every_language(|language| left_out(3, language));
        assert_same_in_every_language(|language| of_a_file(language).to_owned());
        for event in Event::ALL {
            assert_same_in_every_language(|language| about(event, language).to_owned());
        }
    }
}
