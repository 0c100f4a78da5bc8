use super::*;
use crate::error::{At, Location};
use crate::fixture::{KEY, assert_tells_no_secret_of};
use crate::keeper::Part;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const PATH: &str = "/store/alice/state";

fn any_id() -> impl Strategy<Value = Id> {
    any::<[u8; 8]>().prop_map(Id::from_random)
}

/// Every number that a counter or a moment can be, with extremes more often than by chance.
fn any_number() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0..3_u64, u64::MAX - 3..=u64::MAX]
}

fn any_count() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0..3_u32, u32::MAX - 3..=u32::MAX]
}

fn any_drift() -> impl Strategy<Value = Drift> {
    (-40..=40_i64).prop_map(|steps| Drift::from_steps(steps).unwrap())
}

fn any_standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        Just(Standing::Open),
        Just(Standing::Held),
        Just(Standing::Disabled),
        (any_number(), any_number()).prop_map(|(since, lasts)| Standing::Locked {
            since: UnixTime::from_seconds(since),
            lasts: Duration::from_secs(lasts),
        }),
    ]
}

fn any_refusal() -> impl Strategy<Value = Refusal> {
    prop::sample::select(Refusal::ALL.to_vec())
}

prop_compose! {
    fn any_entry()(
        id in any_id(),
        last_step in option::of(any_number()),
        drift in any_drift(),
        resync in option::of((any_number(), any_drift())),
        last_used in option::of(any_number()),
    ) -> AuthenticatorState {
        AuthenticatorState {
            id,
            last_step: last_step.map(Step),
            drift,
            resync: resync.map(|(step, distance)| Resync { step: Step(step), distance }),
            last_used: last_used.map(UnixTime::from_seconds),
        }
    }
}

prop_compose! {
    fn any_state()(
        standing in any_standing(),
        failures in any_count(),
        failures_in_a_row in any_count(),
        locks_in_a_row in any_count(),
        last_refusal in option::of((any_number(), any_refusal())),
        authenticators in vec(any_entry(), 0..=MAX_ENTRIES),
        recovery in vec((any_id(), any_count()), 0..=MAX_SETS),
    ) -> State {
        State {
            standing,
            failures,
            failures_in_a_row,
            locks_in_a_row,
            last_refusal: last_refusal.map(|(at, refusal)| (UnixTime::from_seconds(at), refusal)),
            authenticators,
            recovery: recovery.into_iter().map(|(id, used)| RecoveryState { id, used }).collect(),
        }
    }
}

/// A state in which every number is as long as it can be.
fn largest() -> State {
    let end_of_time = UnixTime::from_seconds(u64::MAX);
    let furthest = Drift::from_steps(-40).unwrap();
    State {
        standing: Standing::Locked {
            since: end_of_time,
            lasts: Duration::from_secs(u64::MAX),
        },
        failures: u32::MAX,
        failures_in_a_row: u32::MAX,
        locks_in_a_row: u32::MAX,
        last_refusal: Some((end_of_time, Refusal::Replayed)),
        authenticators: (0..8)
            .map(|at| AuthenticatorState {
                id: Id::from_random([at; 8]),
                last_step: Some(Step(u64::MAX)),
                drift: furthest,
                resync: Some(Resync {
                    step: Step(u64::MAX),
                    distance: furthest,
                }),
                last_used: Some(end_of_time),
            })
            .collect(),
        recovery: vec![
            RecoveryState {
                id: Id::from_random([8; 8]),
                used: u32::MAX,
            },
            RecoveryState {
                id: Id::from_random([9; 8]),
                used: u32::MAX,
            },
        ],
    }
}

/// Returns a state with one authenticator and that number of failures.
fn small(failures: u32) -> State {
    State {
        standing: Standing::Open,
        failures,
        failures_in_a_row: failures,
        locks_in_a_row: 0,
        last_refusal: None,
        authenticators: vec![AuthenticatorState::fresh(Id::from_random([7; 8]))],
        recovery: Vec::new(),
    }
}

/// A file of two records, each at its sequence number.
fn file(first: (&State, u64), second: (&State, u64)) -> Vec<u8> {
    [first, second]
        .map(|(state, sequence)| encode(state, sequence).unwrap())
        .concat()
}

/// A whole file after which no further attempt can be stored.
pub(crate) fn at_the_end_of_the_sequence(state: &State) -> Vec<u8> {
    file((state, u64::MAX - 1), (state, u64::MAX))
}

/// The record that holds this text and a checksum that fits.
fn sealed(body: &str) -> [u8; RECORD] {
    let text = format!("{body}checksum {}\n", checksum(body.as_bytes()));
    let mut record = [b'\n'; RECORD];
    record[..text.len()].copy_from_slice(text.as_bytes());
    record
}

