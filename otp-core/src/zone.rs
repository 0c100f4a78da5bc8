//! The time zone of a machine, read from the bytes of a file as `/etc/localtime` is one (RFC 9636).
//!
//! People read the clock on their wall, administrators the UTC of the log; so texts tell both.
//!
//! This is no library, because the module stays small: in a shared object of its own, jiff adds 91 KB, tz-rs 25 KB and
//! this 15 KB. jiff and this read every zone of the tz database as Python does; tz-rs tells no time in zones that count
//! leap seconds.

mod local;
mod rule;

pub use local::Local;
pub(crate) use local::length_of_minute;

use crate::UnixTime;
use local::Name;
use rule::Rule;

/// A time zone, as `/etc/localtime` has it (RFC 9636).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// From when on which kind of local time holds, in order of time.
    transitions: Vec<(i64, usize)>,
    kinds: Vec<Kind>,
    /// What holds after the last transition, where that is a rule.
    rule: Option<Rule>,
}

/// The seconds east of UTC that a zone may have (RFC 9636, section 3.2).
const OFFSETS: std::ops::RangeInclusive<i64> = -89_999..=93_599;

/// One kind of local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    /// Seconds east of UTC.
    offset: i64,
    is_summer: bool,
    name: Name,
}

impl Zone {
    /// UTC, beside which nothing else needs to be told.
    pub const UTC: Self = Self {
        transitions: Vec::new(),
        kinds: Vec::new(),
        rule: None,
    };

    /// Makes the zone that always follows a rule as POSIX's `TZ` has it: `KST-9`; for tests, which need no file then.
    /// `None`: it is no rule.
    #[must_use]
    pub fn of_rule(rule: &str) -> Option<Self> {
        let rule = Some(Rule::parse(rule)?);
        Some(Self { rule, ..Self::UTC })
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

    /// The moment, as the clocks of the zone show it.
    #[must_use]
    pub fn at(&self, moment: UnixTime) -> Local {
        let (offset, name) = self.kind_at(moment);
        Local::new(moment, offset, name)
    }

    /// Seconds east of UTC at a moment, and what the zone is called then.
    fn kind_at(&self, moment: UnixTime) -> (i64, Name) {
        let time = i64::try_from(moment.seconds()).unwrap_or(i64::MAX);
        let begun = self
            .transitions
            .partition_point(|&(begins, _)| begins <= time);
        match (&self.rule, begun) {
            (Some(rule), begun) if begun == self.transitions.len() => rule.at(moment),
            (_, 0) => {
                let standard = self.kinds.iter().find(|kind| !kind.is_summer);
                let first = standard.or(self.kinds.first());
                first.map_or((0, Name::UTC), |kind| (kind.offset, kind.name))
            }
            (_, begun) => {
                let kind = &self.kinds[self.transitions[begun - 1].1];
                (kind.offset, kind.name)
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
        Some(Self {
            offset: signed(offset).filter(|offset| OFFSETS.contains(offset))?,
            is_summer: *is_summer != 0,
            name: Name::parse(&name[..end])?,
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

/// The bytes that are left to read.
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
pub(crate) mod tests;
