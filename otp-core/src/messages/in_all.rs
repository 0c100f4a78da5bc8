//! For tests of the catalogue: a sentence is there in every language, and they all say the same.

use super::Message;
use crate::record::Language;

/// One line in each language, with the same numbers in them.
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

/// Something is said, on one line, in the letters of the language; and no word in it but the one question for a password
/// looks like a question for one: sshpass and its like answer that with the password, wherever it is shown.
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
