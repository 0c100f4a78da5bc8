//! The caller of a request: what the connection says, and what a trusted proxy adds.
//!
//! Anyone can send headers such as `X-Forwarded-For`. They count only from proxies that the configuration names.

use crate::config::{Conf, Host, Proxy};
use axum::http::{HeaderMap, Uri};
use otp_core::network::{self, Network};
use std::net::{IpAddr, Ipv4Addr};

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A program at the Unix socket. Its user is one of the proxies.
    Local,
    /// A network address.
    Address(IpAddr),
}

/// A connection, as far as it is known before a request.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// The other end.
    pub peer: Peer,
    /// Whether the portal speaks TLS on it.
    pub is_tls: bool,
}

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The address of the browser. It is `0.0.0.0` if the proxy does not say it or is not in the configuration: no
    /// trusted network contains that address.
    pub address: IpAddr,
    /// The host that the browser asked for.
    pub host: Host,
    /// The path that the browser asked for, if a proxy asks about another request.
    pub asked: Option<String>,
    /// Whether the browser speaks TLS with the portal or the proxy; `None`: no one says.
    pub is_tls: Option<bool>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Senseless {
    /// There is no valid host, or more than one.
    Host,
    /// A header about the address of the browser cannot be understood.
    Address,
    /// Two headers contradict each other.
    Contradiction,
}

impl Senseless {
    /// Returns the words for the log.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Host => "a request without one host",
            Self::Address => "a forwarded address that is none",
            Self::Contradiction => "headers that contradict one another about the host",
        }
    }
}

impl Peer {
    /// Whether the portal believes what this peer forwards.
    #[must_use]
    pub fn is_proxy(self, proxies: &[Proxy]) -> bool {
        match self {
            Self::Local => true,
            Self::Address(address) => networks(proxies).any(|network| network.contains(address)),
        }
    }
}

fn networks(proxies: &[Proxy]) -> impl Iterator<Item = &Network> {
    proxies.iter().filter_map(|proxy| match proxy {
        Proxy::Network(network) => Some(network),
        Proxy::User(_) => None,
    })
}

impl Caller {
    /// Finds the caller from the connection and the headers.
    ///
    /// # Errors
    /// See [`Senseless`].
    pub fn of(
        connection: Connection,
        uri: &Uri,
        headers: &HeaderMap,
        conf: &Conf,
    ) -> Result<Self, Senseless> {
        // A whole URL is how clients speak to a forward proxy, and it names a second host.
        if uri.authority().is_some() {
            return Err(Senseless::Host);
        }
        let named = one(headers, "host")?.ok_or(Senseless::Host)?;
        let named = Host::parse(named).ok_or(Senseless::Host)?;
        if !connection.peer.is_proxy(&conf.proxies) {
            let Peer::Address(address) = connection.peer else {
                return Err(Senseless::Address);
            };
            // An unconfigured proxy connects for all of its visitors. They must not gain the trust that programs of
            // this host may have.
            let is_hidden = !connection.is_tls && address.to_canonical().is_loopback();
            let address = if is_hidden {
                Ipv4Addr::UNSPECIFIED.into()
            } else {
                address.to_canonical()
            };
            return Ok(Self {
                address,
                host: named,
                asked: None,
                is_tls: connection.is_tls.then_some(true),
            });
        }
        let address = forwarded_address(headers, &conf.proxies)?;
        let forwarded = match one(headers, "x-forwarded-host")? {
            Some(host) => Some(Host::parse(host).ok_or(Senseless::Host)?),
            None => None,
        };
        let original = match one(headers, "x-original-url")? {
            Some(url) => Some(original(url).ok_or(Senseless::Host)?),
            None => None,
        };
        let (original_host, original_path) = match original {
            Some((host, path)) => (host, Some(path)),
            None => (None, None),
        };
        if let (Some(one), Some(other)) = (&forwarded, &original_host)
            && one != other
        {
            return Err(Senseless::Contradiction);
        }
        let told = forwarded.or(original_host);
        // A proxy that sets no host of its own passes on a browser's header. Such a header must not select another
        // site.
        if let Some(told) = &told
            && *told != named
            && conf.sites.contains_key(&named)
        {
            return Err(Senseless::Contradiction);
        }
        let is_tls = match one(headers, "x-forwarded-proto")? {
            None => connection.is_tls.then_some(true),
            Some(proto) => Some(proto.eq_ignore_ascii_case("https")),
        };
        let asked = one(headers, "x-forwarded-uri")?.map(str::to_owned);
        Ok(Self {
            address,
            host: told.unwrap_or(named),
            asked: asked.or(original_path),
            is_tls,
        })
    }
}

