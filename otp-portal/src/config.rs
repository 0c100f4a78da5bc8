//! `/etc/security/pam_otp-portal.conf`: the address of the portal, where it listens, which proxies it trusts, and which
//! other sites it opens.
//!
//! It is read as strictly as the policy: an unknown key or an impossible value stops the start.

use nix::unistd::User;
use otp_core::network::Network;
use otp_core::record::Language;
use otp_file::{
    Access, Rules, Section, Source, Unparsed, Unread, number, open_file, read_whole, text, texts,
    truth,
};
use otp_site::policy::duration;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::DeValue;

/// The default path of the configuration.
pub const DEFAULT_FILE: &str = "/etc/security/pam_otp-portal.conf";

/// The default socket of the portal.
pub const DEFAULT_SOCKET: &str = "/run/pam_otp-portal-web/http.sock";

/// The default socket of the login part.
pub const DEFAULT_LOGIN_SOCKET: &str = "/run/pam_otp-portal/login.sock";

/// The default directory of sessions.
pub const DEFAULT_STATE: &str = "/var/lib/pam_otp-portal";

const LIMIT: u64 = 64 * 1024;

/// The configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conf {
    /// The address at which browsers reach the portal.
    pub url: Origin,
    /// Where the portal listens without TLS, for a web server in front of it.
    pub listen: Vec<Listen>,
    /// Where the portal speaks TLS itself.
    pub tls: Option<Tls>,
    /// The peers whose forwarding headers the portal trusts.
    pub proxies: Vec<Proxy>,
    /// How long sessions last.
    pub session: Lasting,
    /// How much the portal serves at a time.
    pub limits: Limits,
    /// The other sites that the portal opens, by host.
    pub sites: BTreeMap<Host, Site>,
    /// The socket of the login part.
    pub login: PathBuf,
    /// The directory of sessions.
    pub state: PathBuf,
    /// Whether root may log in.
    pub root: bool,
}

/// The keys about logins, for the part that runs PAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logins {
    /// How long a login lasts at most.
    pub lasts: Duration,
    /// Whether root may log in.
    pub root: bool,
}

/// A host as browsers name it: in lower case, with a port unless it is 443.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(String);

/// An address of the form `https://` and a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(Host);

/// One place where the portal listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A Unix socket.
    Socket(PathBuf),
    /// A loopback address.
    Loopback(SocketAddr),
}

/// Settings for TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// The certificate (PEM), followed by the certificates up to its CA.
    pub certificate: PathBuf,
    /// The key of the certificate (PEM).
    pub key: PathBuf,
}

/// A peer whose forwarding headers the portal trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// Programs of this user, at the Unix socket.
    User(String),
    /// Connections from this network.
    Network(Network),
}

/// The limits of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasting {
    /// How long a session lasts without a request.
    pub idle: Duration,
    /// How long a session lasts in all.
    pub absolute: Duration,
}

/// Limits on what the portal serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections.
    pub connections: usize,
    /// Connections from one address that is not a proxy.
    pub connections_of_one: usize,
    /// Logins and changes that wait for a person.
    pub conversations: usize,
    /// Logins from one address that wait for a person.
    pub conversations_of_one: usize,
    /// Logins without success from one address before it must wait.
    pub failures: u32,
    /// The time in which these logins count.
    pub within: Duration,
    /// Sessions.
    pub sessions: usize,
    /// How long the head of a request, its body, or a handshake may take to arrive.
    pub arrive: Duration,
}

/// Another site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Only members of one of these groups may enter. If empty, every logged-in user may.
    pub groups: Vec<String>,
}

