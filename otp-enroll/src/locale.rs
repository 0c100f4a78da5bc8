//! The language and the character set that the environment sets.

use otp_core::record::Language;

/// The parts of the process's locale that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locale {
    /// The language, if the catalogue has the language of the locale and it is not the default one.
    ///
    /// Many machines are simply left at `en_US`, so that does not override the policy; any other language is
    /// someone's choice.
    pub language: Option<Language>,
    /// Whether the terminal accepts UTF-8.
    pub utf8: bool,
}

impl Locale {
    /// Reads `LC_ALL`, `LC_MESSAGES`, `LC_CTYPE` and `LANG` by the precedence of POSIX: the first one that is not
    /// empty counts.
    pub fn from(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: [&str; 3]| {
            names
                .into_iter()
                .find_map(|name| variable(name).filter(|value| !value.is_empty()))
                .unwrap_or_default()
        };
        let messages = first(["LC_ALL", "LC_MESSAGES", "LANG"]);
        let character_set = first(["LC_ALL", "LC_CTYPE", "LANG"]).to_ascii_lowercase();
        Self {
            language: Language::ALL
                .into_iter()
                .find(|&one| one != Language::default() && names(&messages, one)),
            utf8: character_set.contains(".utf-8") || character_set.contains(".utf8"),
        }
    }

    /// Reads the locale of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::from(|name| std::env::var(name).ok())
    }
}

/// Whether a locale names a language: `ko`, `ko_KR.UTF-8`, `ko@...`; not `kok`, which is Konkani.
fn names(locale: &str, language: Language) -> bool {
    locale
        .strip_prefix(language.tag())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', '.', '@']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(variables: &[(&str, &str)]) -> Locale {
        Locale::from(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_first_variable_that_is_not_empty_decides() {
        let korean = Some(Language::Korean);
        for (variables, language) in [
            (&[("LANG", "ko_KR.UTF-8")][..], korean),
            (&[("LANG", "en_US.UTF-8"), ("LC_MESSAGES", "ko")], korean),
            (&[("LANG", "ko_KR.UTF-8"), ("LC_ALL", "C")], None),
            (&[("LANG", "ko_KR.UTF-8"), ("LC_ALL", "")], korean),
            (&[("LANG", "ko_KR.UTF-8"), ("LC_MESSAGES", "en_US")], None),
            (&[("LANG", "kok_IN.UTF-8")], None),
            (&[("LC_CTYPE", "ko_KR.UTF-8")], None),
            (&[], None),
        ] {
            assert_eq!(locale(variables).language, language, "{variables:?}");
        }
    }

    #[test]
    fn every_language_but_the_default_is_chosen_by_its_locale() {
        for language in Language::ALL {
            let chosen = (language != Language::default()).then_some(language);
            let name = format!("{}_XX.UTF-8", language.tag());
            assert_eq!(locale(&[("LANG", &name)]).language, chosen, "{name}");
        }
    }

    #[test]
    fn only_a_locale_that_names_utf_8_gets_utf_8() {
        for (variables, utf8) in [
            (&[("LANG", "en_US.UTF-8")][..], true),
            (&[("LANG", "C.utf8")], true),
            (&[("LANG", "de_DE.UTF-8@euro")], true),
            (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")], false),
            (&[("LANG", "en_US.UTF-8"), ("LC_CTYPE", "POSIX")], false),
            (&[("LANG", "C"), ("LC_CTYPE", "C.UTF-8")], true),
            (&[("LANG", "ko_KR.EUC-KR")], false),
            (&[("LANG", "ko_KR")], false),
            (&[], false),
        ] {
            assert_eq!(locale(variables).utf8, utf8, "{variables:?}");
        }
    }
}