/// Returns the only value of a header; `None`: the header is missing.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Senseless> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Senseless::Contradiction);
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Senseless::Host),
    }
}

/// Returns the last address in the list that is not a proxy's. A browser could have sent all addresses before it.
fn forwarded_address(headers: &HeaderMap, proxies: &[Proxy]) -> Result<IpAddr, Senseless> {
    let mut all = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        let text = value.to_str().map_err(|_| Senseless::Address)?;
        all.extend(text.split(',').map(str::trim));
    }
    for text in all.into_iter().rev() {
        let address = address(text).ok_or(Senseless::Address)?;
        if !networks(proxies).any(|network| network.contains(address)) {
            return Ok(address);
        }
    }
    Ok(Ipv4Addr::UNSPECIFIED.into())
}

/// Parses an address as a proxy writes it. An address that is valid on one link only carries the name of the link
/// (`fe80::1%eth0`). The name is dropped: it means nothing on another machine.
fn address(text: &str) -> Option<IpAddr> {
    let Some((text, link)) = text.split_once('%') else {
        return network::address(text);
    };
    let is_link = !link.is_empty() && link.bytes().all(|byte| byte.is_ascii_graphic());
    match network::address(text) {
        Some(IpAddr::V6(address)) if is_link && address.is_unicast_link_local() => {
            Some(address.into())
        }
        _ => None,
    }
}

