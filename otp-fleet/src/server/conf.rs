//! Reads `/etc/security/pam_otp-verifier.conf`: where a verifier listens, its certificate, and where the fleet's
//! records are.

use crate::keeper;
use crate::registry::Zone;
use crate::tls::Files;
use otp_core::UserName;
use otp_core::messages::fleet::Why;
use otp_core::messages::reason::{Unfit, Wording};
use otp_core::record::Language;
use otp_file::{
    Access, Rules, Section, Source, Unparsed, Unread, number, open_file, read_whole, text, texts,
    wording,
};
use otp_helper::fleet::PORT;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use toml::de::DeValue;

/// The path of the configuration, unless the command line names another.
pub const DEFAULT_FILE: &str = "/etc/security/pam_otp-verifier.conf";

/// The directory of a verifier's own state.
pub const DEFAULT_STATE: &str = "/var/lib/pam_otp-verifier";

/// The directory of certificates and keys, unless the configuration names other files.
const DIRECTORY: &str = "/etc/pam_otp-verifier";

/// The number of connections that are served at a time, unless the configuration sets it.
const CONNECTIONS: u32 = 1024;

const LIMIT: u64 = 64 * 1024;

/// An administrator's configuration of one verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conf {
    /// The file that it was read from: an administrator's commands read it too.
    pub path: PathBuf,
    /// The addresses to listen on; none: the usual port of all addresses.
    pub listen: Vec<SocketAddr>,
    /// The certificates by which machines are known, and this verifier's own.
    pub files: Files,
    /// The policy by which it judges.
    pub policy: PathBuf,
    /// The directory of its own state: the high-water mark, and the queue for hooks.
    pub state: PathBuf,
    /// The number of connections that are served at a time.
    pub connections: u32,
    /// Where the records are.
    pub records: Records,
    /// The users that the machines of a zone may ask about.
    pub zones: BTreeMap<Zone, Vec<Member>>,
}

/// The place of the fleet's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Records {
    /// In etcd.
    Etcd(keeper::Config),
    /// In a folder of this host, for a single verifier.
    Folder {
        /// The records.
        directory: PathBuf,
        /// The registry: a file for each machine.
        machines: PathBuf,
    },
}

/// A member of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// A user, by name.
    User(UserName),
    /// The members of a group of this host's name service.
    Group(String),
}

/// Why the configuration cannot be used. It names file, line and reason, in every language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(Wording);

impl From<Unusable> for Wording {
    fn from(unusable: Unusable) -> Self {
        unusable.0
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.text(Language::English))
    }
}

impl std::error::Error for Unusable {}

impl Conf {
    /// Reads the configuration from a file that only root, or the user of this process, may write.
    ///
    /// # Errors
    /// The file does not exist, another user may write it, or its content is invalid.
    pub fn load(path: &Path) -> Result<Self, Unusable> {
        let bytes = bytes(path).map_err(|why| {
            let path = path.display();
            Unusable(Wording::of(|language| {
                format!("{path}: {}", why.text(language))
            }))
        })?;
        Self::parse(path, &bytes)
    }

    /// Reads the text of a configuration; `path` appears in errors, and is stored.
    ///
    /// # Errors
    /// The text is not TOML, has an unknown key, or an invalid value.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, Unusable> {
        let read = Source::new(bytes).and_then(|source| read(path, source));
        let path = path.display();
        read.map_err(|why| Unusable(Wording::of(|language| why.at(&path, language))))
    }

    /// Returns the addresses to listen on.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        if self.listen.is_empty() {
            // The first address takes IPv4 too, if the host has both.
            let every: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
            return every.map(|address| SocketAddr::new(address, PORT)).into();
        }
        self.listen.clone()
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Wording> {
    let words = |why: Unread| {
        Wording::of(|language| match (&why, language) {
            (Unread::Io { action, source }, Language::English) => {
                format!("cannot {action} it: {source}")
            }
            (Unread::Unsafe(_), Language::English) | (_, Language::Korean) => why.text(language),
        })
    };
    let name = path.file_name().and_then(|name| name.to_str());
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let name = name.ok_or(Why::NoPathOfAFile)?;
    let directory = File::open(parent.unwrap_or(Path::new("."))).map_err(|error| {
        let reason = wording(&error);
        Why::DirectoryNotOpened { reason }
    })?;
    let rules = Rules {
        allowed: 0o7755,
        account: None,
        group: None,
        one_name: false,
    };
    let opened = open_file(&directory, name, Access::Read, rules, LIMIT).map_err(words)?;
    let opened = opened.ok_or(Why::NotThere)?;
    let bytes = read_whole(&opened, LIMIT).map_err(words)?;
    Ok(bytes.to_vec())
}

