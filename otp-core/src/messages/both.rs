//! For tests of the catalogue: a sentence is there in both languages, and they say the same.

use crate::record::Language;

/// One line of English and one of Korean, with the same numbers in them.
pub(super) fn assert_same_in_both_languages(text: impl Fn(Language) -> String) {
    let figures = |text: &str| {
        let mut figures: Vec<_> = text
            .split(|c: char| !c.is_ascii_digit())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        figures.sort();
        figures
    };
    let (english, korean) = (text(Language::English), text(Language::Korean));
    assert!(english.is_ascii() && !english.is_empty(), "{english}");
    assert!(korean.contains(|c| ('가'..='힣').contains(&c)), "{korean}");
    assert_eq!(figures(&english), figures(&korean), "{english} {korean}");
    assert!(
        !english.contains('\n') && !korean.contains('\n'),
        "{english} {korean}"
    );
}
