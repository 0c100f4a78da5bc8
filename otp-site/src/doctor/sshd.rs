//! sshd's effective configuration, as `sshd -T` prints it.

use super::service::TIME_TO_ENROL;
use otp_core::messages::doctor::Finding;

/// The configuration that is in force for some connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The `Match` line; empty: for all connections without a `Match`.
    pub within: String,
    settings: Vec<(String, String)>,
}

/// What matters here about PAM's files.
#[derive(Clone, Copy, Debug)]
pub struct Stack {
    /// Whether our account line is there.
    pub has_account_line: bool,
    /// Whether a login should set up authenticators.
    pub enrols: bool,
}

impl Effective {
    /// Reads the output of `sshd -T`.
    #[must_use]
    pub fn parse(within: &str, printed: &str) -> Self {
        let setting = |line: &str| {
            let (keyword, value) = line.trim().split_once(' ')?;
            Some((keyword.to_ascii_lowercase(), value.trim().to_owned()))
        };
        Self {
            within: within.to_owned(),
            settings: printed.lines().filter_map(setting).collect(),
        }
    }

    fn value(&self, keyword: &str) -> &str {
        let found = self.settings.iter().find(|(one, _)| one == keyword);
        found.map_or("", |(_, value)| value)
    }

    fn is(&self, keyword: &str, value: &str) -> bool {
        self.value(keyword).eq_ignore_ascii_case(value)
    }

    /// Returns the lists of `AuthenticationMethods`; none: any method is enough.
    fn lists(&self) -> Vec<&str> {
        let lists = self.value("authenticationmethods").split_whitespace();
        lists.filter(|one| *one != "any").collect()
    }

    /// Whether every user needs a key before PAM is asked.
    #[must_use]
    pub fn demands_key(&self) -> bool {
        let lists = self.lists();
        !lists.is_empty() && lists.iter().all(|list| has(list, "publickey"))
    }

    /// Finds what keeps sshd from asking for a code, or lets users in without one.
    #[must_use]
    pub fn findings(&self, stack: Stack) -> Vec<Finding> {
        let within = || self.within.clone();
        if self.is("usepam", "no") {
            return vec![Finding::SshdNoPam { within: within() }];
        }
        let mut found = Vec::new();
        let lists = self.lists();
        let may_use = |method| lists.is_empty() || lists.iter().any(|list| has(list, method));
        if self.is("passwordauthentication", "yes") && may_use("password") {
            found.push(Finding::SshdPassword { within: within() });
        }
        let dialogue = self.value("kbdinteractiveauthentication");
        let older = self.value("challengeresponseauthentication");
        if dialogue == "no" || (dialogue.is_empty() && older == "no") {
            found.push(Finding::SshdNoDialogue { within: within() });
        }
        let without = lists.iter().filter(|list| {
            // This was reported above.
            !has(list, "keyboard-interactive") && !has(list, "password")
        });
        found.extend(without.map(|list| Finding::SshdMethods {
            within: within(),
            methods: (*list).to_owned(),
        }));
        let others = [
            "pubkeyauthentication",
            "hostbasedauthentication",
            "gssapiauthentication",
        ];
        if lists.is_empty() && others.iter().any(|one| self.is(one, "yes")) {
            found.push(Finding::SshdKeyAlone {
                within: within(),
                has_account_line: stack.has_account_line,
            });
        }
        let seconds = self.value("logingracetime").parse().unwrap_or(0);
        if stack.enrols && (1..TIME_TO_ENROL).contains(&seconds) {
            found.push(Finding::LoginGraceTime {
                seconds,
                within: within(),
            });
        }
        found
    }

    /// Whether root may log in with a password.
    #[must_use]
    pub fn takes_roots_password(&self) -> bool {
        self.is("permitrootlogin", "yes")
    }

    /// Whether root may log in, at least with a key.
    #[must_use]
    pub fn lets_root_in(&self) -> bool {
        !self.is("permitrootlogin", "no")
    }
}

/// Whether a list names a method, with or without a device after it (`keyboard-interactive:pam`).
fn has(list: &str, method: &str) -> bool {
    let mut methods = list.split(',');
    methods.any(|one| one.split(':').next() == Some(method))
}

/// Why `sshd -T -C` cannot be given a connection for which a `Match` line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoConnection {
    /// The line holds for no connection.
    Nobodys,
    /// It may hold for some connections, but it is not known here for which.
    Unknown,
}

