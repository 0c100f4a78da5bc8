//! Who is behind this process.

use std::fs;

/// What the kernel has for "nobody has logged in".
const NOBODY: u32 = u32::MAX;

/// The user id that the person logged in with whose session this process belongs to: set once at a login, kept through
/// sudo and su. `None`: no login, or a kernel without.
pub(crate) fn login_uid() -> Option<u32> {
    let text = fs::read_to_string("/proc/self/loginuid").ok()?;
    parse(&text)
}

fn parse(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|uid| *uid != NOBODY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_no_user_id() {
        assert_eq!(parse("1001"), Some(1001));
        assert_eq!(parse("0\n"), Some(0));
        assert_eq!(parse("4294967295"), None);
        assert_eq!(parse(""), None);
    }
}