fn place_of(next: &Successor) -> usize {
    usize::try_from(next.offset).unwrap()
}

/// Reads one record alone.
fn decode(record: &[u8]) -> Result<(u64, State), Invalid> {
    let framed = Framed::of(record)?;
    let state = framed.state().ok_or(Invalid::Damaged)?;
    Ok((framed.sequence, state))
}

fn refusal(bytes: &[u8]) -> String {
    let Err(error) = Newest::of(bytes).at(|| Location::of_part(Part::State, PATH)) else {
        panic!("taken:\n{}", String::from_utf8_lossy(bytes));
    };
    assert_tells_no_secret_of(bytes, &error);
    let told = error.to_string();
    told.strip_prefix(&format!("{PATH}: ")).unwrap().to_owned()
}

#[test]
fn the_format_reads_as_written_by_hand() {
    let record = sealed(
        "pam_otp-state 1\n\
         sequence 42\n\
         standing locked 1763640000 900\n\
         failures 0 5 1\n\
         refused 1763640000 wrong-code\n\
         recovery 1032547698badcfe 00000005\n\
         authenticator 0f1e2d3c4b5a6978 58788000 -2 58788003 4 1763640000\n\
         authenticator 8796a5b4c3d2e1f0 - 0 - - -\n",
    );
    let (sequence, state) = decode(&record).ok().unwrap();
    assert_eq!(sequence, 42);
    let moment = UnixTime::from_seconds(1_763_640_000);
    let expected = State {
        standing: Standing::Locked {
            since: moment,
            lasts: Duration::from_secs(900),
        },
        failures: 0,
        failures_in_a_row: 5,
        locks_in_a_row: 1,
        last_refusal: Some((moment, Refusal::WrongCode)),
        authenticators: vec![
            AuthenticatorState {
                id: Id::parse("0f1e2d3c4b5a6978").unwrap(),
                last_step: Some(Step(58_788_000)),
                drift: Drift::from_steps(-2).unwrap(),
                resync: Some(Resync {
                    step: Step(58_788_003),
                    distance: Drift::from_steps(4).unwrap(),
                }),
                last_used: Some(moment),
            },
            AuthenticatorState::fresh(Id::parse("8796a5b4c3d2e1f0").unwrap()),
        ],
        recovery: vec![RecoveryState {
            id: Id::parse("1032547698badcfe").unwrap(),
            used: 0b101,
        }],
    };
    assert_eq!(state, expected);
    assert!(encode(&expected, 42) == Some(record), "and is written so");
}

proptest! {
    #[test]
    fn whatever_is_written_reads_back(state in any_state(), sequence in any_number()) {
        let record = encode(&state, sequence).unwrap();
        prop_assert_eq!(decode(&record).ok(), Some((sequence, state)));
    }

    #[test]
    fn the_state_read_is_the_one_written_last(states in vec(any_state(), 1..12)) {
        let mut bytes = whole(&states[0]).unwrap();
        let (mut sequence, mut slot) = (2, 1);
        for state in &states {
            let newest = Newest::of(&bytes).unwrap();
            prop_assert_eq!((newest.sequence, newest.slot), (sequence, slot));
            let next = newest.successor(state).unwrap();
            let place = place_of(&next);
            prop_assert_eq!(place, (1 - slot) * RECORD, "the older record gives way");
            bytes[place..][..RECORD].copy_from_slice(&next.bytes);
            prop_assert_eq!(&Newest::of(&bytes).unwrap().state, state);
            (sequence, slot) = (sequence + 1, 1 - slot);
        }
    }

    #[test]
    fn a_torn_write_leaves_the_old_state_or_the_new_one(
        oldest in any_state(),
        old in any_state(),
        new in any_state(),
        in_first_slot: bool,
    ) {
        let before = if in_first_slot { file((&old, 8), (&oldest, 7)) } else { file((&oldest, 7), (&old, 8)) };
        let next = Newest::of(&before).unwrap().successor(&new).unwrap();
        let place = place_of(&next);
        for length in 0..=RECORD {
            let mut torn = before.clone();
            torn[place..][..length].copy_from_slice(&next.bytes[..length]);
            let found = Newest::of(&torn).unwrap();
            prop_assert!(
                (found.sequence == 8 && found.state == old) || (found.sequence == 9 && found.state == new),
                "after {length} bytes"
            );
            prop_assert!(length < RECORD || found.sequence == 9, "all of it was written");
            prop_assert!(length > 0 || found.sequence == 8, "none of it was written");
        }
        // A disk may write the sectors of one request in any order.
        for written in 0..1_u32 << (RECORD / 512) {
            let mut torn = before.clone();
            for sector in (0..RECORD / 512).filter(|sector| written & (1 << sector) != 0) {
                torn[place + sector * 512..][..512].copy_from_slice(&next.bytes[sector * 512..][..512]);
            }
            let found = Newest::of(&torn).unwrap();
            prop_assert!(
                (found.sequence == 8 && found.state == old) || (found.sequence == 9 && found.state == new),
                "sectors {written:04b}"
            );
        }
    }

    #[test]
    fn noise_never_panics_and_is_never_a_state(first in vec(any::<u8>(), RECORD), at in 0..RECORD, byte: u8) {
        prop_assert!(decode(&first).is_err());
        let mut record = encode(&largest(), 5).unwrap();
        record[at] = byte;
        if let Ok(found) = decode(&record) {
            prop_assert_eq!(found, (5, largest()));
        }
    }
}