fn read(path_of_all: &Path, source: Source<'_>) -> Result<Conf, Unparsed> {
    let mut root = source.root()?;
    let listen = root.take("listen", |value| {
        let addresses = texts(value)?;
        let addresses = addresses.iter().map(|text| text.parse());
        addresses
            .collect::<Result<Vec<SocketAddr>, _>>()
            .map_err(|_| Unfit::NoListen)
    })?;
    let files = Files {
        ca: or(root.take("ca", path)?, "ca.pem"),
        certificate: or(root.take("certificate", path)?, "verifier.pem"),
        key: or(root.take("key", path)?, "verifier.key"),
        key_group: None,
    };
    let policy = root.take("policy", path)?;
    let state = root.take("state", path)?;
    let connections = root.take("connections", |value| match u32::try_from(number(value)?) {
        Ok(count @ 16..=65_536) => Ok(count),
        _ => Err(Unfit::NoConnections),
    })?;
    let etcd = root.section("etcd")?.map(etcd).transpose()?;
    let folder = root.section("store")?.map(folder).transpose()?;
    let records = match (etcd, folder) {
        (Some(records), None) | (None, Some(records)) => records,
        (None, None) => {
            return Err(root.fault(Unfit::NoSectionOfRecords));
        }
        (Some(_), Some(_)) => {
            return Err(root.fault(Unfit::TwoSectionsOfRecords));
        }
    };
    let zones = root.section("zones")?.map(zones).transpose()?;
    root.end()?;
    Ok(Conf {
        path: path_of_all.to_owned(),
        listen: listen.unwrap_or_default(),
        files,
        policy: policy.unwrap_or_else(|| otp_site::policy::DEFAULT_FILE.into()),
        state: state.unwrap_or_else(|| DEFAULT_STATE.into()),
        connections: connections.unwrap_or(CONNECTIONS),
        records,
        zones: zones.unwrap_or_default(),
    })
}

fn etcd(mut section: Section<'_>) -> Result<Records, Unparsed> {
    let config = keeper::Config {
        endpoints: section.require("endpoints", |value| {
            let endpoints = texts(value)?;
            let is_one = |text: &String| {
                let address = text.strip_prefix("https://").unwrap_or(text);
                let port = address
                    .rsplit_once(':')
                    .map(|(_, port)| port.parse::<u16>());
                matches!(port, Some(Ok(1..))) && !address.contains('/')
            };
            if endpoints.is_empty() || !endpoints.iter().all(is_one) {
                return Err(Unfit::NoMembers);
            }
            Ok(endpoints)
        })?,
        ca: or(section.take("ca", path)?, "etcd-ca.pem"),
        certificate: or(section.take("certificate", path)?, "etcd.pem"),
        key: or(section.take("key", path)?, "etcd.key"),
    };
    section.end()?;
    Ok(Records::Etcd(config))
}

/// Returns the given file, or the one of that name in the usual directory.
fn or(given: Option<PathBuf>, usual: &str) -> PathBuf {
    given.unwrap_or_else(|| Path::new(DIRECTORY).join(usual))
}

fn folder(mut section: Section<'_>) -> Result<Records, Unparsed> {
    let records = Records::Folder {
        directory: section.require("directory", path)?,
        machines: section.require("machines", path)?,
    };
    section.end()?;
    Ok(records)
}

fn zones(mut section: Section<'_>) -> Result<BTreeMap<Zone, Vec<Member>>, Unparsed> {
    let zones = section.entries(
        |name| Zone::new(name).ok_or(Unfit::NoZone),
        |value| {
            let members = texts(value)?;
            let members = members.iter().map(|member| Member::parse(member));
            members
                .collect::<Option<Vec<_>>>()
                .ok_or(Unfit::NoMembersOfZone)
        },
    )?;
    section.end()?;
    Ok(zones.into_iter().collect())
}

impl Member {
    fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix('@').unwrap_or(text);
        let is_usable = name.trim() == name && !name.starts_with('@');
        let user = UserName::new(name).ok().filter(|_| is_usable)?;
        Some(if text.starts_with('@') {
            Self::Group(name.to_owned())
        } else {
            Self::User(user)
        })
    }
}