/// Returns host and path of `X-Original-URL`. Some proxies send only a path.
fn original(url: &str) -> Option<(Option<Host>, String)> {
    if url.starts_with('/') {
        return Some((None, url.to_owned()));
    }
    let (scheme, rest) = url.split_once("://")?;
    if scheme != "https" && scheme != "http" {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    Some((Some(Host::parse(host)?), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};
    use std::path::Path;

    fn conf() -> Conf {
        let text = "url = \"https://login.example.org\"\nproxies = [\"user:root\", \"127.0.0.1\", \"10.0.0.0/8\"]\n\
                    [[site]]\nhost = \"wiki.example.org\"\n[[site]]\nhost = \"git.example.org\"\n";
        Conf::parse(Path::new("/x"), text.as_bytes()).unwrap()
    }

    fn ask(peer: Peer, all: &[(&str, &str)]) -> Result<Caller, Senseless> {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let connection = Connection {
            peer,
            is_tls: false,
        };
        Caller::of(connection, &Uri::from_static("/verify"), &headers, &conf())
    }

    const LOGIN: (&str, &str) = ("host", "login.example.org");
    const PROXY: Peer = Peer::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
    const STRANGER: Peer = Peer::Address(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 66)));

    fn address(peer: Peer, forwarded: &[&str]) -> Result<String, Senseless> {
        let mut all = vec![LOGIN];
        all.extend(forwarded.iter().map(|it| ("x-forwarded-for", *it)));
        ask(peer, &all).map(|caller| caller.address.to_string())
    }

    #[test]
    fn the_last_address_that_is_no_proxy_counts() {
        let found = |forwarded: &[&str]| address(PROXY, forwarded).unwrap();
        assert_eq!(found(&["192.0.2.1"]), "192.0.2.1");
        assert_eq!(found(&["192.0.2.9, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(found(&["192.0.2.9", "192.0.2.1, 10.1.2.3"]), "192.0.2.1");
        assert_eq!(found(&["2001:db8::1"]), "2001:db8::1");
        assert_eq!(found(&["::ffff:192.0.2.1"]), "192.0.2.1");
        assert_eq!(found(&["fe80::1%eth0"]), "fe80::1");
        assert_eq!(found(&["fe80::1%2, 10.1.2.3"]), "fe80::1");
        assert_eq!(found(&["10.0.0.1"]), "0.0.0.0");
        assert_eq!(found(&[]), "0.0.0.0");
        assert_eq!(address(Peer::Local, &["192.0.2.1"]).unwrap(), "192.0.2.1");
        for wrong in [
            "",
            "unknown",
            "192.0.2.1:80",
            "192.0.2.1,",
            "a.example.org",
            "fe80::1%",
            "fe80::1%eth 0",
            "2001:db8::1%eth0",
            "192.0.2.1%eth0",
            "%eth0",
        ] {
            assert_eq!(address(PROXY, &[wrong]), Err(Senseless::Address), "{wrong}");
        }
        // The portal ignores what a browser sent.
        assert_eq!(found(&["unknown, 192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn only_a_proxy_is_believed() {
        assert_eq!(address(STRANGER, &["192.0.2.1"]).unwrap(), "192.0.2.66");
        let all = [
            LOGIN,
            ("x-forwarded-host", "wiki.example.org"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-uri", "/secret"),
            ("x-original-url", "https://git.example.org/"),
        ];
        let caller = ask(STRANGER, &all).unwrap();
        assert_eq!(caller.host.as_str(), "login.example.org");
        assert_eq!((caller.asked, caller.is_tls), (None, None));
    }

    /// Otherwise a distant browser would appear as a program of this host, which the policy may trust.
    #[test]
    fn a_proxy_that_is_not_configured_speaks_for_nobody_at_this_host() {
        let text = "url = \"https://login.example.org\"\nlisten = [\"127.0.0.1:1\"]\n";
        let conf = Conf::parse(Path::new("/x"), text.as_bytes()).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("login.example.org"));
        let address = |peer: &str, is_tls| {
            let peer = Peer::Address(peer.parse().unwrap());
            let connection = Connection { peer, is_tls };
            let caller = Caller::of(connection, &Uri::from_static("/"), &headers, &conf);
            caller.unwrap().address.to_string()
        };
        for (peer, is_tls, found) in [
            ("127.0.0.1", false, "0.0.0.0"),
            ("127.9.9.9", false, "0.0.0.0"),
            ("::1", false, "0.0.0.0"),
            ("::ffff:127.0.0.1", false, "0.0.0.0"),
            // With TLS of its own, the portal sees the browser's own address.
            ("127.0.0.1", true, "127.0.0.1"),
            ("192.0.2.1", true, "192.0.2.1"),
        ] {
            assert_eq!(address(peer, is_tls), found, "{peer}");
        }
    }

    #[test]
    fn a_proxy_says_which_host_was_asked_for() {
        let host = |all: &[(&str, &str)]| {
            let all: Vec<_> = [LOGIN].into_iter().chain(all.iter().copied()).collect();
            ask(PROXY, &all).map(|caller| (caller.host.as_str().to_owned(), caller.asked))
        };
        let is = |host: &str, asked: Option<&str>| Ok((host.to_owned(), asked.map(str::to_owned)));
        assert_eq!(host(&[]), is("login.example.org", None));
        let wiki = ("x-forwarded-host", "Wiki.example.org:443");
        assert_eq!(host(&[wiki]), is("wiki.example.org", None));
        let uri = ("x-forwarded-uri", "/a?b");
        assert_eq!(host(&[wiki, uri]), is("wiki.example.org", Some("/a?b")));
        let url = ("x-original-url", "https://wiki.example.org/a?b");
        assert_eq!(host(&[url]), is("wiki.example.org", Some("/a?b")));
        assert_eq!(host(&[wiki, url]), is("wiki.example.org", Some("/a?b")));
        let other = ("x-original-url", "https://git.example.org/a?b");
        assert_eq!(host(&[wiki, other]), Err(Senseless::Contradiction));
        assert_eq!(host(&[wiki, wiki]), Err(Senseless::Contradiction));
        for wrong in [
            "wiki.example.org, git.example.org",
            "",
            "a@b",
            "wiki.example.org/",
        ] {
            assert_eq!(
                host(&[("x-forwarded-host", wrong)]),
                Err(Senseless::Host),
                "{wrong}"
            );
        }
        for wrong in [
            "wiki.example.org/",
            "ftp://wiki.example.org/",
            "https://a@wiki.example.org/",
        ] {
            assert_eq!(
                host(&[("x-original-url", wrong)]),
                Err(Senseless::Host),
                "{wrong}"
            );
        }
    }

    /// A site's proxy that sets only `Host` passes on a browser's own `X-Forwarded-Host`.
    #[test]
    fn a_browser_at_one_site_cannot_pass_for_another_site() {
        let wiki = ("host", "wiki.example.org");
        for smuggled in [
            ("x-forwarded-host", "git.example.org"),
            ("x-original-url", "https://git.example.org/"),
            ("x-forwarded-host", "login.example.org"),
        ] {
            assert_eq!(ask(PROXY, &[wiki, smuggled]), Err(Senseless::Contradiction));
        }
        let same = ask(PROXY, &[wiki, ("x-forwarded-host", "wiki.example.org")]);
        assert_eq!(same.unwrap().host.as_str(), "wiki.example.org");
    }

    #[test]
    fn one_host_and_no_whole_url_is_asked_for() {
        assert_eq!(ask(STRANGER, &[]), Err(Senseless::Host));
        assert_eq!(
            ask(STRANGER, &[LOGIN, LOGIN]),
            Err(Senseless::Contradiction)
        );
        let connection = Connection {
            peer: STRANGER,
            is_tls: true,
        };
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("login.example.org"));
        let uri = Uri::from_static("https://login.example.org/");
        let asked = Caller::of(connection, &uri, &headers, &conf());
        assert_eq!(asked, Err(Senseless::Host));
    }
}