/// Returns the text for `sshd -T -C` for which a `Match` line holds.
///
/// `member` returns a user who is in a group. Of a list, the first pattern without an exclamation mark stands for all.
///
/// # Errors
/// There is no such connection, or it cannot be found.
pub fn connection(
    criteria: &str,
    member: impl Fn(&str) -> Result<String, NoConnection>,
) -> Result<String, NoConnection> {
    let mut words = criteria.split_whitespace();
    let (mut user, mut host, mut address) = (
        "nobody".to_owned(),
        "host.invalid".to_owned(),
        "192.0.2.1".to_owned(),
    );
    let (mut local_address, mut local_port) = ("192.0.2.2".to_owned(), "22".to_owned());
    while let Some(word) = words.next() {
        let (kind, value) = match word.split_once('=') {
            Some((kind, value)) => (kind.to_ascii_lowercase(), value),
            None => (word.to_ascii_lowercase(), ""),
        };
        match kind.as_str() {
            "all" => continue,
            // A user whom nobody knows cannot log in.
            "invalid-user" => return Err(NoConnection::Nobodys),
            _ => {}
        }
        let value = if value.is_empty() {
            words.next().ok_or(NoConnection::Unknown)?
        } else {
            value
        };
        let value = value.trim_matches('"');
        // A list with only exceptions holds for nobody.
        let first = value.split(',').find(|one| !one.starts_with('!'));
        let first = first.ok_or(NoConnection::Nobodys)?;
        let literal = first.replace(['*', '?'], "x");
        let an_address = || first_address(first).ok_or(NoConnection::Unknown);
        match kind.as_str() {
            "user" => user = literal,
            "group" => user = member(first)?,
            "host" => host = literal,
            "address" => address = an_address()?,
            "localaddress" => local_address = an_address()?,
            "localport" => local_port = literal,
            _ => return Err(NoConnection::Unknown),
        }
    }
    Ok(format!(
        "user={user},host={host},addr={address},laddr={local_address},lport={local_port}"
    ))
}

/// Returns an address of a network, or one that a pattern matches.
fn first_address(pattern: &str) -> Option<String> {
    let text = pattern.split('/').next()?.replace('?', "1");
    let candidates = [
        text.replace('*', "1"),
        text.replace('*', "1.1"),
        text.replace('*', "1.1.1"),
        text.replace('*', "1.1.1.1"),
        text.replace('*', ":1"),
        text.replace('*', "1::1"),
    ];
    let is_address = |one: &String| one.parse::<std::net::IpAddr>().is_ok();
    candidates.into_iter().find(is_address)
}

/// Whether a pattern of `Include`, with `*` and `?`, matches a name.
#[must_use]
pub fn stands_for(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    // Which beginnings of the name the pattern matches so far.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for one in pattern {
        if one == '*' {
            for at in 1..reached.len() {
                reached[at] |= reached[at - 1];
            }
        } else {
            for at in (1..reached.len()).rev() {
                reached[at] = reached[at - 1] && (one == '?' || one == name[at - 1]);
            }
            reached[0] = false;
        }
    }
    reached[name.len()]
}

/// Returns the criteria of each `Match` line of a configuration file, in order.
#[must_use]
pub fn matches(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let line = line.split('#').next()?.trim();
        let (keyword, rest) = line.split_once(char::is_whitespace)?;
        keyword
            .eq_ignore_ascii_case("match")
            .then(|| rest.trim().to_owned())
    };
    text.lines().filter_map(line).collect()
}

