//! The records of this machine as files: whose they are, and who can get at them.

use super::files::Files;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Where records are.
pub const DIRECTORY: &str = "/var/lib/pam_otp";
const SET_GROUP_ID: u32 = 0o2000;

/// Whether the helper is there and has the group of the records; true where there are no records to compare it with.
pub(super) fn helper_is_usable(files: &Files, path: &Path) -> bool {
    let Ok(helper) = std::fs::metadata(files.place(path)) else {
        return false;
    };
    let Ok(records) = std::fs::metadata(files.place(Path::new(DIRECTORY))) else {
        return true;
    };
    helper.permissions().mode() & SET_GROUP_ID != 0 && helper.gid() == records.gid()
}
