//! Finds why this helper lacks the group that may enter the records.
//!
//! Without it the kernel reports "Permission denied" for the directory of the records, whose mode is correct. The
//! cause is the way the helper was installed or started.

use nix::sys::prctl;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{getegid, getgid};
use otp_core::messages::hindrance::Hindrance;
use otp_helper::client::DEFAULT_HELPER;
use otp_helper::serving::Cause;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The file of this program, whatever its name is now.
const ITSELF: &str = "/proc/self/exe";

const SETGID: u32 = 0o2000;

/// The facts about how this process was started.
struct Start {
    /// The group that this process has from its file, if any.
    group: Option<u32>,
    no_new_privs: bool,
    nosuid: bool,
    /// The group and the mode of this program's file.
    file: Option<(u32, u32)>,
    /// The group of the directory of all records.
    records: Option<u32>,
}

/// Returns what keeps this helper from the records, and what to do about it, if the error is a missing permission.
pub(crate) fn missing(cause: &Cause, records: &Path) -> Option<Hindrance> {
    let (Cause::Store(otp_store::Error::Io { source, .. })
    | Cause::Site(otp_site::Error::Io { source, .. })) = cause
    else {
        return None;
    };
    if source.kind() != ErrorKind::PermissionDenied {
        return None;
    }
    let group = |about: Metadata| about.gid();
    let start = Start {
        group: (getegid() != getgid()).then(|| getegid().as_raw()),
        no_new_privs: prctl::get_no_new_privs().unwrap_or(false),
        nosuid: statvfs(ITSELF).is_ok_and(|found| found.flags().contains(FsFlags::ST_NOSUID)),
        file: fs::metadata(ITSELF)
            .ok()
            .map(|about| (about.gid(), about.mode())),
        records: fs::metadata(records).ok().map(group),
    };
    start.reason()
}

impl Start {
    /// Returns the first reason that holds; `None`: the helper has the group of the records.
    fn reason(&self) -> Option<Hindrance> {
        let helper = DEFAULT_HELPER;
        match (self.group, self.file, self.records) {
            (Some(own), _, Some(records)) if own != records => {
                Some(Hindrance::HelperOfAnotherGroup {
                    helper,
                    own,
                    records,
                })
            }
            (Some(_), ..) => None,
            (None, Some((_, mode)), _) if mode & SETGID == 0 => {
                Some(Hindrance::HelperWithoutBit { helper })
            }
            (None, Some((file, _)), Some(records)) if file != records => {
                Some(Hindrance::HelperOfAnotherGroup {
                    helper,
                    own: file,
                    records,
                })
            }
            _ if self.no_new_privs => Some(Hindrance::HelperUnderNoNewPrivs { helper }),
            _ if self.nosuid => Some(Hindrance::HelperOnNosuid { helper }),
            _ => Some(Hindrance::HelperWithoutGroup { helper }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::Before1970;
    use otp_core::messages::reason::Deed;

    const START: Start = Start {
        group: None,
        no_new_privs: false,
        nosuid: false,
        file: Some((990, 0o102_755)),
        records: Some(990),
    };

    fn reason(start: &Start) -> String {
        start.reason().unwrap().to_string()
    }

    #[test]
    fn each_reason_is_reported_with_a_remedy_and_fits_a_line_of_the_log() {
        for (start, words) in [
            (
                Start {
                    no_new_privs: true,
                    ..START
                },
                "NoNewPrivileges",
            ),
            (
                Start {
                    nosuid: true,
                    ..START
                },
                "nosuid; mount it without",
            ),
            (
                Start {
                    file: Some((990, 0o100_755)),
                    no_new_privs: true,
                    ..START
                },
                "set-group-id bit",
            ),
            (
                Start {
                    file: Some((0, 0o102_755)),
                    ..START
                },
                "group 0 and the records have 990",
            ),
            (
                Start {
                    group: Some(991),
                    ..START
                },
                "group 991 and the records have 990",
            ),
            (
                Start {
                    file: None,
                    records: None,
                    ..START
                },
                "traced",
            ),
        ] {
            let reason = reason(&start);
            assert!(reason.contains(words), "{reason}");
            assert!(reason.len() <= 256, "{reason}");
        }
    }

    #[test]
    fn a_helper_that_has_its_group_is_not_to_blame() {
        assert_eq!(
            Start {
                group: Some(990),
                ..START
            }
            .reason(),
            None
        );
    }

    #[test]
    fn only_a_refusal_by_the_kernel_is_blamed_on_the_group() {
        let (path, action) = ("/x", Deed::Open);
        let of_records = |kind: ErrorKind| {
            Cause::Store(otp_store::Error::Io {
                place: otp_store::Location::of(path),
                action,
                source: kind.into(),
            })
        };
        let of_policy = |kind: ErrorKind| {
            Cause::Site(otp_site::Error::Io {
                path: path.to_owned(),
                action,
                source: kind.into(),
            })
        };
        let records = Path::new("/nowhere");
        for io in [&of_records as &dyn Fn(_) -> _, &of_policy] {
            assert!(missing(&io(ErrorKind::PermissionDenied), records).is_some());
            assert!(missing(&io(ErrorKind::NotFound), records).is_none());
        }
        assert!(missing(&Before1970.into(), records).is_none());
    }
}
