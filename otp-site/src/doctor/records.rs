//! The records of this machine as files: who owns them, and who can reach them.

use super::files::Files;
use super::people::People;
use otp_core::messages::doctor::Finding;
use rustix::fs::lgetxattr;
use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The usual directory of records.
pub const DIRECTORY: &str = "/var/lib/pam_otp";
/// The file that shows that users have enrolled on this machine.
const ENROLLED: &str = "/etc/security/pam_otp.enrolled";
const CREDENTIAL: &str = "credential.toml";
const SET_GROUP_ID: u32 = 0o2000;
/// The widest modes that a directory of records may have, and each file in it.
const DIRECTORY_MODE: u32 = 0o2770;
const MODES: [(&str, u32); 4] = [
    (CREDENTIAL, 0o640),
    ("state", 0o660),
    ("trust", 0o600),
    ("first-login", 0o640),
];
/// The types that logins may write to if `SELinux` is on.
const LABELS: [&str; 1] = ["var_auth_t"];

/// Whether the helper exists and has the group of the records; true if there are no records to compare it with.
pub(super) fn helper_is_usable(files: &Files, path: &Path) -> bool {
    let Ok(helper) = std::fs::metadata(files.place(path)) else {
        return false;
    };
    let Ok(records) = std::fs::metadata(files.place(Path::new(DIRECTORY))) else {
        return true;
    };
    helper.permissions().mode() & SET_GROUP_ID != 0 && helper.gid() == records.gid()
}

/// Returns the users who have a record.
#[must_use]
pub fn enrolled(files: &Files, directory: &Path) -> BTreeSet<String> {
    users(files, directory)
        .into_iter()
        .filter(|(_, place)| place.join(CREDENTIAL).exists())
        .map(|(name, _)| name)
        .collect()
}

fn users(files: &Files, directory: &Path) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(files.place(directory));
    let entries = entries.into_iter().flatten().flatten();
    let mut users: Vec<_> = entries
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .filter(|(name, _)| !name.starts_with('.'))
        .collect();
    users.sort();
    users
}

/// Returns what is wrong with the records, if a service asks for codes.
#[must_use]
pub fn findings(files: &Files, directory: &Path, people: &People) -> Vec<Finding> {
    let path = directory.display().to_string();
    let users = users(files, directory);
    if users.is_empty() && files.place(Path::new(ENROLLED)).exists() {
        return vec![Finding::RecordsGone { path }];
    }
    let Ok(top) = std::fs::metadata(files.place(directory)) else {
        return vec![Finding::RecordsMissing { path }];
    };
    let mut found = Vec::new();
    look_at(
        &mut found,
        &path,
        &files.place(directory),
        (DIRECTORY_MODE, &[0]),
    );
    if files.text("/sys/fs/selinux/enforce").is_some()
        && let Some(label) = label(&files.place(directory))
        && !LABELS
            .iter()
            .any(|one| label.split(':').any(|part| part == *one))
    {
        let path = path.clone();
        found.push(Finding::RecordLabel { path, label });
    }
    let group = top.gid();
    for (name, place) in users {
        let owner = people.named(&name).map(|one| one.uid);
        let owners: Vec<u32> = std::iter::once(0).chain(owner).collect();
        let shown = |file: &str| format!("{path}/{name}{file}");
        // Whether such a user is in a directory or gone, 'otp-admin list' reports.
        let owners = if owner.is_some() { &owners[..] } else { &[] };
        look_at(&mut found, &shown(""), &place, (DIRECTORY_MODE, owners));
        for (file, mode) in MODES {
            let at = place.join(file);
            look_at(&mut found, &shown(&format!("/{file}")), &at, (mode, owners));
            let has_group = |of: &std::fs::Metadata| of.gid() == group || mode == 0o600;
            if std::fs::symlink_metadata(&at).is_ok_and(|of| !has_group(&of)) {
                let path = shown(&format!("/{file}"));
                found.push(Finding::RecordOwner { path });
            }
        }
        if place.join(CREDENTIAL).exists() && !place.join("state").exists() {
            found.push(Finding::StateMissing { user: name });
        }
    }
    found.dedup();
    found
}

/// Checks the owner, if the right ones are known, and the mode.
fn look_at(found: &mut Vec<Finding>, shown: &str, place: &Path, (allowed, owners): (u32, &[u32])) {
    let Ok(metadata) = std::fs::symlink_metadata(place) else {
        return;
    };
    let path = shown.to_owned();
    let mode = metadata.permissions().mode() & 0o7777;
    if !owners.is_empty() && !owners.contains(&metadata.uid()) {
        found.push(Finding::RecordOwner { path });
    } else if mode & 0o777 & !allowed != 0 {
        found.push(Finding::RecordMode {
            path,
            mode,
            allowed,
        });
    }
}

/// Returns the label of `SELinux`.
fn label(place: &Path) -> Option<String> {
    let mut bytes = [0; 256];
    let length = lgetxattr(place, "security.selinux", &mut bytes).ok()?;
    let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
    Some(text.trim_end_matches('\0').to_owned())
}
