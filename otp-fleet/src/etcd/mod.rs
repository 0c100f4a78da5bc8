//! A client of etcd version 3, with the parts that a fleet needs.

mod client;
mod connection;
mod failure;
#[rustfmt::skip]
#[expect(clippy::pedantic, missing_docs, reason = "not written by hand")]
mod generated;
mod rpc;

pub use client::{Client, Limits};
pub use connection::Config;
pub use failure::Failure;
pub use generated::*;
pub use rpc::Rpc;

/// Returns the first key after all that begin with `prefix`; if there is none, `\0`, which etcd takes for "to the
/// end".
#[must_use]
pub fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![0]
}

#[cfg(test)]
mod tests {
    use super::after_prefix;

    #[test]
    fn a_range_ends_before_the_first_key_without_its_prefix() {
        assert_eq!(after_prefix(b"/a/alice/"), b"/a/alice0");
        assert_eq!(after_prefix(b"a\xff\xff"), b"b");
        assert_eq!(after_prefix(b"\xff"), b"\0");
        assert_eq!(after_prefix(b""), b"\0");
    }
}
