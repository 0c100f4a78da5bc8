//! Checks for tests of the messages: a sentence exists in every language, and all say the same.

use super::Message;
use crate::record::Language;

/// Asserts that there is one line in each language, with the same numbers in it.
pub(super) fn assert_same_in_every_language(text: impl Fn(Language) -> String) {
    let figures = |text: &str| {
        let mut figures: Vec<_> = text
            .split(|c: char| !c.is_ascii_digit())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        figures.sort();
        figures
    };
    let english = text(Language::English);
    for language in Language::ALL {
        let said = text(language);
        assert_is_a_line_of(language, &said);
        assert_eq!(figures(&said), figures(&english), "{said} {english}");
    }
}

/// Asserts that the text is one line in the letters of its language. Except for the question for a password, no word in
/// it may look like such a question: sshpass and similar programs answer it with the password, wherever it is shown.
pub(super) fn assert_is_a_line_of(language: Language, said: &str) {
    let is_in_its_letters = match language {
        Language::English => said.is_ascii() && said.contains(|c: char| c.is_ascii_alphabetic()),
        Language::Korean => said.contains(|c| ('가'..='힣').contains(&c)),
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
