//! The committed code for etcd's messages is the code that `proto/etcd.proto` generates.

#[path = "../examples/etcd_messages.rs"]
#[expect(dead_code, reason = "the main function of the example is not run here")]
mod etcd_messages;

use std::path::Path;

#[test]
fn the_committed_messages_are_those_of_the_proto_file() {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checked_in = std::fs::read_to_string(crate_root.join(etcd_messages::GENERATED)).unwrap();
    let generated = etcd_messages::generated(crate_root).unwrap();
    assert!(
        checked_in == generated,
        "run: cargo run --locked -p otp-fleet --example etcd_messages"
    );
}
