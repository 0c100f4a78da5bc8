//! Writes the Rust of `proto/etcd.proto`, after a change to it:
//!
//!     cargo run --locked -p otp-fleet --example etcd_messages
//!
//! An example, and what it writes is checked in, so that a build needs neither protoc nor the crates that read a `.proto`.
//! `tests/generated.rs` holds both together.

use std::path::Path;
use std::{fs, io};

/// Where what it writes lies in this crate.
pub const GENERATED: &str = "src/etcd/generated.rs";

fn main() -> io::Result<()> {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(crate_root.join(GENERATED), generated(crate_root)?)
}

/// The Rust of the messages and of their services' clients.
///
/// # Errors
/// The `.proto` is wrong, or a file cannot be written.
pub fn generated(crate_root: &Path) -> io::Result<String> {
    let messages = protox::compile(["etcd.proto"], [crate_root.join("proto")])
        .map_err(|error| io::Error::other(format!("proto/etcd.proto: {error}")))?;
    let out = tempfile::tempdir()?;
    tonic_prost_build::configure()
        .build_server(false)
        .build_transport(false)
        .emit_rerun_if_changed(false)
        // A value may hold a secret, so nothing that could has a `Debug`.
        .skip_debug(["."])
        .out_dir(out.path())
        .compile_fds(messages)?;
    fs::read_to_string(out.path().join("etcdserverpb.rs"))
}
