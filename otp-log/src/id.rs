//! The id that all records of one action share.

/// Makes an id that no other action has; `None`: the system provides no random bytes.
#[must_use]
pub fn new_id() -> Option<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(u128::from_ne_bytes(bytes))
}