/// Why the configuration cannot be used, with file, line and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl Host {
    /// Parses the host of a request or of the configuration; `None`: the text is not a host.
    ///
    /// A host has letters, digits, `-` and `.`, or is an IPv6 address in brackets; then there may be a port. `:443` is
    /// dropped, as browsers do.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => {
                let is_plain = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
                let port: u16 = port.parse().ok().filter(|&port| is_plain && port > 0)?;
                (name, Some(port).filter(|&port| port != 443))
            }
            _ => (text.as_str(), None),
        };
        let is_name = |name: &str| {
            let of_labels = |label: &str| {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
                !label.is_empty() && label.len() <= 63 && label.bytes().all(plain)
            };
            name.len() <= 253 && name.split('.').all(of_labels)
        };
        let bracketed = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        let is_host = match bracketed {
            Some(address) => matches!(address.parse(), Ok(IpAddr::V6(_))),
            None => is_name(name),
        };
        is_host.then(|| match port {
            Some(port) => Self(format!("{name}:{port}")),
            None => Self(name.to_owned()),
        })
    }

    /// Returns the host as an address contains it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the host without its port. Browsers keep cookies under this name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.0.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => name,
            _ => &self.0,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let host = text.strip_prefix("https://")?;
        Some(Self(Host::parse(host.strip_suffix('/').unwrap_or(host))?))
    }

    /// Returns the origin of a host.
    #[must_use]
    pub const fn of(host: Host) -> Self {
        Self(host)
    }

    /// Returns the host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.0)
    }
}

impl Default for Lasting {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30 * 60),
            absolute: Duration::from_secs(12 * 60 * 60),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_of_one: 32,
            conversations: 64,
            conversations_of_one: 4,
            failures: 20,
            within: Duration::from_secs(600),
            sessions: 20_000,
            arrive: Duration::from_secs(10),
        }
    }
}

impl Conf {
    /// Reads the configuration from a file that only root, or the user of this process, can write.
    ///
    /// # Errors
    /// The file does not exist, others can write it, or its content cannot be used.
    pub fn load(path: &Path) -> Result<Self, Unusable> {
        match Self::find(path)? {
            Some(conf) => Ok(conf),
            None => Err(Unusable(format!("{}: is not there", path.display()))),
        }
    }

    /// Reads the same; `None`: there is no such file.
    fn find(path: &Path) -> Result<Option<Self>, Unusable> {
        let bytes = bytes(path).map_err(|why| Unusable(format!("{}: {why}", path.display())))?;
        bytes.map(|bytes| Self::parse(path, &bytes)).transpose()
    }

    /// Parses a configuration. `path` is for errors only.
    ///
    /// # Errors
    /// The text is not TOML, or has an unknown key or an impossible value.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, Unusable> {
        let path = path.display();
        Source::new(bytes)
            .and_then(read)
            .map_err(|why| Unusable(why.at(path, Language::English)))
    }
}

impl Logins {
    /// Reads the portal's file. If the default file does not exist, returns the defaults.
    ///
    /// # Errors
    /// As for [`Conf::load`].
    pub fn load(path: &Path) -> Result<Self, Unusable> {
        let conf = match Conf::find(path)? {
            None if path == Path::new(DEFAULT_FILE) => None,
            None => Some(Conf::load(path)?),
            found => found,
        };
        Ok(conf.map_or_else(Self::usual, |conf| Self {
            lasts: conf.session.absolute,
            root: conf.root,
        }))
    }

    /// Returns the defaults.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            lasts: Lasting::default().absolute,
            root: false,
        }
    }
}

impl Proxy {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix("user:") {
            Some("") => Err("must name a user behind 'user:'"),
            Some(user) => Ok(Self::User(user.to_owned())),
            None => match Network::parse(text) {
                Ok(network) if network.is_everywhere() => {
                    Err("must not be every address: anybody could say who they are")
                }
                Ok(network) => Ok(Self::Network(network)),
                Err(_) => Err(
                    "must be addresses or networks, or users at the Unix socket: \"127.0.0.1\", \"user:www-data\"",
                ),
            },
        }
    }

    /// Returns the user ids of the proxies that are users.
    ///
    /// # Errors
    /// The first name that no user has.
    pub fn users(proxies: &[Self]) -> Result<Vec<u32>, String> {
        let names = proxies.iter().filter_map(|proxy| match proxy {
            Self::User(name) => Some(name),
            Self::Network(_) => None,
        });
        let found = names.map(|name| match User::from_name(name) {
            Ok(Some(user)) => Ok(user.uid.as_raw()),
            Ok(None) | Err(_) => Err(name.clone()),
        });
        found.collect()
    }
}

