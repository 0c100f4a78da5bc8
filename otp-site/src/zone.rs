//! The time zone of this machine.

use otp_core::Zone;
use rustix::fs::{Mode, OFlags, open};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The file that names the zone: usually a link into `/usr/share/zoneinfo`.
const LOCALTIME: &str = "/etc/localtime";

/// No zone needs a longer file, in bytes: the longest of the tz database has 4 KB.
const LONGEST: u64 = 64 * 1024;

/// Returns the zone of this machine, or UTC if `/etc/localtime` is missing, unreadable or no zone: texts tell UTC
/// anyway.
///
/// `TZ` in the environment is never looked at: callers of sudo set it.
#[must_use]
pub fn of_this_machine() -> Zone {
    of_file(Path::new(LOCALTIME)).unwrap_or(Zone::UTC)
}

fn of_file(path: &Path) -> Option<Zone> {
    // A FIFO or a terminal must not make a login wait.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(open(path, flags, Mode::empty()).ok()?);
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Zone::parse(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::UnixTime;
    use rustix::fs::{CWD, FileType, mknodat, symlink};
    use std::fs;

    /// A file of one kind of time: nine hours east of UTC.
    fn seoul() -> Vec<u8> {
        let mut bytes = b"TZif".to_vec();
        bytes.extend([0; 16]);
        for count in [0_u32, 0, 0, 0, 1, 4] {
            bytes.extend(count.to_be_bytes());
        }
        bytes.extend(32_400_i32.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(b"KST\0");
        bytes
    }

    #[test]
    fn a_link_to_a_zone_is_read_and_what_is_no_zone_is_none() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::write(at("zone"), seoul()).unwrap();
        symlink(at("zone"), at("link")).unwrap();
        let noon = UnixTime::from_seconds(1_763_640_000);
        for name in ["zone", "link"] {
            let told = of_file(&at(name)).unwrap().at(noon).cell();
            assert_eq!(told, "2025-11-20 21:00 KST");
        }
        fs::write(at("garbage"), [0xff; 200]).unwrap();
        fs::write(at("empty"), "").unwrap();
        fs::create_dir(at("directory")).unwrap();
        symlink(at("nothing"), at("dangling")).unwrap();
        symlink(at("loop"), at("loop")).unwrap();
        mknodat(CWD, at("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        for name in [
            "garbage",
            "empty",
            "directory",
            "dangling",
            "loop",
            "fifo",
            "nothing",
        ] {
            assert_eq!(of_file(&at(name)), None, "{name}");
        }
    }
}