#[test]
fn one_flipped_bit_falls_back_to_the_older_record_or_is_refused() {
    for state in [small(3), largest()] {
        let older = small(2);
        let intact = file((&older, 7), (&state, 8));
        let (mut fell_back, mut refused) = (0, 0);
        for at in RECORD..SIZE {
            for bit in 0..8 {
                let mut damaged = intact.clone();
                damaged[at] ^= 1 << bit;
                match Newest::of(&damaged) {
                    Ok(found) => {
                        assert_eq!((found.sequence, &found.state), (7, &older), "{at}.{bit}");
                        fell_back += 1;
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        assert_eq!(fell_back + refused, 8 * RECORD);
        // A version that became 3, 5 or 9 may be a newer one.
        assert_eq!(refused, 3);
    }
}

#[test]
fn damage_to_the_older_record_changes_nothing() {
    let mut bytes = file((&small(2), 7), (&small(3), 8));
    bytes[..RECORD].fill(0);
    let newest = Newest::of(&bytes).unwrap();
    assert_eq!((newest.sequence, newest.state), (8, small(3)));
}

#[test]
fn two_damaged_records_are_refused() {
    let damaged = "both records are damaged";
    for content in [
        KEY.repeat(SIZE / KEY.len()).into_bytes(),
        vec![0; SIZE],
        vec![b'\n'; SIZE],
        vec![0xFF; SIZE],
    ] {
        assert_eq!(refusal(&content), damaged);
    }
    let intact = file((&small(2), 7), (&small(3), 8));
    for at in [0, 20, 40, 60, 100, RECORD - 1] {
        let mut bytes = intact.clone();
        bytes[at] ^= 4;
        bytes[RECORD + at] ^= 4;
        assert_eq!(refusal(&bytes), damaged, "at {at}");
    }
}

#[test]
fn any_other_size_is_refused() {
    let intact = file((&small(2), 7), (&small(3), 8));
    for size in [0, 1, 511, RECORD, SIZE - 1] {
        assert_eq!(
            refusal(&intact[..size]),
            format!("has {size} bytes instead of 4096")
        );
    }
    let longer = [intact.as_slice(), b"\n"].concat();
    assert_eq!(refusal(&longer), "has 4097 bytes instead of 4096");
}

#[test]
fn a_newer_version_in_either_record_is_refused() {
    let newer = "written by a newer version of pam_otp, which this one cannot read";
    let current = encode(&small(1), 5).unwrap();
    for version in ["2", "10", "4294967295"] {
        // Neither its checksum nor its text need be ours.
        for record in [
            sealed(&format!("pam_otp-state {version}\nsequence 4\n{KEY}\n")),
            {
                let mut record = [b' '; RECORD];
                let text = format!("pam_otp-state {version}\n{KEY}\n");
                record[..text.len()].copy_from_slice(text.as_bytes());
                record
            },
            {
                // All versions are UTF-8, but a damaged one need not be.
                let mut record = sealed(&format!("pam_otp-state {version}\n"));
                record[100] = 0xFF;
                record
            },
        ] {
            assert_eq!(refusal(&[record, current].concat()), newer);
            assert_eq!(refusal(&[current, record].concat()), newer);
            assert_eq!(refusal(&[record, record].concat()), newer);
        }
    }
    for version in [
        "0",
        "01",
        "02",
        "+1",
        "+2",
        "",
        " 1",
        "-1",
        "2 ",
        "2\r",
        "x",
        "4294967296",
    ] {
        let record = sealed(&format!("pam_otp-state {version}\nsequence 9\n"));
        let found = Newest::of(&[record, current].concat()).unwrap();
        assert_eq!(found.sequence, 5, "version {version:?} is damage");
    }
}

#[test]
fn lines_that_no_version_1_has_are_damage_whatever_their_checksum() {
    let head = "pam_otp-state 1\nsequence 5\nstanding open\nfailures 0 0 0\nrefused -\n";
    assert!(decode(&sealed(head)).is_ok());
    let device = "authenticator 0f1e2d3c4b5a6978 - 0 - - -\n";
    let codes = "recovery 1032547698badcfe 00000000\n";
    assert!(decode(&sealed(&format!("{head}{codes}{device}"))).is_ok());
    for body in [
        head.replace("sequence 5\n", ""),
        head.replace("sequence 5", "sequence -5"),
        head.replace("sequence 5", "sequence +5"),
        head.replace("sequence 5", "sequence 05"),
        head.replace("sequence 5", "sequence "),
        head.replace("sequence 5\n", "sequence 5\r\n"),
        head.trim_end().to_owned(),
        head.replace("failures 0 0 0", "failures 0 +0 0"),
        head.replace("sequence 5", "sequence 18446744073709551616"),
        head.replace("sequence 5", "sequence 5 5"),
        head.replace("standing open", "standing"),
        head.replace("standing open", "standing ajar"),
        head.replace("standing open", "standing open 5"),
        head.replace("standing open", "standing locked 5"),
        head.replace("standing open\n", "standing open\nstanding open\n"),
        head.replace("failures 0 0 0", "failures 0 0"),
        head.replace("failures 0 0 0", "failures 0 0 4294967296"),
        head.replace("refused -", "refused 5"),
        head.replace("refused -", "refused 5 for-fun"),
        format!("{head}unknown 5\n"),
        format!("{head}\n"),
        format!("{head}{device}{codes}"),
        format!("{head}{}", codes.repeat(3)),
        format!("{head}{}", device.repeat(9)),
        format!("{head}{}", codes.replace("00000000", "0")),
        format!("{head}{}", codes.replace("00000000", "+0000000")),
        format!("{head}{}", codes.replace("00000000", "0000000A")),
        format!("{head}{}", device.replace(" 0 - - -", " +1 - - -")),
        format!("{head}{}", device.replace(" 0 - - -", " -0 - - -")),
        format!("{head}{}", device.replace("0f1e", "0F1E")),
        format!("{head}{}", device.replace(" 0 - - -", " 41 - - -")),
        format!("{head}{}", device.replace(" 0 - - -", " 0 5 - -")),
        format!("{head}{}", device.replace(" 0 - - -", " 0 - 5 -")),
        format!("{head}{}", device.replace(" 0 - - -", " 0 - -")),
    ] {
        assert!(decode(&sealed(&body)).is_err(), "{body}");
    }
}

#[test]
fn the_largest_possible_state_fits_a_record() {
    let record = encode(&largest(), u64::MAX).unwrap();
    assert_eq!(decode(&record).ok(), Some((u64::MAX, largest())));
}

#[test]
fn more_entries_than_a_record_can_hold_are_refused() {
    let mut state = largest();
    state
        .authenticators
        .push(AuthenticatorState::fresh(Id::from_random([99; 8])));
    assert!(encode(&state, 1).is_none() && whole(&state).is_none());
    let mut state = largest();
    state
        .recovery
        .push(RecoveryState::fresh(Id::from_random([99; 8])));
    assert!(encode(&state, 1).is_none());
}

#[test]
fn the_last_sequence_number_has_no_successor() {
    let last = Newest::of(&at_the_end_of_the_sequence(&small(2))).unwrap();
    assert_eq!(last.sequence, u64::MAX);
    assert!(last.successor(&small(3)).is_none());
    let last_but_one = file((&small(1), u64::MAX - 2), (&small(2), u64::MAX - 1));
    let next = Newest::of(&last_but_one)
        .unwrap()
        .successor(&small(3))
        .unwrap();
    assert_eq!(decode(&next.bytes).ok(), Some((u64::MAX, small(3))));
}

/// Neither the new text nor the old one may reach into the second sector.
#[test]
fn a_record_can_be_torn_only_if_it_or_the_one_below_it_is_longer_than_a_sector() {
    let entry = || AuthenticatorState {
        id: Id::from_random([7; 8]),
        last_step: Some(Step(u64::MAX)),
        drift: Drift::default(),
        resync: None,
        last_used: None,
    };
    let of_entries = |entries: usize| State {
        authenticators: (0..entries).map(|_| entry()).collect(),
        recovery: Vec::new(),
        last_refusal: None,
        standing: Standing::Open,
        ..largest()
    };
    let (short, long) = (of_entries(6), of_entries(7));
    for (state, is_long) in [(&short, false), (&long, true)] {
        let record = encode(state, 1).unwrap();
        let text = record.iter().rposition(|byte| *byte != b'\n').unwrap();
        assert_eq!(text >= 512, is_long, "{text}");
    }
    for (old, new, may_tear) in [
        (&short, &short, false),
        (&short, &long, true),
        (&long, &short, true),
        (&long, &long, true),
    ] {
        let file = whole(old).unwrap();
        let successor = Newest::of(&file).unwrap().successor(new).unwrap();
        assert_eq!(successor.may_tear, may_tear);
    }
}
