//! What the records of one deed have in common.

/// A number that no other deed has; `None`: the system gives no random bytes.
#[must_use]
pub fn new_id() -> Option<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(u128::from_ne_bytes(bytes))
}