fn bytes(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let words = |why: Unread| match why {
        Unread::Unsafe(fault) => fault.to_string(),
        Unread::Io { action, source } => format!("cannot {action} it: {source}"),
    };
    let name = path.file_name().and_then(|name| name.to_str());
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let name = name.ok_or("is no path of a file")?;
    let directory = File::open(parent.unwrap_or(Path::new(".")))
        .map_err(|error| format!("its directory cannot be opened: {error}"))?;
    let rules = Rules {
        allowed: 0o7755,
        account: None,
        group: None,
        one_name: false,
    };
    let opened = open_file(&directory, name, Access::Read, rules, LIMIT).map_err(words)?;
    let Some(opened) = opened else {
        return Ok(None);
    };
    let bytes = read_whole(&opened, LIMIT).map_err(words)?;
    Ok(Some(bytes.to_vec()))
}

fn read(source: Source<'_>) -> Result<Conf, Unparsed> {
    let mut root = source.root()?;
    let url = root.require("url", |value| {
        Origin::parse(text(value)?).ok_or("must be \"https://\" and a host, and no path")
    })?;
    let listen = root.take("listen", |value| {
        texts(value)?.iter().map(|text| listens(text)).collect()
    })?;
    let proxies = root.take("proxies", |value| {
        let proxies = texts(value)?;
        proxies.iter().map(|text| Proxy::parse(text)).collect()
    })?;
    let login = root.take("login", path)?;
    let state = root.take("state", path)?;
    let root_may = root.take("root", truth)?;
    let tls = root.section("tls")?.map(tls).transpose()?;
    let session = root.section("session")?.map(session).transpose()?;
    let limits = root.section("limits")?.map(limits).transpose()?;
    let mut sites = BTreeMap::new();
    for mut section in root.sections("site")? {
        let (host, site) = site(&mut section)?;
        if host.name() == url.host().name() {
            return Err(section.fault("the portal's own host cannot be another site as well, at another port neither: its programs would see the portal's cookie"));
        }
        let fault = section.fault("this host stands in two [[site]] sections, or at two ports, which have one set of cookies in a browser");
        section.end()?;
        if sites.keys().any(|known: &Host| known.name() == host.name()) {
            return Err(fault);
        }
        sites.insert(host, site);
    }
    root.end()?;
    let usual = || match tls {
        Some(_) => Vec::new(),
        None => vec![Listen::Socket(DEFAULT_SOCKET.into())],
    };
    let listen = listen.unwrap_or_else(usual);
    if listen.is_empty() && tls.is_none() {
        return Err(Unparsed::whole("listens nowhere: give 'listen' or [tls]"));
    }
    Ok(Conf {
        url,
        listen,
        tls,
        proxies: proxies.unwrap_or_default(),
        session: session.unwrap_or_default(),
        limits: limits.unwrap_or_default(),
        sites,
        login: login.unwrap_or_else(|| DEFAULT_LOGIN_SOCKET.into()),
        state: state.unwrap_or_else(|| DEFAULT_STATE.into()),
        root: root_may.unwrap_or(false),
    })
}

fn listens(text: &str) -> Result<Listen, &'static str> {
    let form = "must be paths of Unix sockets, or addresses of this host alone: \"/run/x/http.sock\", \"127.0.0.1:9480\"";
    if text.starts_with('/') {
        return if text.contains(char::is_control) || text.len() > 100 {
            Err(form)
        } else {
            Ok(Listen::Socket(text.into()))
        };
    }
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().to_canonical().is_loopback() => Ok(Listen::Loopback(address)),
        Ok(_) => {
            Err("must not be reached from other machines without TLS: give the address in [tls]")
        }
        Err(_) => Err(form),
    }
}

