//! The person behind this process.

use std::fs;

/// The kernel's value for "nobody has logged in".
const NOBODY: u32 = u32::MAX;

/// Returns the user id that the person who started this session logged in with.
///
/// The kernel sets it once, at login, and keeps it through sudo and su. `None`: there was no login, or the kernel
/// does not provide it.
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
    fn an_unset_login_uid_is_no_user_id() {
        assert_eq!(parse("1001"), Some(1001));
        assert_eq!(parse("0\n"), Some(0));
        assert_eq!(parse("4294967295"), None);
        assert_eq!(parse(""), None);
    }
}
