//! The answers that a module can give.

/// How many answers libpam knows.
pub const COUNT: usize = WORDS.len();

/// The answers in the order of their numbers, in the words of `pam.conf(5)`.
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
    /// No. libpam also answers this for a line that it cannot read.
    pub const PERM_DENIED: Self = Self(6);
    /// No.
    pub const AUTH_ERR: Self = Self(7);
    /// The answer cannot be found out.
    pub const AUTHINFO_UNAVAIL: Self = Self(9);
    /// No, and no further attempt.
    pub const MAXTRIES: Self = Self(11);
    /// Yes, but the password must be changed.
    pub const NEW_AUTHTOK_REQD: Self = Self(12);
    /// Neither yes nor no.
    pub const IGNORE: Self = Self(25);
    /// The answer of libpam for a module that does not exist.
    pub const MODULE_UNKNOWN: Self = Self(28);

    /// All answers that a module can give. The last number asks libpam to come back, which no module does any more.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=30).map(Self)
    }

    /// Returns the word of the answer in a control field.
    #[must_use]
    pub fn word(self) -> &'static str {
        WORDS[self.index()]
    }

    /// Returns the number of the answer.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether the answer is a yes.
    #[must_use]
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::SUCCESS | Self::NEW_AUTHTOK_REQD)
    }
}