fn tls(mut section: Section<'_>) -> Result<Tls, Unparsed> {
    let listen = section.require("listen", |value| {
        let addresses = texts(value)?;
        let addresses: Result<Vec<SocketAddr>, _> =
            addresses.iter().map(|text| text.parse()).collect();
        match addresses {
            Ok(addresses) if !addresses.is_empty() => Ok(addresses),
            _ => Err("must be addresses with ports: \"192.0.2.1:443\", \"[::]:443\""),
        }
    })?;
    let tls = Tls {
        listen,
        certificate: section.require("certificate", path)?,
        key: section.require("key", path)?,
    };
    section.end()?;
    Ok(tls)
}

fn session(mut section: Section<'_>) -> Result<Lasting, Unparsed> {
    let usual = Lasting::default();
    let minute = Duration::from_secs(60);
    let of = |value: &DeValue<'_>| match duration(text(value)?)? {
        time if time >= minute && time <= 30 * 24 * 60 * minute => Ok(time),
        _ => Err("must be a minute to 30 days: \"30m\", \"12h\""),
    };
    let lasting = Lasting {
        idle: section.take("idle", of)?.unwrap_or(usual.idle),
        absolute: section.take("absolute", of)?.unwrap_or(usual.absolute),
    };
    section.end()?;
    Ok(lasting)
}

fn limits(mut section: Section<'_>) -> Result<Limits, Unparsed> {
    let usual = Limits::default();
    let within = section.take("within", |value| match duration(text(value)?)? {
        time if time >= Duration::from_secs(60) && time <= Duration::from_secs(24 * 60 * 60) => {
            Ok(time)
        }
        _ => Err("must be a minute to a day: \"10m\""),
    })?;
    let failures = section.take("failures", |value| match u32::try_from(number(value)?) {
        Ok(count @ 1..=10_000) => Ok(count),
        _ => Err("must be 1 to 10000"),
    })?;
    let arrive = section.take("arrive", |value| match duration(text(value)?)? {
        time if time >= Duration::from_secs(1) && time <= Duration::from_secs(300) => Ok(time),
        _ => Err("must be a second to 5 minutes: \"10s\""),
    })?;
    let mut count = |key, least: usize, most: usize, usual| {
        let found = section.take(key, |value| {
            match usize::try_from(number(value).map_err(|unfit| unfit.to_string())?) {
                Ok(count) if (least..=most).contains(&count) => Ok(count),
                _ => Err(format!("must be {least} to {most}")),
            }
        })?;
        Ok::<_, Unparsed>(found.unwrap_or(usual))
    };
    let limits = Limits {
        connections: count("connections", 16, 65_536, usual.connections)?,
        connections_of_one: count("connections_of_one", 4, 65_536, usual.connections_of_one)?,
        conversations: count("conversations", 1, 1024, usual.conversations)?,
        conversations_of_one: count("conversations_of_one", 1, 1024, usual.conversations_of_one)?,
        failures: failures.unwrap_or(usual.failures),
        within: within.unwrap_or(usual.within),
        sessions: count("sessions", 16, 1_000_000, usual.sessions)?,
        arrive: arrive.unwrap_or(usual.arrive),
    };
    section.end()?;
    Ok(limits)
}

fn site(section: &mut Section<'_>) -> Result<(Host, Site), Unparsed> {
    let host = section.require("host", |value| {
        Host::parse(text(value)?).ok_or("must be a host: \"wiki.example.org\"")
    })?;
    let groups = section.take("groups", |value| {
        let groups = texts(value)?;
        let is_one = |group: &String| {
            let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b',' && byte != b':';
            !group.is_empty() && group.bytes().all(is_plain)
        };
        if groups.is_empty() || !groups.iter().all(is_one) {
            return Err("must be names of groups; leave the key out to let all users in");
        }
        Ok(groups)
    })?;
    let groups = groups.unwrap_or_default();
    Ok((host, Site { groups }))
}

fn path(value: &DeValue<'_>) -> Result<PathBuf, &'static str> {
    match text(value)? {
        path if path.starts_with('/') && !path.contains(char::is_control) => Ok(path.into()),
        _ => Err("must be an absolute path"),
    }
}

#[cfg(test)]
mod tests;
