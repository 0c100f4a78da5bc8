//! What the page of recent activity says about each event, to the user whose account it is. Administrators read
//! [`crate::messages::events`].

use crate::event::Event;
use crate::record::Language;

/// Says what happened, without a full stop. `verb`: which change it was, if that is known.
#[must_use]
pub fn activity(event: Event, verb: Option<&str>, language: Language) -> &'static str {
    let (english, korean) = match (event, verb) {
        (Event::Change, Some(verb)) => CHANGES
            .iter()
            .find(|(known, _)| *known == verb)
            .map_or_else(|| words(event), |(_, words)| *words),
        _ => words(event),
    };
    match language {
        Language::English => english,
        Language::Korean => korean,
    }
}

/// Says what a PAM service is, for users who do not know its name; `None`: the name has to do.
#[must_use]
pub fn service(name: &str, language: Language) -> Option<&'static str> {
    let (english, korean) = match name {
        "otp-portal" => ("this portal", "이 포털"),
        "otp-enroll" => ("change of authenticators", "인증 수단 변경"),
        "sshd" => ("remote login", "원격 로그인"),
        "login" => ("login at a console", "콘솔 로그인"),
        "su" | "su-l" => ("change of user", "사용자 전환"),
        "sudo" | "sudo-i" | "doas" => ("command as another user", "다른 사용자로 명령 실행"),
        "cockpit" => ("web console", "웹 콘솔"),
        "gdm-password" | "greetd" | "lightdm" | "sddm" => ("desktop login", "데스크톱 로그인"),
        _ => return None,
    };
    Some(match language {
        Language::English => english,
        Language::Korean => korean,
    })
}

/// English and Korean.
type Words = (&'static str, &'static str);

/// The verbs of changes, and what each has done.
const CHANGES: [(&str, Words); 9] = [
    (
        "enrol",
        ("An authenticator was set up", "인증 수단이 등록됨"),
    ),
    (
        "replace",
        (
            "The authenticator was replaced with a new one",
            "새 인증 수단으로 교체됨",
        ),
    ),
    ("add", ("An authenticator was added", "인증 수단이 추가됨")),
    (
        "remove",
        ("An authenticator was removed", "인증 수단이 삭제됨"),
    ),
    (
        "recovery-codes",
        ("New recovery codes were made", "복구 코드가 재발급됨"),
    ),
    (
        "provision",
        (
            "An administrator set up an authenticator",
            "관리자가 인증 수단을 등록함",
        ),
    ),
    (
        "move",
        (
            "An administrator moved your authenticators from your earlier user name",
            "관리자가 이전 사용자 이름의 인증 수단을 옮김",
        ),
    ),
    (
        "reset",
        (
            "An administrator removed all authenticators",
            "관리자가 인증 수단을 모두 삭제함",
        ),
    ),
    (
        "log-out",
        (
            "An administrator ended all your logins to this portal",
            "관리자가 포털의 모든 로그인을 종료함",
        ),
    ),
];

