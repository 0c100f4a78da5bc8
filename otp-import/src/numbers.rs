//! Reads numbers as C programs do.

/// Reads a text that consists of digits only.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Reads the same with an optional sign.
pub(crate) fn signed(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let number = i64::try_from(decimal(digits)?).ok()?;
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_a_number() {
        for (text, number) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("", None),
            ("+1", None),
            (" 1", None),
            ("1x", None),
            ("18446744073709551616", None),
        ] {
            assert_eq!(decimal(text), number, "{text:?}");
        }
        for (text, number) in [
            ("-3", Some(-3)),
            ("+3", Some(3)),
            ("3", Some(3)),
            ("--3", None),
            ("-", None),
            ("9223372036854775808", None),
        ] {
            assert_eq!(signed(text), number, "{text:?}");
        }
    }
}
