//! The configuration of a verifier's host: where the database is, and where the verifier stores what it must not
//! forget.

use crate::etcd;
use crate::server::conf::{Conf, Records};
use otp_core::messages::fleet::{Unable, Why};
use otp_core::messages::reason::Wording;
use std::path::{Path, PathBuf};

/// The part of a verifier's configuration that an administrator's commands need.
#[derive(Clone, Debug)]
pub struct Host {
    /// How the verifier reaches etcd.
    pub etcd: etcd::Config,
    /// The directory in which it stores the progress of the database.
    pub state: PathBuf,
    /// The policy by which it judges.
    pub policy: PathBuf,
    /// The file with its own certificate for machines.
    pub certificate: PathBuf,
}

impl Host {
    /// Reads the configuration.
    ///
    /// # Errors
    /// It cannot be used, or the records are not in etcd.
    pub fn read(path: &Path) -> Result<Self, Unable> {
        let unusable = |reason: Wording| Unable::NoConfiguration {
            path: path.display().to_string(),
            reason,
        };
        let conf = Conf::load(path).map_err(|error| unusable(error.into()))?;
        let Records::Etcd(etcd) = conf.records else {
            return Err(unusable(Why::InAFolder.into()));
        };
        Ok(Self {
            etcd,
            state: conf.state,
            policy: conf.policy,
            certificate: conf.files.certificate,
        })
    }

    /// Returns the path of the file with the progress of the database.
    #[must_use]
    pub fn mark(&self) -> PathBuf {
        self.state.join("seen")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::assert_korean;
    use otp_core::record::Language;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    const ETCD: &str = "[etcd]\nendpoints = [\"e1:2379\"]\n";
    const STORE: &str = "[store]\ndirectory = \"/d\"\nmachines = \"/m\"\n";
    const KEYS: &str =
        "listen, ca, certificate, key, policy, state, connections, etcd, store, zones";
    const MEMBER: &str = "https://e1.example.org:2379";

    fn said(path: &Path, english: &str, names: &[&str]) {
        let unable = Host::read(path).unwrap_err();
        let shown = path.display().to_string();
        let text = unable.text(Language::English);
        assert_eq!(text, format!("{shown}: cannot be used: {shown}{english}"));
        let names = [&[&*shown], names].concat();
        assert_korean(&unable.text(Language::Korean), &names);
    }

    #[test]
    fn the_reason_why_a_configuration_cannot_be_used_is_told_in_the_language_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("conf");
        for (content, english, names) in [
            (
                format!("colour = 1\n{ETCD}"),
                format!(", line 1: unknown key; known here are {KEYS}"),
                &[KEYS][..],
            ),
            (
                format!("ca = \"ca.pem\"\n{ETCD}"),
                ", line 1: must be an absolute path".to_owned(),
                &[],
            ),
            (
                format!("listen = [\"6238\"]\n{ETCD}"),
                ", line 1: must be addresses with ports: \"192.0.2.1:6238\", \"[2001:db8::1]:6238\""
                    .to_owned(),
                &["2001:db8::1"],
            ),
            (
                format!("connections = 1\n{ETCD}"),
                ", line 1: must be 16 to 65536".to_owned(),
                &[],
            ),
            (
                String::new(),
                ", line 1: the section [etcd] is missing: where the records are".to_owned(),
                &["[etcd]"],
            ),
            (
                format!("{ETCD}{STORE}"),
                ", line 1: [etcd] and [store] are two places for the records: give one".to_owned(),
                &["[etcd]", "[store]"],
            ),
            (
                "[etcd]\nendpoints = []\n".to_owned(),
                format!(", line 2: must be addresses of members: \"{MEMBER}\""),
                &[MEMBER, "etcd"],
            ),
            (
                format!("{ETCD}[zones]\n\"a b\" = []\n"),
                ", line 4: must be the name of a zone: letters, digits, '-' and '_'".to_owned(),
                &[],
            ),
            (
                format!("{ETCD}[zones]\na = [\"@\"]\n"),
                ", line 4: must be users and groups: \"alice\", \"@staff\"".to_owned(),
                &["\"alice\"", "\"@staff\""],
            ),
        ] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            said(&path, &english, names);
        }
    }

    #[test]
    fn the_reason_why_a_configuration_cannot_be_read_is_told_in_the_language_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        said(&at("conf"), ": is not there", &[]);
        said(Path::new("/"), ": is no path of a file", &[]);
        let english = ": its directory cannot be opened: No such file or directory (os error 2)";
        said(&at("none/conf"), english, &[]);
        fs::create_dir(at("conf")).unwrap();
        said(&at("conf"), ": is not a regular file", &[]);
        fs::write(at("open"), ETCD).unwrap();
        fs::set_permissions(at("open"), fs::Permissions::from_mode(0o666)).unwrap();
        let english = ": has mode 0666, at most 7755 is allowed";
        said(&at("open"), english, &[]);
    }

    #[test]
    fn a_verifier_over_a_folder_has_no_fleet_to_administer_and_this_is_told_in_korean_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("conf");
        fs::write(&path, STORE).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let unable = Host::read(&path).unwrap_err();
        let shown = path.display().to_string();
        assert_eq!(
            unable.text(Language::English),
            format!("{shown}: cannot be used: its records are in a folder of this host")
        );
        assert_korean(&unable.text(Language::Korean), &[&shown, "etcd"]);
    }
}
