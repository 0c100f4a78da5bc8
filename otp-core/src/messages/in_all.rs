//! Checks for tests of the messages: a sentence exists in every language, and all say the same.

use super::Message;
use crate::record::Language;

/// The Korean name of a second factor, whose figure the English name has not.
const SECOND_FACTOR: &str = "2단계 인증";

/// Asserts that there is one line in each language, with the same numbers in it.
pub(super) fn assert_same_in_every_language(text: impl Fn(Language) -> String) {
    let english = text(Language::English);
    for language in Language::ALL {
        let said = text(language);
        assert_is_a_line_of(language, &said);
        assert_eq!(figures(&said), figures(&english), "{said} {english}");
    }
}

/// Returns the numbers in a text, sorted, without that in the name of a second factor.
fn figures(text: &str) -> Vec<String> {
    let text = text.replace(SECOND_FACTOR, "");
    let mut figures: Vec<_> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    figures.sort();
    figures
}

/// Forms that no Korean text has: particles for both kinds of sound, and words that the glossary has replaced.
const NEVER: [&str; 34] = [
    // One of the two particles is wrong. Put a noun before it, or find it with `korean::with`.
    "(으)",
    "을(를)",
    "를(을)",
    "이(가)",
    "가(이)",
    "은(는)",
    "는(은)",
    "(이)",
    "와(과)",
    "과(와)",
    "(를)",
    "(가)",
    // Each thing has one word: 인증 코드, 등록 정보, 휴대폰, 기존, 인증 앱, root.
    "인증번호",
    "인증 번호",
    "등록기",
    "휴대전화",
    "스마트폰",
    "루트",
    "암호 관리자",
    "비밀번호 관리자",
    // 사용하다 and 저장하다 say which of the two 쓰다 means.
    "쓸 수",
    "쓰세요",
    " 쓰는 ",
    " 쓰지 ",
    "을 씁니다",
    "를 씁니다",
    // A text does not point to where it is read.
    "여기서",
    "거기",
    "그곳",
    // A program requires a code; it puts no question.
    "를 묻",
    "코드를 물",
    "묻지 않",
    "변경된 것은",
    "바꾼 것",
];

/// Asserts that a Korean text has no form and no word that the Korean of the catalogue does without.
pub(super) fn assert_keeps_the_glossary(said: &str) {
    for word in NEVER {
        assert!(!said.contains(word), "{word}: {said}");
    }
    // 기록 is a log; what is stored of a user is 등록 정보.
    assert!(!said.contains("기록"), "{said}");
    let is_hangul = |c: char| ('가'..='힣').contains(&c);
    let spaced = said
        .match_indices(" (")
        .any(|(at, _)| said[..at].ends_with(is_hangul));
    assert!(!spaced, "a space before a bracket: {said}");
}

/// Asserts that a Korean text that ends with a full sentence ends with a full stop, and that an English one has none.
pub(super) fn assert_ends_well(language: Language, said: &str) {
    match language {
        Language::English => assert!(!said.ends_with('.'), "{said}"),
        Language::Korean => {
            let is_sentence = |text: &str| text.ends_with("니다") || text.ends_with("세요");
            let bare = said.rsplit_once('(').filter(|_| said.ends_with(')'));
            assert!(!is_sentence(said), "no full stop: {said}");
            assert!(
                !bare.is_some_and(|(text, _)| is_sentence(text)),
                "no full stop: {said}"
            );
        }
    }
}

/// Asserts that the text is one line in the letters of its language. Except for the question for a password, no word in
/// it may look like such a question: sshpass and similar programs answer it with the password, wherever it is shown.
pub(super) fn assert_is_a_line_of(language: Language, said: &str) {
    let is_in_its_letters = match language {
        Language::English => said.is_ascii() && said.contains(|c: char| c.is_ascii_alphabetic()),
        Language::Korean => {
            assert_keeps_the_glossary(said);
            said.contains(|c| ('가'..='힣').contains(&c))
        }
    };
    let asks = said == Message::PasswordAndCodePrompt.text(language);
    assert!(
        asks || !said.to_ascii_lowercase().contains("assword"),
        "{said:?}"
    );
    assert!(
        is_in_its_letters && !said.contains('\n'),
        "{language:?}: {said:?}"
    );
}

#[test]
fn a_second_factor_has_a_figure_in_korean_only_and_every_other_figure_is_compared() {
    let both = |english: &'static str, korean: &'static str| {
        move |language| match language {
            Language::English => english.to_owned(),
            Language::Korean => korean.to_owned(),
        }
    };
    let passes = |english, korean| {
        std::panic::catch_unwind(|| assert_same_in_every_language(both(english, korean))).is_ok()
    };
    assert!(passes("a second factor", "2단계 인증"));
    assert!(passes("a second factor in 5 days", "5일 뒤 2단계 인증"));
    assert!(passes("2 codes of a second factor", "2단계 인증 코드 2개"));
    assert!(!passes("a second factor in 5 days", "2일 뒤 2단계 인증"));
    assert!(!passes("a second factor", "2단계 인증 2개"));
    assert!(!passes("2 codes", "2단계 인증"));
    assert!(!passes("a second factor", "3단계 인증"));
}

#[test]
fn korean_that_leaves_a_particle_open_or_has_another_word_is_found() {
    let keeps = |text: &'static str| {
        std::panic::catch_unwind(|| assert_is_a_line_of(Language::Korean, text)).is_ok()
    };
    assert!(keeps("alice 계정의 인증 수단(phone)을 삭제했습니다."));
    for text in [
        "alice(으)로 등록합니다.",
        "phone을(를) 삭제합니다.",
        "phone이(가) 없습니다.",
        "phone은(는) 없습니다.",
        "phone(이)라는 이름입니다.",
        "인증번호를 입력해 주세요.",
        "alice 계정의 기록을 옮겼습니다.",
        "더 이상 쓸 수 없습니다.",
        "여기서는 발급하지 않습니다.",
        "3개 남음 (전체 10개)",
    ] {
        assert!(!keeps(text), "{text}");
    }
    let ends = |text: &'static str| {
        std::panic::catch_unwind(|| assert_ends_well(Language::Korean, text)).is_ok()
    };
    assert!(ends("삭제했습니다.") && ends("정상"));
    assert!(!ends("삭제했습니다") && !ends("확인하세요") && !ends("실행하세요(ssh -t)"));
}
