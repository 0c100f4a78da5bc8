//! A browser for tests. It keeps cookies by host and sends forms with their tokens; the test controls everything else.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub const SESSION: &str = "__Host-otp-portal";
pub const BEFORE: &str = "__Host-otp-portal-login";

#[derive(Clone)]
pub struct Browser {
    pub address: SocketAddr,
    pub host: String,
    pub cookies: BTreeMap<(String, String), String>,
    /// Headers of every request.
    pub headers: Vec<(String, String)>,
    /// The current page.
    pub page: Answer,
}

#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn of(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|it| it.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.unwrap_or_default(),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    /// Returns the value of a hidden field.
    pub fn field(&self, name: &str) -> Option<String> {
        let at = self.body.find(&format!("name=\"{name}\""))?;
        let (_, rest) = self.body[at..].split_once("value=\"")?;
        Some(rest.split('"').next()?.replace("&#38;", "&"))
    }
}

pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        write!(all, "%{byte:02X}").unwrap();
        all
    })
}

/// Sends bytes, and reads until the end.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    // The portal may answer and hang up before it has read everything.
    stream.write_all(bytes).ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    answer
}

impl Browser {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            host: crate::portal::HOST.to_owned(),
            cookies: BTreeMap::new(),
            headers: Vec::new(),
            page: Answer::default(),
        }
    }

    /// Moves the browser to another host.
    pub fn at(&mut self, host: &str) -> &mut Self {
        host.clone_into(&mut self.host);
        self
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        let found = self.cookies.get(&(self.host.clone(), name.to_owned()));
        found.map(String::as_str)
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.cookies
            .insert((self.host.clone(), name.to_owned()), value.to_owned());
    }

    fn send(&mut self, method: &str, path: &str, body: Option<&str>) -> &Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let own = |name: &str| {
            self.headers
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        if !own("host") {
            write!(request, "Host: {}\r\n", self.host).unwrap();
        }
        for (name, value) in &self.headers {
            write!(request, "{name}: {value}\r\n").unwrap();
        }
        let cookies = self
            .cookies
            .iter()
            .filter(|((host, _), _)| *host == self.host);
        let cookies: Vec<String> = cookies
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            write!(request, "Cookie: {}\r\n", cookies.join("; ")).unwrap();
        }
        if let Some(body) = body {
            if !own("content-type") {
                request.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
            }
            write!(request, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        } else {
            request.push_str("\r\n");
        }
        let answer = Answer::of(&exchange(self.address, request.as_bytes()));
        for (name, value) in &answer.headers {
            if name == "set-cookie" {
                let (pair, attributes) = value.split_once("; ").unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                assert!(
                    attributes.starts_with("Path=/; Secure; HttpOnly; SameSite=Lax"),
                    "{attributes}"
                );
                assert!(name.starts_with("__Host-"));
                let key = (self.host.clone(), name.to_owned());
                if attributes.ends_with("Max-Age=0") {
                    self.cookies.remove(&key);
                } else {
                    self.cookies.insert(key, value.to_owned());
                }
            }
        }
        self.page = answer;
        &self.page
    }

    pub fn get(&mut self, path: &str) -> &Answer {
        self.send("GET", path, None)
    }

    pub fn other(&mut self, method: &str, path: &str) -> &Answer {
        self.send(method, path, None)
    }

    /// Sends a form with only these fields.
    pub fn post_plain(&mut self, path: &str, fields: &[(&str, &str)]) -> &Answer {
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        self.send("POST", path, Some(&body.join("&")))
    }

    pub fn post_bytes(&mut self, path: &str, body: &str) -> &Answer {
        self.send("POST", path, Some(body))
    }

    /// Sends the form of the current page.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> &Answer {
        let hidden =
            ["csrf", "conversation", "site", "to"].map(|name| (name, self.page.field(name)));
        let hidden = hidden
            .iter()
            .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let all: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        self.post_plain(path, &all)
    }

    /// Follows the redirect, at this host.
    pub fn follow(&mut self) -> &Answer {
        assert_eq!(self.page.status, 303, "{:?}", self.page);
        let location = self.page.location().to_owned();
        assert!(location.starts_with('/'), "{location}");
        self.get(&location)
    }

    /// Begins a login, up to the first question.
    pub fn begin(&mut self, user: &str) -> &Answer {
        self.get("/login");
        self.post("/login", &[("user", user)]);
        self.follow()
    }

    pub fn answer(&mut self, answer: &str) -> &Answer {
        self.post("/login/question", &[("answer", answer)])
    }

    /// Logs in, up to the answer to the last question.
    pub fn log_in(&mut self, user: &str) -> &Answer {
        if user == "quick" || user == "root" {
            self.get("/login");
            self.post("/login", &[("user", user)]);
        } else {
            self.begin(user);
            self.answer("secret");
            if user != "fresh" {
                self.follow();
                self.answer("123456");
            }
        }
        assert!(self.cookie(SESSION).is_some(), "{:?}", self.page);
        &self.page
    }
}
