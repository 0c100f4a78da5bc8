//! The name of this host.

use nix::unistd::gethostname;

/// Returns the name of this host, as it calls itself.
#[must_use]
pub fn name() -> String {
    match gethostname() {
        Ok(name) if !name.is_empty() => name.to_string_lossy().into_owned(),
        _ => "localhost".to_owned(),
    }
}