/// Returns the patterns of each `Include` line.
#[must_use]
pub fn includes(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let (keyword, rest) = line.trim().split_once(char::is_whitespace)?;
        let files = rest
            .split_whitespace()
            .map(|one| one.trim_matches('"').to_owned());
        keyword
            .eq_ignore_ascii_case("include")
            .then(|| files.collect::<Vec<_>>())
    };
    text.lines().filter_map(line).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "usepam yes\nkbdinteractiveauthentication yes\npasswordauthentication no\n\
        pubkeyauthentication no\ngssapiauthentication no\nlogingracetime 120\nauthenticationmethods any\n";

    fn ids(change: (&str, &str), enrols: bool) -> Vec<&'static str> {
        let printed = README.replace(change.0, change.1);
        let stack = Stack {
            has_account_line: false,
            enrols,
        };
        let found = Effective::parse("", &printed).findings(stack);
        found.iter().map(Finding::id).collect()
    }

    #[test]
    fn the_recommended_settings_of_sshd_give_no_finding() {
        assert_eq!(ids(("", ""), false), [""; 0]);
    }

    #[test]
    fn each_setting_that_bypasses_the_code_is_found() {
        for (old, new, expected) in [
            ("usepam yes", "usepam no", "sshd-no-pam"),
            (
                "passwordauthentication no",
                "passwordauthentication yes",
                "sshd-password",
            ),
            (
                "kbdinteractiveauthentication yes",
                "kbdinteractiveauthentication no",
                "sshd-no-dialogue",
            ),
            (
                "kbdinteractiveauthentication yes",
                "challengeresponseauthentication no",
                "sshd-no-dialogue",
            ),
            (
                "methods any",
                "methods publickey publickey,keyboard-interactive",
                "sshd-methods",
            ),
            (
                "pubkeyauthentication no",
                "pubkeyauthentication yes",
                "sshd-key-alone",
            ),
            (
                "gssapiauthentication no",
                "gssapiauthentication yes",
                "sshd-key-alone",
            ),
        ] {
            assert_eq!(ids((old, new), false), [expected], "{new}");
        }
        assert_eq!(ids(("", ""), true), ["login-grace-time"]);
        assert_eq!(ids(("time 120", "time 0"), true), [""; 0]);
        assert_eq!(ids(("time 120", "time 600"), true), [""; 0]);
    }

    #[test]
    fn a_key_is_demanded_where_every_list_has_one() {
        let demands = |methods: &str| {
            Effective::parse("", &format!("authenticationmethods {methods}\n")).demands_key()
        };
        assert!(demands("publickey,keyboard-interactive"));
        assert!(demands(
            "publickey,keyboard-interactive:pam publickey,password"
        ));
        assert!(!demands(
            "publickey,keyboard-interactive keyboard-interactive"
        ));
        assert!(!demands("any"));
    }

    #[test]
    fn a_match_line_is_turned_into_a_connection_that_it_matches() {
        let member = |group: &str| match group {
            "staff" => Ok("carol".to_owned()),
            "nobodys" => Err(NoConnection::Nobodys),
            _ => Err(NoConnection::Unknown),
        };
        for (criteria, expected) in [
            (
                "User alice",
                Ok("user=alice,host=host.invalid,addr=192.0.2.1"),
            ),
            ("user=git*,bob", Ok("user=gitx,")),
            ("User !root,bob", Ok("user=bob,")),
            (
                "Group staff Address 10.0.0.0/8",
                Ok("user=carol,host=host.invalid,addr=10.0.0.0,"),
            ),
            (
                "Address 10.1.*.*",
                Ok("user=nobody,host=host.invalid,addr=10.1.1.1,"),
            ),
            ("LocalPort 2222", Ok("lport=2222")),
            ("all", Ok("user=nobody")),
            ("Group nobodys", Err(NoConnection::Nobodys)),
            ("Group somebodys", Err(NoConnection::Unknown)),
            ("User !root", Err(NoConnection::Nobodys)),
            ("Address *,!10.0.0.0/8", Ok("addr=1.1.1.1,")),
            ("Address 10.*", Ok("addr=10.1.1.1,")),
            ("Address 192.168.?.*", Ok("addr=192.168.1.1,")),
            ("Address 2001:db8:*", Ok("addr=2001:db8::1,")),
            ("LocalAddress *", Ok("laddr=1.1.1.1,")),
            ("RDomain x", Err(NoConnection::Unknown)),
            ("User", Err(NoConnection::Unknown)),
        ] {
            let found = connection(criteria, member);
            match expected {
                Ok(part) => assert!(
                    found.as_ref().is_ok_and(|one| one.contains(part)),
                    "{criteria}: {found:?}"
                ),
                Err(why) => assert_eq!(found, Err(why), "{criteria}"),
            }
        }
    }

    #[test]
    fn a_pattern_matches_names() {
        for (pattern, name, expected) in [
            ("*.conf", "10-x.conf", true),
            ("*.conf", "10-x.conf.bak", false),
            ("1?-*.conf", "10-x.conf", true),
            ("1?-*.conf", "20-x.conf", false),
            ("x.conf", "x.conf", true),
            ("x.conf", "ax.conf", false),
            ("*", "", true),
        ] {
            assert_eq!(stands_for(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn match_and_include_lines_are_found_in_any_case() {
        let text = "Include /etc/ssh/a.conf b.conf\nPort 22\n match  User alice # her\nMATCH all\n#Match User bob\nMatchless x\n";
        assert_eq!(matches(text), ["User alice", "all"]);
        assert_eq!(includes(text), ["/etc/ssh/a.conf", "b.conf"]);
    }
}
