//! A moment as the clocks of a machine show it, and its forms in texts for people.

use crate::UnixTime;
use crate::record::Language;
use std::fmt;

/// A moment, and what the clocks of the machine show then.
///
/// In UTC a text is `2026-11-29 12:15 UTC`. In any other zone the local time comes first and UTC, in which the log is
/// written, beside it: `2026-11-29 21:15 KST (12:15 UTC)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    moment: UnixTime,
    /// What a clock in UTC shows when those of the machine show this moment.
    wall: UnixTime,
    name: Name,
}

impl Local {
    /// The moment, as clocks in UTC show it.
    #[must_use]
    pub const fn utc(moment: UnixTime) -> Self {
        Self {
            moment,
            wall: moment,
            name: Name::UTC,
        }
    }

    /// `offset`: seconds east of UTC.
    pub(super) fn new(moment: UnixTime, offset: i64, name: Name) -> Self {
        match moment.seconds().checked_add_signed(offset) {
            Some(wall) => Self {
                moment,
                wall: UnixTime::from_seconds(wall),
                name,
            },
            // Dates before 1970 have no text.
            None => Self::utc(moment),
        }
    }

    /// The moment itself.
    #[must_use]
    pub const fn moment(self) -> UnixTime {
        self.moment
    }

    /// How many seconds the machine's clocks are ahead of UTC then.
    #[must_use]
    pub fn ahead(self) -> i64 {
        let [wall, moment] = [self.wall, self.moment].map(UnixTime::seconds);
        // Both fit, and they lie at most 26 hours apart.
        wall.cast_signed().wrapping_sub(moment.cast_signed())
    }

    /// The next whole minute, for times that are shown to the minute and must not be too early.
    #[must_use]
    pub fn to_next_minute(self) -> Self {
        let moment = self.moment.to_next_minute();
        let wall = self.wall.after(self.moment.until(moment));
        Self {
            moment,
            wall,
            ..self
        }
    }

    /// Whether the machine's clocks show UTC, so that there is one time to tell.
    #[must_use]
    pub fn is_utc(self) -> bool {
        self.wall == self.moment && self.name == Name::UTC
    }

    /// Date and time to the minute, `2026-11-29 21:15 KST (12:15 UTC)`; without a space before the parenthesis in
    /// Korean.
    #[must_use]
    pub fn minute(self, language: Language) -> String {
        let local = format!("{} {}", self.wall.date_utc(), self.wall.clock_utc());
        self.beside(&local, &self.moment.clock_utc(), true, language)
    }

    /// Date and time to the second, in the same form.
    #[must_use]
    pub fn second(self, language: Language) -> String {
        let utc = self.moment.date_time_utc();
        let clock = utc.rsplit(' ').next().unwrap_or_default();
        self.beside(&self.wall.date_time_utc(), clock, true, language)
    }

    /// Date and time to the second with the time of day in UTC, but never its date, for columns.
    #[must_use]
    pub fn second_in_column(self, language: Language) -> String {
        let utc = self.moment.date_time_utc();
        let clock = utc.rsplit(' ').next().unwrap_or_default();
        self.beside(&self.wall.date_time_utc(), clock, false, language)
    }

    /// Time of day, `21:15 KST (12:15 UTC)`.
    #[must_use]
    pub fn clock(self, language: Language) -> String {
        let utc = self.moment.clock_utc();
        self.beside(&self.wall.clock_utc(), &utc, false, language)
    }

    /// The date on the machine's calendar.
    #[must_use]
    pub fn date(self) -> String {
        self.wall.date_utc()
    }

    /// Date and time to the minute with the zone's name alone, `2026-11-29 21:15 KST`, for tables.
    #[must_use]
    pub fn cell(self) -> String {
        format!(
            "{} {} {}",
            self.wall.date_utc(),
            self.wall.clock_utc(),
            self.name
        )
    }

    /// `utc`: the time of day; its date comes before it if it differs from the local one and is wanted.
    fn beside(self, local: &str, utc: &str, with_date: bool, language: Language) -> String {
        if self.is_utc() {
            return format!("{local} UTC");
        }
        let date = self.moment.date_utc();
        let date = if with_date && date != self.wall.date_utc() {
            date + " "
        } else {
            String::new()
        };
        let space = match language {
            Language::English => " ",
            Language::Korean => "",
        };
        format!("{local} {}{space}({date}{utc} UTC)", self.name)
    }
}

/// Returns how long the moment is that a text begins with, if it is one as [`Local::minute`] writes it, in any language
/// and zone.
pub(crate) fn length_of_minute(text: &str) -> Option<usize> {
    const DATE: &str = "0000-00-00 ";
    const CLOCK: &str = "00:00 ";
    let is_like = |text: &str, shape: &str| {
        let begins = text.as_bytes().get(..shape.len());
        begins.is_some_and(|text| {
            let both = text.iter().zip(shape.bytes());
            both.into_iter().all(|(one, shape)| {
                *one == shape || (one.is_ascii_digit() && shape.is_ascii_digit())
            })
        })
    };
    let whole = |text: &str| is_like(text, DATE) && is_like(&text[DATE.len()..], CLOCK);
    let rest = text
        .get(DATE.len() + CLOCK.len()..)
        .filter(|_| whole(text))?;
    let name = rest
        .find(|c| !Name::is_plain(c))
        .map_or(rest, |end| &rest[..end]);
    if name.is_empty() {
        return None;
    }
    let behind = &rest[name.len()..];
    let Some(beside) = behind.strip_prefix(" (").or(behind.strip_prefix('(')) else {
        return (name == "UTC").then_some(text.len() - behind.len());
    };
    let beside = if whole(beside) {
        &beside[DATE.len()..]
    } else {
        beside
    };
    let beside = is_like(beside, CLOCK).then(|| &beside[CLOCK.len()..]);
    match beside.and_then(|beside| beside.strip_prefix("UTC)")) {
        Some(after) => Some(text.len() - after.len()),
        // A parenthesis of another kind follows a moment in UTC.
        None => (name == "UTC").then_some(text.len() - behind.len()),
    }
}

/// What a zone is called: `KST`, or `-03`, of which texts say `UTC-03`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    bytes: [u8; Self::LONGEST],
    length: u8,
}

impl Name {
    /// Zones that are called by more letters than this are not read; those of the tz database have 5 at most.
    const LONGEST: usize = 15;

    pub(super) const UTC: Self = {
        let mut bytes = [0; Self::LONGEST];
        (bytes[0], bytes[1], bytes[2]) = (b'U', b'T', b'C');
        Self { bytes, length: 3 }
    };

    /// Takes letters, digits and signs; `None`: it is longer, or has something that a terminal might act on.
    pub(super) fn parse(name: &[u8]) -> Option<Self> {
        let are_plain = name.iter().all(|&byte| Self::is_plain(byte.into()));
        let mut bytes = [0; Self::LONGEST];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        let length = u8::try_from(name.len()).ok()?;
        (are_plain && length > 0).then_some(Self { bytes, length })
    }

    fn is_plain(c: char) -> bool {
        c.is_ascii_alphanumeric() || matches!(c, '+' | '-')
    }

    pub(super) fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length));
        bytes.map_or("", |bytes| std::str::from_utf8(bytes).unwrap_or(""))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.as_str();
        // A zone without letters is called by its distance.
        let of_utc = if name.starts_with(['+', '-']) {
            "UTC"
        } else {
            ""
        };
        write!(f, "{of_utc}{name}")
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
