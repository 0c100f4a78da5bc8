//! Korean particles after values. Many particles have two forms: the final sound of the word before decides which.
//!
//! A sentence that has a noun between the value and the particle needs none of this, and reads better. These functions
//! are for the places where such a noun would be in the way, as after a word that a person has to type.

/// A particle with two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Particle {
    /// 을 or 를: the object.
    Object,
    /// 이 or 가: the subject.
    Subject,
    /// 은 or 는: the topic.
    Topic,
    /// 과 or 와: and.
    And,
    /// 이나 or 나: or.
    Or,
    /// 으로 or 로: to, by. After ㄹ it is 로.
    To,
    /// 이라고 or 라고: the words said.
    Quoted,
}

/// What a word ends in, as it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Final {
    Vowel,
    /// The consonant ㄹ.
    Rieul,
    Consonant,
}

impl Particle {
    /// Returns the form that follows a word. Quotation marks and brackets around the word do not count.
    #[must_use]
    pub fn after(self, word: &str) -> &'static str {
        let (after_consonant, after_vowel) = match self {
            Self::Object => ("을", "를"),
            Self::Subject => ("이", "가"),
            Self::Topic => ("은", "는"),
            Self::And => ("과", "와"),
            Self::Or => ("이나", "나"),
            Self::To => ("으로", "로"),
            Self::Quoted => ("이라고", "라고"),
        };
        match (final_sound(word), self) {
            (Final::Vowel, _) | (Final::Rieul, Self::To) => after_vowel,
            (Final::Rieul | Final::Consonant, _) => after_consonant,
        }
    }
}

/// Returns a word with the particle after it.
#[must_use]
pub fn with(word: &str, particle: Particle) -> String {
    format!("{word}{}", particle.after(word))
}

/// Returns the final sound of a word: of Hangul exactly, of digits as they are read, of Latin letters as the words of
/// our texts are read (kept 켑트, later 레이터, keep 킵, sudo 수도). A word in other letters ends in a vowel.
fn final_sound(word: &str) -> Final {
    let word = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    match word.chars().next_back() {
        Some(last @ '가'..='힣') => match (u32::from(last) - u32::from('가')) % 28 {
            0 => Final::Vowel,
            8 => Final::Rieul,
            _ => Final::Consonant,
        },
        // 영 일 이 삼 사 오 육 칠 팔 구; also 십, 백, 천 and 만 end in a consonant.
        Some('1' | '7' | '8') => Final::Rieul,
        Some('0' | '3' | '6') => Final::Consonant,
        Some('2' | '4' | '5' | '9') => Final::Vowel,
        Some(last) if last.is_ascii_alphabetic() => latin_sound(word),
        _ => Final::Vowel,
    }
}

/// Returns the final sound of a text that ends in a Latin letter.
fn latin_sound(word: &str) -> Final {
    let begins = word.rfind(|c: char| !c.is_ascii_alphabetic());
    let begins = begins.map_or(0, |at| {
        at + word[at..].chars().next().map_or(0, char::len_utf8)
    });
    let letters = &word[begins..];
    // Capitals, and a single letter, are spelt: L is 엘, M 엠, N 엔, R 아르.
    if letters.len() == 1 || !letters.contains(|c: char| c.is_ascii_lowercase()) {
        return match letters.bytes().next_back().map(|c| c.to_ascii_uppercase()) {
            Some(b'L') => Final::Rieul,
            Some(b'M' | b'N') => Final::Consonant,
            _ => Final::Vowel,
        };
    }
    let letters = letters.to_ascii_lowercase();
    let is_vowel = |c: u8| b"aeiouy".contains(&c);
    let spoken = match letters.strip_suffix('e') {
        // The e of "phone" and "file" is silent.
        Some(short) if short.len() > 1 && short.ends_with(['l', 'm', 'n']) => short,
        _ => letters.as_str(),
    };
    match spoken.as_bytes() {
        [.., b'l'] => Final::Rieul,
        [.., b'm' | b'n'] | [.., b'n', b'g'] => Final::Consonant,
        // "web", "keep", "reset", "book": a stop after a vowel closes the syllable; after a consonant it gets a vowel
        // of its own, as in "kept" or "host".
        [.., before, b'b' | b'c' | b'k' | b'p' | b't'] if is_vowel(*before) => Final::Consonant,
        _ => Final::Vowel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::every;

    const ALL: [Particle; 7] = every!(Particle: Object, Subject, Topic, And, Or, To, Quoted);

    fn after(word: &str) -> [&'static str; 7] {
        ALL.map(|particle| particle.after(word))
    }

    #[test]
    fn each_particle_follows_the_final_sound() {
        let vowel = ["를", "가", "는", "와", "나", "로", "라고"];
        let consonant = ["을", "이", "은", "과", "이나", "으로", "이라고"];
        let rieul = ["을", "이", "은", "과", "이나", "로", "이라고"];
        for (words, forms) in [
            (
                &[
                    "나중에",
                    "철수",
                    "later",
                    "kept",
                    "sudo",
                    "KEPT",
                    "host",
                    "2",
                    "24",
                    "file5",
                    "a",
                ][..],
                vowel,
            ),
            (
                &[
                    "보관",
                    "반전",
                    "유지됨",
                    "phone",
                    "keep",
                    "admin",
                    "enrol-admin",
                    "web",
                    "3",
                    "10",
                    "16",
                ][..],
                consonant,
            ),
            (
                &[
                    "서울",
                    "파일",
                    "1",
                    "7",
                    "128",
                    "file",
                    "email",
                    "otp-enroll",
                    "SSL",
                ][..],
                rieul,
            ),
        ] {
            for word in words {
                assert_eq!(after(word), forms, "{word}");
            }
        }
    }

    #[test]
    fn marks_around_a_word_do_not_change_how_it_is_read() {
        for word in ["\"보관\"", "'보관'", "(보관)", "보관…", "보관."] {
            assert_eq!(Particle::Object.after(word), "을", "{word}");
        }
        assert_eq!(with("\"나중에\"", Particle::Object), "\"나중에\"를");
        assert_eq!(
            with("'otp-admin unlock bob'", Particle::To),
            "'otp-admin unlock bob'으로"
        );
    }

    #[test]
    fn what_cannot_be_read_takes_the_form_after_a_vowel() {
        for word in ["", "...", "日本"] {
            assert_eq!(Particle::Subject.after(word), "가", "{word}");
        }
    }

    #[test]
    fn every_final_of_hangul_but_none_and_rieul_is_a_consonant() {
        for (at, last) in ('가'..='갛').enumerate() {
            let expected = match at {
                0 => ("를", "로"),
                8 => ("을", "로"),
                _ => ("을", "으로"),
            };
            let word = last.to_string();
            let found = (Particle::Object.after(&word), Particle::To.after(&word));
            assert_eq!(found, expected, "{last}");
        }
    }
}
