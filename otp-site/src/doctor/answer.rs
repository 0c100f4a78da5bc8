//! What a module can answer.

/// How many answers libpam knows.
pub const COUNT: usize = WORDS.len();

/// The answers in the order of their numbers, as `pam.conf(5)` calls them.
const WORDS: [&str; 32] = [
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
];

/// One answer, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answer(u8);

impl Answer {
    /// Yes.
    pub const SUCCESS: Self = Self(0);
    /// No; also what libpam answers for a line that it cannot read.
    pub const PERM_DENIED: Self = Self(6);
    /// No.
    pub const AUTH_ERR: Self = Self(7);
    /// It cannot be found out.
    pub const AUTHINFO_UNAVAIL: Self = Self(9);
    /// No, and no further attempt.
    pub const MAXTRIES: Self = Self(11);
    /// Yes, but the password has to be changed.
    pub const NEW_AUTHTOK_REQD: Self = Self(12);
    /// Neither yes nor no.
    pub const IGNORE: Self = Self(25);
    /// What libpam answers for a module that is not there.
    pub const MODULE_UNKNOWN: Self = Self(28);

    /// All that a module can answer. The last one asks libpam to come back, which no module does any more.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=30).map(Self)
    }

    /// Its word in a control field.
    #[must_use]
    pub fn word(self) -> &'static str {
        WORDS[self.index()]
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether it is a yes.
    #[must_use]
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::SUCCESS | Self::NEW_AUTHTOK_REQD)
    }
}
