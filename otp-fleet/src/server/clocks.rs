//! Compares a verifier's clock with those of the others.

/// The seconds by which a clock may not be off: a whole step of most devices.
pub const MOST: u64 = 30;

/// Another verifier, as this one has last heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    /// The seconds by which its clock is ahead of this one's; below zero: behind.
    pub ahead: i64,
    /// When it began, in an order that depends on no clock.
    pub began: i64,
}

/// The result of comparing this clock with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The seconds by which this clock is ahead of the middle of all; below zero: behind.
    pub ahead: i64,
    /// Whether no requests may be served by it.
    pub is_off: bool,
}

/// Compares the clocks; `None`: there is no other. `began`: when this verifier began.
///
/// The middle of all clocks decides, including this one. With three clocks, the middle of only the other two would
/// make both good verifiers refuse when the third is far off. If two clocks are in the middle, as with only two
/// verifiers, the one nearer to the clock of the oldest verifier counts.
#[must_use]
pub fn compare(began: i64, others: &[Other]) -> Option<Found> {
    let oldest = others.iter().min_by_key(|other| other.began)?;
    let mut all: Vec<i64> = others.iter().map(|other| other.ahead).collect();
    all.push(0);
    all.sort_unstable();
    let (low, high) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
    let of_oldest = if oldest.began < began {
        oldest.ahead
    } else {
        0
    };
    let middle = if of_oldest.abs_diff(low) <= of_oldest.abs_diff(high) {
        low
    } else {
        high
    };
    Some(Found {
        ahead: middle.saturating_neg(),
        is_off: middle.unsigned_abs() >= MOST,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns which verifiers with these clocks refuse; they began in this order.
    fn refuse(clocks: &[i64]) -> Vec<bool> {
        let all = (0..).zip(clocks);
        let judged = all.clone().map(|(began, &own)| {
            let others: Vec<Other> = all
                .clone()
                .filter(|(other, _)| *other != began)
                .map(|(began, &clock)| Other {
                    ahead: clock - own,
                    began,
                })
                .collect();
            compare(began, &others).is_some_and(|found| found.is_off)
        });
        judged.collect()
    }

    #[test]
    fn only_a_verifier_whose_clock_is_off_refuses() {
        for (clocks, refused) in [
            (&[0][..], &[false][..]),
            (&[0, 29], &[false, false]),
            (&[0, 0, 80], &[false, false, true]),
            (&[80, 0, 0], &[true, false, false]),
            (&[0, -30, 0], &[false, true, false]),
            (&[0, 29, -29], &[false, false, false]),
            (&[-50, 0, 50], &[true, false, true]),
            (&[0, 0, 0, 3600], &[false, false, false, true]),
            (&[0, 0, 0, 31, -31], &[false, false, false, true, true]),
        ] {
            assert_eq!(refuse(clocks), refused, "{clocks:?}");
        }
    }

    #[test]
    fn the_younger_of_two_verifiers_that_differ_refuses() {
        for by in [30, -30, 86_400] {
            assert_eq!(refuse(&[0, by]), [false, true]);
        }
        let other = Other {
            ahead: 40,
            began: 2,
        };
        let found = compare(1, &[other]).unwrap();
        assert_eq!((found.ahead, found.is_off), (0, false));
        assert_eq!(compare(1, &[]), None);
    }

    #[test]
    fn the_half_with_the_oldest_verifier_serves() {
        assert_eq!(refuse(&[0, 0, 80, 80]), [false, false, true, true]);
        assert_eq!(refuse(&[80, 0, 0, 80]), [false, true, true, false]);
    }

    proptest! {
        /// Otherwise a few clocks that are off would lock everyone out.
        #[test]
        fn some_verifier_always_serves(clocks in prop::collection::vec(-200_i64..200, 1..7)) {
            prop_assert!(refuse(&clocks).contains(&false), "{:?}", clocks);
        }

        #[test]
        fn no_verifier_far_from_the_middle_clock_serves(clocks in prop::collection::vec(-200_i64..200, 3..8)) {
            prop_assume!(clocks.len() % 2 == 1);
            let mut sorted = clocks.clone();
            sorted.sort_unstable();
            let middle = sorted[sorted.len() / 2];
            for (clock, refuses) in clocks.iter().zip(refuse(&clocks)) {
                prop_assert_eq!(refuses, (clock - middle).unsigned_abs() >= MOST);
            }
        }
    }
}
