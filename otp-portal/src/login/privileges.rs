//! Checks whether otp-helper can get its group when this program starts it. It cannot if new privileges are not
//! allowed.

use super::{Trouble, log};
use nix::sys::prctl;
use std::fs;
use std::io;
use std::path::Path;

/// What happens if they are not allowed, and what to do. Short enough that the log does not cut it.
const AMISS: &str = "no_new_privs is set, so otp-helper gets no group: users see nothing of their accounts and change nothing; \
                     take NoNewPrivileges=yes and what implies it out of otp-portal-login.service: otp-portal-login(8), THE UNIT";

/// Checks this process and logs a fault. Logins still work.
pub fn look() {
    if prctl::get_no_new_privs().unwrap_or(true) {
        log::amiss(AMISS);
    }
}

/// Checks the running processes of this program.
///
/// # Errors
/// One of them may not get new privileges, or this cannot be found out.
pub fn of_those_that_run(program: &Path) -> Result<(), Trouble> {
    let trouble = |error: &io::Error| Trouble::new("/proc", error);
    for entry in fs::read_dir("/proc").map_err(|error| trouble(&error))? {
        let place = entry.map_err(|error| trouble(&error))?.path();
        let name = place.file_name().and_then(|name| name.to_str());
        let Some(pid) = name.and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if !fs::read_link(place.join("exe")).is_ok_and(|exe| is_of(&exe, program)) {
            continue;
        }
        // A process that has ended in the meantime has no fault.
        let Ok(status) = fs::read_to_string(place.join("status")) else {
            continue;
        };
        if may_get_none(&status) {
            return Err(Trouble::new(&format!("process {pid}"), &AMISS));
        }
    }
    Ok(())
}

/// Whether a process runs this program, or the version that an upgrade has replaced.
fn is_of(exe: &Path, program: &Path) -> bool {
    let exe = exe.to_string_lossy();
    Path::new(exe.strip_suffix(" (deleted)").unwrap_or(&exe)) == program
}

/// Whether the kernel says so in the status of a process. True also if the kernel does not say.
fn may_get_none(status: &str) -> bool {
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix("NoNewPrivs:"));
    value.map(str::trim) != Some("0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::event::Text;

    #[test]
    fn the_kernel_decides_and_its_silence_counts_as_a_fault() {
        assert!(!may_get_none("Name:\tx\nNoNewPrivs:\t0\nSeccomp:\t2\n"));
        assert!(may_get_none("Name:\tx\nNoNewPrivs:\t1\n"));
        assert!(may_get_none("Name:\tx\n"));
    }

    #[test]
    fn the_program_before_an_upgrade_is_recognised() {
        let program = Path::new("/usr/libexec/pam_otp/otp-portal-login");
        assert!(is_of(program, program));
        assert!(is_of(
            Path::new("/usr/libexec/pam_otp/otp-portal-login (deleted)"),
            program
        ));
        assert!(!is_of(Path::new("/usr/bin/otp-portal-login"), program));
    }

    #[test]
    fn the_advice_is_not_cut_off_in_the_log() {
        assert_eq!(Text::escaped(AMISS).as_str(), AMISS);
    }
}
