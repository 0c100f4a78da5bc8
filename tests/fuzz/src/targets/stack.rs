//! PAM's files. `tests/libpam.rs` asks libpam about them; this target looks for slowness, growth and panics.

use otp_core::login::AccountLine;
use otp_site::stack::Stacks;
use std::cell::RefCell;
use std::fs;
use tempfile::TempDir;

const NAMES: [&str; 5] = ["svc", "one", "two", "three", "other"];

thread_local! {
    static PLACE: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

/// Up to five files, separated by zero bytes.
pub(super) fn run(bytes: &[u8]) {
    PLACE.with_borrow_mut(|place| {
        let place = place.get_or_insert_with(|| TempDir::new_in(super::memory()).unwrap());
        let mut parts = bytes.split(|&byte| byte == 0);
        for name in NAMES {
            let path = place.path().join(name);
            match parts.next() {
                Some(text) => fs::write(path, text).unwrap(),
                None => drop(fs::remove_file(path)),
            }
        }
        let stacks = Stacks::in_directories([place.path().to_owned()]);
        look_at(&stacks, bytes);
    });
}

fn look_at(stacks: &Stacks, bytes: &[u8]) {
    let line = stacks.account_line("svc");
    let is_named = bytes.windows(10).any(|word| word == b"pam_otp.so");
    match &line {
        Ok(AccountLine::Sure | AccountLine::LedAround) => assert!(is_named),
        Ok(AccountLine::Missing) => {}
        Err(error) => {
            let told = error.to_string();
            assert!(told.contains("includes") || told.contains("read"), "{told}");
        }
    }
    assert_eq!(stacks.account_line("svc").ok(), line.ok(), "the same again");
    stacks.proves_identity("svc").ok();
    if let Ok(services) = stacks.services() {
        assert!(services.is_sorted_by(|one, other| one.name < other.name));
        for one in &services {
            assert_eq!(stacks.account_line(&one.name).ok(), Some(one.account_line));
            assert_eq!(
                stacks.proves_identity(&one.name).ok(),
                Some(one.proves_identity)
            );
        }
    }
}