fn path(value: &DeValue<'_>) -> Result<PathBuf, Unfit> {
    match text(value)? {
        path if path.starts_with('/') && !path.contains(char::is_control) => Ok(path.into()),
        _ => Err(Unfit::NoPath),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    const SHORT: &str = r#"
ca = "/etc/pam_otp-verifier/ca.pem"
certificate = "/etc/pam_otp-verifier/verifier.pem"
key = "/etc/pam_otp-verifier/verifier.key"
[etcd]
endpoints = ["https://e1.example.org:2379", "e2.example.org:2379"]
ca = "/etc/pam_otp-verifier/etcd-ca.pem"
certificate = "/etc/pam_otp-verifier/etcd.pem"
key = "/etc/pam_otp-verifier/etcd.key"
"#;

    fn parse(text: &str) -> Result<Conf, String> {
        Conf::parse(Path::new("/x"), text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_minimal_configuration_gets_the_defaults() {
        let conf = parse(SHORT).unwrap();
        assert_eq!(conf.addresses().len(), 2);
        assert!(
            conf.addresses()
                .iter()
                .all(|address| address.port() == 6238)
        );
        assert_eq!(conf.policy, Path::new("/etc/security/pam_otp.conf"));
        assert_eq!(conf.state, Path::new("/var/lib/pam_otp-verifier"));
        assert_eq!(conf.connections, 1024);
        assert!(conf.zones.is_empty());
        let (_, shortest) = SHORT.split_once("[etcd]").unwrap();
        let (shortest, _) = shortest.split_once("ca =").unwrap();
        let usual = parse(&format!("[etcd]{shortest}")).unwrap();
        assert_eq!((&usual.files, &usual.records), (&conf.files, &conf.records));
        let Records::Etcd(etcd) = conf.records else {
            panic!("another place")
        };
        assert_eq!(etcd.endpoints.len(), 2);
    }

    #[test]
    fn every_key_reaches_the_configuration() {
        let text = format!(
            "listen = [\"192.0.2.1:6238\", \"[2001:db8::1]:7\"]\npolicy = \"/p\"\nstate = \"/s\"\nconnections = 16\n{SHORT}\
             [zones]\nweb = [\"@staff\", \"alice\"]\nnone = []\n"
        );
        let conf = parse(&text).unwrap();
        assert_eq!(conf.addresses().len(), 2);
        assert_eq!((conf.policy, conf.state), ("/p".into(), "/s".into()));
        assert_eq!(conf.connections, 16);
        let zone = |name| conf.zones[&Zone::new(name).unwrap()].clone();
        let alice = Member::User(UserName::new("alice").unwrap());
        assert_eq!(zone("web"), [Member::Group("staff".to_owned()), alice]);
        assert_eq!(zone("none"), []);
        let (before, _) = SHORT.split_once("[etcd]").unwrap();
        let folder = "[store]\ndirectory = \"/d\"\nmachines = \"/m\"\n";
        let conf = parse(&format!("{before}{folder}")).unwrap();
        let expected = Records::Folder {
            directory: "/d".into(),
            machines: "/m".into(),
        };
        assert_eq!(conf.records, expected);
        assert!(parse(&format!("{SHORT}{folder}")).is_err());
        assert!(parse(before).unwrap_err().contains("[etcd] is missing"));
    }

    #[test]
    fn an_invalid_key_or_value_is_refused_with_its_line() {
        for (from, to, line) in [
            (
                "ca = \"/etc/pam_otp-verifier/ca.pem\"",
                "ca = \"ca.pem\"",
                2,
            ),
            ("certificate", "certificates", 3),
            ("key = ", "listen = [\"6238\"]\nkey = ", 4),
            ("key = ", "listen = [\"v1.example.org:6238\"]\nkey = ", 4),
            ("key = ", "connections = 15\nkey = ", 4),
            ("key = ", "colour = 1\nkey = ", 4),
            ("\"e2.example.org:2379\"", "\"e2.example.org\"", 6),
            ("\"e2.example.org:2379\"", "\"http://e2.example.org:0\"", 6),
            (
                "[\"https://e1.example.org:2379\", \"e2.example.org:2379\"]",
                "[]",
                6,
            ),
            ("etcd.key\"\n", "etcd.key\"\nuser = \"x\"\n", 10),
            ("etcd.key\"\n", "etcd.key\"\n[zones]\n\"a b\" = []\n", 11),
            ("etcd.key\"\n", "etcd.key\"\n[zones]\nweb = \"alice\"\n", 11),
            ("etcd.key\"\n", "etcd.key\"\n[zones]\nweb = [\"@\"]\n", 11),
            (
                "etcd.key\"\n",
                "etcd.key\"\n[zones]\nweb = [\" alice\"]\n",
                11,
            ),
            (
                "etcd.key\"\n",
                "etcd.key\"\n[zones]\nweb = [\"@@staff\"]\n",
                11,
            ),
            ("etcd.key\"\n", "etcd.key\"\n[zone]\nweb = []\n", 10),
        ] {
            let text = SHORT.replacen(from, to, 1);
            assert!(text != SHORT, "{from}");
            let error = parse(&text).unwrap_err();
            assert!(
                error.starts_with(&format!("/x, line {line}: ")),
                "{to}: {error}"
            );
        }
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("conf");
        let load = || Conf::load(&path).map_err(|error| error.to_string());
        assert!(load().unwrap_err().ends_with("is not there"));
        fs::write(&path, SHORT).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load().is_ok());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
        assert!(load().unwrap_err().contains("0664"));
    }
}