const fn words(event: Event) -> Words {
    match event {
        Event::Accept => ("A right code was entered", "올바른 인증 코드 입력"),
        Event::Recovery => ("A recovery code was used", "복구 코드 사용"),
        Event::Trusted => (
            "No code was asked for: the place is trusted or remembered",
            "신뢰하는 네트워크이거나 인증이 유지되어 인증 코드를 요청하지 않음",
        ),
        Event::Reject => (
            "A wrong code was entered, or none",
            "잘못된 인증 코드가 입력되었거나 입력되지 않음",
        ),
        Event::Replay => (
            "A code was entered that had been used before",
            "이미 사용한 인증 코드 입력",
        ),
        Event::Lock => (
            "The account was locked after too many wrong codes",
            "인증 코드를 여러 번 잘못 입력하여 계정이 잠김",
        ),
        Event::Locked => (
            "Somebody tried to log in while the account was locked",
            "계정이 잠긴 동안 로그인 시도",
        ),
        Event::Attempt => (
            "A code was entered, and the result was not recorded",
            "인증 코드가 입력되었으나 결과가 로그에 남지 않음",
        ),
        Event::NotEnrolled => (
            "A login without an authenticator",
            "등록된 인증 수단이 없는 상태에서 로그인",
        ),
        Event::Unavailable => (
            "A code could not be checked because of a system problem",
            "시스템 문제로 인증 코드를 확인하지 못함",
        ),
        Event::Changing => (
            "A change was begun, and the result was not recorded",
            "변경이 시작되었으나 결과가 로그에 남지 않음",
        ),
        Event::Change => (
            "The authenticators or the recovery codes were changed",
            "인증 수단 또는 복구 코드가 변경됨",
        ),
        Event::Denied => (
            "A program's request about this account was denied",
            "이 계정에 대한 프로그램의 요청이 거부됨",
        ),
        Event::Reset => (
            "Authenticators of an earlier account with this name were found",
            "같은 이름을 사용하던 이전 계정의 인증 수단이 발견됨",
        ),
        Event::Policy => (
            "The system has a problem that an administrator must correct",
            "관리자가 확인해야 할 시스템 문제",
        ),
        Event::Protect => (
            "An administrator changed which services ask for a code",
            "관리자가 인증 코드를 요청하는 서비스를 변경함",
        ),
        Event::Unlock => (
            "An administrator unlocked the account",
            "관리자가 계정의 잠금을 해제함",
        ),
        Event::Import => (
            "An administrator imported authenticators from another program, or tried to",
            "관리자가 다른 프로그램에서 인증 수단 가져오기를 실행함",
        ),
        Event::Mail => ("A code by email was asked for", "이메일 인증 코드 요청"),
        Event::Mailed => ("A code from an email was used", "이메일로 받은 코드 사용"),
        Event::OneFactor => (
            "The code was right, but the login was refused for another reason",
            "인증 코드는 맞았지만 다른 이유로 로그인이 거부됨",
        ),
        Event::PolicyChanged => (
            "The settings for codes on this system changed",
            "이 시스템의 인증 코드 설정이 변경됨",
        ),
        Event::Hook => (
            "The system could not pass on a notification",
            "시스템이 알림을 전달하지 못함",
        ),
        Event::Seal => (
            "The protection of stored keys changed",
            "저장된 키의 보호 방식이 변경됨",
        ),
        Event::Fleet => (
            "The servers that check codes changed",
            "인증 코드를 확인하는 서버 구성이 변경됨",
        ),
        Event::Debug => (
            "A step of a login, recorded for an administrator",
            "관리자를 위해 로그에 남긴 로그인 단계",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::events::VERBS;
    use crate::messages::in_all::assert_same_in_every_language;
    use std::collections::BTreeSet;

    #[test]
    fn each_event_and_each_change_has_words_of_its_own_for_users_in_every_language() {
        let verbs = VERBS.map(Some);
        let changes = verbs.map(|verb| (Event::Change, verb));
        let all: Vec<_> = Event::ALL
            .map(|event| (event, None))
            .into_iter()
            .chain(changes)
            .collect();
        for language in Language::ALL {
            let told: BTreeSet<_> = all
                .iter()
                .map(|&(event, verb)| activity(event, verb, language))
                .collect();
            assert_eq!(told.len(), all.len());
        }
        for (event, verb) in all {
            assert_same_in_every_language(|language| activity(event, verb, language).to_owned());
            let english = activity(event, verb, Language::English);
            assert!(
                english.starts_with(|c: char| c.is_ascii_uppercase()) && !english.ends_with('.'),
                "{english}"
            );
            // Words that only administrators know.
            for word in [
                "helper",
                "record of",
                "the record",
                "policy",
                "hook",
                "fleet",
                "sealed",
            ] {
                assert!(!english.contains(word), "{english}");
            }
        }
        assert_eq!(
            activity(Event::Change, Some("of a later release"), Language::English),
            activity(Event::Change, None, Language::English)
        );
    }

    #[test]
    fn a_service_is_told_in_words_where_there_are_some() {
        for language in Language::ALL {
            for name in [
                "otp-portal",
                "otp-enroll",
                "sshd",
                "login",
                "su",
                "sudo",
                "cockpit",
                "greetd",
            ] {
                assert!(service(name, language).is_some(), "{name}");
            }
            assert_eq!(service("imap", language), None);
        }
    }
}
