//! A part as it is stored in etcd: its filling is counted, not stored.
//!
//! `state` has 4096 bytes, nine tenths of which are line feeds that fill a file. etcd keeps every version of a value
//! until it compacts, so each login would store them again.

use otp_core::messages::reason::Unfit;
use otp_store::keeper::Bytes;
use zeroize::Zeroizing;

/// The first line of a value.
const HEADER: &[u8] = b"pam_otp-part 1\n";
/// Four times the size of the largest part, in bytes.
pub(super) const LARGEST: usize = 64 * 1024;
const FILL: u8 = b'\n';
/// The shortest run that is counted; shorter ones are not worth it.
const RUN: usize = 16;

/// Why a value is not a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPart {
    /// A newer release wrote it.
    Newer,
    /// It is damaged.
    Damaged(Unfit),
}

/// Encodes a part: pieces of `length, bytes, fill`, both numbers of four bytes.
pub(super) fn of(part: &[u8]) -> Result<Bytes, NoPart> {
    if part.len() > LARGEST {
        return Err(NoPart::Damaged(Unfit::TooLarge));
    }
    let mut value = Zeroizing::new(Vec::with_capacity(part.len() + HEADER.len() + 64));
    value.extend_from_slice(HEADER);
    let mut rest = part;
    while !rest.is_empty() {
        let (bytes, fill) = split(rest);
        rest = &rest[bytes.len() + fill..];
        value.extend_from_slice(&number(bytes.len()));
        value.extend_from_slice(bytes);
        value.extend_from_slice(&number(fill));
    }
    Ok(value)
}

/// Decodes a part.
pub(super) fn read(value: &[u8]) -> Result<Bytes, NoPart> {
    let Some(mut rest) = value.strip_prefix(HEADER) else {
        let is_ours = value.starts_with(b"pam_otp-part ");
        return Err(if is_ours {
            NoPart::Newer
        } else {
            NoPart::Damaged(Unfit::NoPart)
        });
    };
    let mut part = Zeroizing::new(Vec::with_capacity(value.len()));
    while !rest.is_empty() {
        let (bytes, fill) = piece(&mut rest).ok_or(NoPart::Damaged(Unfit::CutShort))?;
        if part.len() + bytes.len() + fill > LARGEST {
            return Err(NoPart::Damaged(Unfit::TooLarge));
        }
        part.extend_from_slice(bytes);
        let length = part.len() + fill;
        part.resize(length, FILL);
    }
    Ok(part)
}

/// Splits off the bytes before the first long run of filling, and returns the length of the run.
fn split(part: &[u8]) -> (&[u8], usize) {
    let mut run = 0;
    for (at, byte) in part.iter().enumerate() {
        if *byte == FILL {
            run += 1;
            continue;
        }
        if run >= RUN {
            return (&part[..at - run], run);
        }
        run = 0;
    }
    if run >= RUN {
        (&part[..part.len() - run], run)
    } else {
        (part, 0)
    }
}

fn piece<'v>(rest: &mut &'v [u8]) -> Option<(&'v [u8], usize)> {
    let length = take_number(rest)?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some((bytes, take_number(rest)?))
}

fn number(number: usize) -> [u8; 4] {
    u32::try_from(number)
        .expect("a part has at most 64 KiB")
        .to_be_bytes()
}

fn take_number(rest: &mut &[u8]) -> Option<usize> {
    let (number, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    usize::try_from(u32::from_be_bytes(*number)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_reads_back_as_it_was() {
        let fill = |count| vec![FILL; count];
        for part in [
            Vec::new(),
            b"x".to_vec(),
            fill(1),
            fill(RUN),
            fill(LARGEST),
            [b"a".to_vec(), fill(RUN - 1), b"b".to_vec()].concat(),
            [b"a".to_vec(), fill(RUN), b"b".to_vec()].concat(),
            [fill(2000), b"b\n\n".to_vec(), fill(2000), b"c".to_vec()].concat(),
            (0..=255).cycle().take(5000).collect(),
        ] {
            let value = of(&part).unwrap();
            assert_eq!(*read(&value).unwrap(), part);
        }
    }

    #[test]
    fn the_padding_of_a_part_takes_no_space() {
        let mut state = vec![FILL; 4096];
        state[..300].fill(b'a');
        state[2048..2348].fill(b'b');
        assert!(of(&state).unwrap().len() < 640);
    }

    #[test]
    fn a_value_that_is_cut_off_or_claims_too_much_is_refused() {
        let whole = of(&[b"secret".to_vec(), vec![FILL; 100]].concat()).unwrap();
        for length in 0..whole.len() {
            let cut = read(&whole[..length]);
            assert!(cut.is_err() || length == HEADER.len(), "{length}");
        }
        let huge = |length: u32, fill: u32| {
            [HEADER, &length.to_be_bytes()[..], &fill.to_be_bytes()[..]].concat()
        };
        for value in [
            huge(0, u32::MAX),
            huge(u32::MAX, 0),
            [huge(0, 60_000), huge(0, 60_000)[HEADER.len()..].to_vec()].concat(),
        ] {
            assert!(read(&value).is_err());
        }
        assert!(of(&vec![0; LARGEST + 1]).is_err());
    }

    #[test]
    fn a_newer_value_is_distinguished_from_a_damaged_one() {
        assert_eq!(read(b"pam_otp-part 2\nx").err(), Some(NoPart::Newer));
        assert!(matches!(read(b"").err(), Some(NoPart::Damaged(_))));
        assert!(matches!(read(b"PAM").err(), Some(NoPart::Damaged(_))));
    }
}
