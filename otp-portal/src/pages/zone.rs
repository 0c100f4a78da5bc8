//! The server's time zone: people read the clock on their wall, administrators the UTC of the log.

mod rule;

use otp_core::UnixTime;
use rule::Rule;

/// A time zone, as `/etc/localtime` has it (RFC 9636).
#[derive(Debug, PartialEq, Eq)]
pub struct Zone {
    /// From when on which kind of local time holds, in order of time.
    transitions: Vec<(i64, usize)>,
    kinds: Vec<Kind>,
    /// What holds after the last transition, where that is a rule.
    rule: Option<Rule>,
}

/// One kind of local time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kind {
    /// Seconds east of UTC.
    offset: i64,
    is_summer: bool,
    /// `KST`, or `-03`.
    name: String,
}

impl Zone {
    /// UTC, beside which nothing else needs to be told.
    pub const UTC: Self = Self {
        transitions: Vec::new(),
        kinds: Vec::new(),
        rule: None,
    };

    /// Reads `/etc/localtime`. UTC where there is none or it cannot be read: times are told in UTC anyway.
    #[must_use]
    pub fn of_the_system() -> Self {
        std::fs::read("/etc/localtime")
            .ok()
            .and_then(|bytes| Self::parse(&bytes))
            .unwrap_or(Self::UTC)
    }

    /// Reads a file of a time zone; `None`: it is none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        let old = Header::read(&mut rest)?;
        if old.version < b'2' {
            return Self::read_block(&mut rest, &old, 4);
        }
        // Times of 32 bits come first, for readers of another century.
        rest.take(old.length(4)?)?;
        let header = Header::read(&mut rest)?;
        let mut zone = Self::read_block(&mut rest, &header, 8)?;
        let footer = rest.0.strip_prefix(b"\n")?.strip_suffix(b"\n")?;
        zone.rule = match std::str::from_utf8(footer).ok()? {
            "" => None,
            text => Some(Rule::parse(text)?),
        };
        Some(zone)
    }

    fn read_block(rest: &mut Rest<'_>, header: &Header, width: usize) -> Option<Self> {
        let times = rest.take(header.times.checked_mul(width)?)?;
        let of_which_kind = rest.take(header.times)?;
        let kinds = rest.take(header.kinds.checked_mul(6)?)?;
        let names = rest.take(header.letters)?;
        rest.take(header.behind(width)?)?;
        let transitions = times.chunks(width).zip(of_which_kind);
        let transitions: Vec<(i64, usize)> = transitions
            .map(|(time, &kind)| Some((signed(time)?, usize::from(kind))))
            .collect::<Option<_>>()?;
        let kinds: Vec<Kind> = kinds
            .chunks(6)
            .map(|kind| Kind::read(kind, names))
            .collect::<Option<_>>()?;
        let are_known = transitions.iter().all(|&(_, kind)| kind < kinds.len());
        let are_in_order = transitions.is_sorted_by_key(|&(time, _)| time);
        (are_known && are_in_order && !kinds.is_empty()).then_some(Self {
            transitions,
            kinds,
            rule: None,
        })
    }

    /// Date and time in the zone with its name, and UTC beside it: `2026-11-29 11:35 KST (02:35 UTC)`.
    #[must_use]
    pub fn text(&self, moment: UnixTime) -> String {
        let (offset, name) = self.at(moment);
        let (date, clock) = (moment.date_utc(), moment.clock_utc());
        let local = moment.seconds().checked_add_signed(offset);
        let Some(local) = local.filter(|_| (offset, name) != (0, "UTC")) else {
            return format!("{date} {clock} UTC");
        };
        let local = UnixTime::from_seconds(local);
        // A zone without letters is called by its distance.
        let of_utc = if name.starts_with(['+', '-']) {
            "UTC"
        } else {
            ""
        };
        let beside = if local.date_utc() == date {
            clock
        } else {
            format!("{date} {clock}")
        };
        let (date, clock) = (local.date_utc(), local.clock_utc());
        format!("{date} {clock} {of_utc}{name} ({beside} UTC)")
    }

    /// Seconds east of UTC at a moment, and what the zone is called then.
    fn at(&self, moment: UnixTime) -> (i64, &str) {
        let time = i64::try_from(moment.seconds()).unwrap_or(i64::MAX);
        let begun = self
            .transitions
            .partition_point(|&(begins, _)| begins <= time);
        match (&self.rule, begun) {
            (Some(rule), begun) if begun == self.transitions.len() => rule.at(moment),
            (_, 0) => {
                let standard = self.kinds.iter().find(|kind| !kind.is_summer);
                let first = standard.or(self.kinds.first());
                first.map_or((0, "UTC"), |kind| (kind.offset, &kind.name))
            }
            (_, begun) => {
                let kind = &self.kinds[self.transitions[begun - 1].1];
                (kind.offset, &kind.name)
            }
        }
    }
}

impl Kind {
    fn read(fields: &[u8], names: &[u8]) -> Option<Self> {
        let [offset @ .., is_summer, name] = fields else {
            return None;
        };
        let name = names.get(usize::from(*name)..)?;
        let end = name.iter().position(|&byte| byte == 0)?;
        let name = std::str::from_utf8(&name[..end]).ok()?;
        Some(Self {
            offset: signed(offset)?,
            is_summer: *is_summer != 0,
            name: name.to_owned(),
        })
    }
}

/// The counts at the beginning of a block.
struct Header {
    version: u8,
    utc_marks: usize,
    standard_marks: usize,
    leaps: usize,
    times: usize,
    kinds: usize,
    letters: usize,
}

impl Header {
    fn read(rest: &mut Rest<'_>) -> Option<Self> {
        let head = rest.take(20)?.strip_prefix(b"TZif")?;
        let mut count = || {
            let bytes = rest.take(4)?.try_into().ok()?;
            usize::try_from(u32::from_be_bytes(bytes)).ok()
        };
        Some(Self {
            version: head[0],
            utc_marks: count()?,
            standard_marks: count()?,
            leaps: count()?,
            times: count()?,
            kinds: count()?,
            letters: count()?,
        })
    }

    /// Bytes behind the names.
    fn behind(&self, width: usize) -> Option<usize> {
        let leaps = self.leaps.checked_mul(width + 4)?;
        leaps
            .checked_add(self.standard_marks)?
            .checked_add(self.utc_marks)
    }

    /// Bytes of the whole block.
    fn length(&self, width: usize) -> Option<usize> {
        let times = self.times.checked_mul(width + 1)?;
        times
            .checked_add(self.kinds.checked_mul(6)?)?
            .checked_add(self.letters)?
            .checked_add(self.behind(width)?)
    }
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
}

/// A signed number of 4 or 8 bytes.
fn signed(bytes: &[u8]) -> Option<i64> {
    match bytes.len() {
        4 => Some(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        8 => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
