use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const SHORT: &str = "url = \"https://login.example.org\"\n";

fn parse(text: &str) -> Result<Conf, String> {
    Conf::parse(Path::new("/x"), text.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn one_line_is_enough_and_the_rest_has_defaults() {
    let conf = parse(SHORT).unwrap();
    assert_eq!(conf.url.to_string(), "https://login.example.org");
    assert_eq!(conf.listen, [Listen::Socket(DEFAULT_SOCKET.into())]);
    assert_eq!(conf.login, Path::new(DEFAULT_LOGIN_SOCKET));
    assert_eq!(conf.state, Path::new(DEFAULT_STATE));
    assert!(conf.proxies.is_empty() && conf.sites.is_empty() && conf.tls.is_none());
    assert_eq!(conf.session.idle, Duration::from_secs(1800));
    assert_eq!(conf.session.absolute, Duration::from_secs(43_200));
    assert!(!conf.root);
    assert_eq!(conf.limits, Limits::default());
}

#[test]
fn every_key_reaches_the_configuration() {
    let text = "url = \"https://Login.example.org:8443/\"\n\
                listen = [\"/run/a.sock\", \"[::1]:80\", \"127.0.0.2:81\"]\n\
                proxies = [\"user:root\", \"127.0.0.1\", \"2001:db8::/32\"]\n\
                login = \"/l\"\nstate = \"/s\"\nroot = true\n\
                [tls]\nlisten = [\"[::]:443\"]\ncertificate = \"/c\"\nkey = \"/k\"\n\
                [session]\nidle = \"5m\"\nabsolute = \"1h\"\n\
                [limits]\nconnections = 16\nconnections_of_one = 4\nconversations = 2\nconversations_of_one = 1\n\
                failures = 3\nwithin = \"60s\"\nsessions = 16\narrive = \"3s\"\n\
                [[site]]\nhost = \"Wiki.example.org:443\"\ngroups = [\"staff\", \"wheel\"]\n\
                [[site]]\nhost = \"git.example.org:8443\"\n";
    let conf = parse(text).unwrap();
    assert_eq!(conf.url.to_string(), "https://login.example.org:8443");
    assert_eq!(conf.listen.len(), 3);
    assert_eq!(Proxy::users(&conf.proxies).unwrap(), [0]);
    assert_eq!((conf.login, conf.state), ("/l".into(), "/s".into()));
    assert!(conf.root);
    let tls = conf.tls.unwrap();
    assert_eq!((tls.certificate, tls.key), ("/c".into(), "/k".into()));
    assert_eq!(tls.listen, ["[::]:443".parse().unwrap()]);
    assert_eq!(conf.session.idle, Duration::from_secs(300));
    assert_eq!(conf.session.absolute, Duration::from_secs(3600));
    let limits = Limits {
        connections: 16,
        connections_of_one: 4,
        conversations: 2,
        conversations_of_one: 1,
        failures: 3,
        within: Duration::from_secs(60),
        sessions: 16,
        arrive: Duration::from_secs(3),
    };
    assert_eq!(conf.limits, limits);
    let site = |host: &str| conf.sites[&Host::parse(host).unwrap()].groups.clone();
    assert_eq!(site("wiki.example.org"), ["staff", "wheel"]);
    assert!(site("git.example.org:8443").is_empty());
}

#[test]
fn an_impossible_value_is_refused_with_its_line() {
    for (text, line) in [
        ("url = \"http://login.example.org\"", 1),
        ("url = \"https://login.example.org/path\"", 1),
        ("url = \"https://user@login.example.org\"", 1),
        ("listen = [\"192.0.2.1:80\"]", 2),
        ("listen = [\"0.0.0.0:80\"]", 2),
        ("listen = [\"127.0.0.1\"]", 2),
        ("listen = [\"run/x\"]", 2),
        ("proxies = [\"0.0.0.0/0\"]", 2),
        ("proxies = [\"proxy.example.org\"]", 2),
        ("proxies = [\"user:\"]", 2),
        ("proxies = \"127.0.0.1\"", 2),
        ("login = \"x\"", 2),
        ("root = \"yes\"", 2),
        ("colour = 1", 2),
        ("[tls]\nlisten = []\ncertificate = \"/c\"\nkey = \"/k\"", 3),
        ("[tls]\nlisten = [\"[::]:443\"]\ncertificate = \"/c\"", 2),
        ("[session]\nidle = \"30s\"", 3),
        ("[session]\nabsolute = \"31d\"", 3),
        ("[session]\nidle = 30", 3),
        ("[session]\nlimit = \"1h\"", 3),
        ("[limits]\nfailures = 0", 3),
        ("[limits]\nsessions = 1", 3),
        ("[limits]\nwithin = \"1s\"", 3),
        ("[limits]\narrive = \"0s\"", 3),
        ("[limits]\narrive = \"301s\"", 3),
        ("[site]\nhost = \"a\"", 2),
        ("[[site]]\ngroups = [\"a\"]", 2),
        ("[[site]]\nhost = \"a/b\"", 3),
        ("[[site]]\nhost = \"a\"\ngroups = []", 4),
        ("[[site]]\nhost = \"a\"\ngroups = [\"a,b\"]", 4),
        ("[[site]]\nhost = \"a\"\nusers = []", 4),
        ("[[site]]\nhost = \"LOGIN.example.org\"", 2),
        ("[[site]]\nhost = \"a\"\n[[site]]\nhost = \"A:443\"", 4),
        // Browsers keep one set of cookies for all ports of a host.
        ("[[site]]\nhost = \"login.example.org:8443\"", 2),
        ("[[site]]\nhost = \"a\"\n[[site]]\nhost = \"a:8443\"", 4),
        (
            "[[site]]\nhost = \"[::1]:1\"\n[[site]]\nhost = \"[::1]:2\"",
            4,
        ),
    ] {
        let whole = if text.starts_with("url") {
            text.to_owned()
        } else {
            format!("{SHORT}{text}\n")
        };
        let error = parse(&whole).expect_err(text);
        assert!(
            error.starts_with(&format!("/x, line {line}: ")),
            "{text}: {error}"
        );
    }
    assert!(parse("").unwrap_err().contains("'url' is missing"));
    let nowhere = parse(&format!("{SHORT}listen = []"));
    assert!(nowhere.unwrap_err().contains("listens nowhere"));
}

#[test]
fn a_host_has_one_form_however_it_is_written() {
    let host = |text: &str| Host::parse(text).map(|host| host.as_str().to_owned());
    for (text, expected) in [
        ("Login.Example.org", Some("login.example.org")),
        ("login.example.org:443", Some("login.example.org")),
        ("login.example.org:8443", Some("login.example.org:8443")),
        ("localhost", Some("localhost")),
        ("[::1]", Some("[::1]")),
        ("[::1]:8443", Some("[::1]:8443")),
        ("", None),
        ("login.example.org.", None),
        ("login..org", None),
        ("login.example.org:", None),
        ("login.example.org:0", None),
        ("login.example.org:+1", None),
        ("login.example.org:65536", None),
        ("a@b", None),
        ("a/b", None),
        ("a b", None),
        ("a,b", None),
        ("a\\b", None),
        ("[::1", None),
        ("[127.0.0.1]", None),
        ("로그인", None),
    ] {
        assert_eq!(host(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn a_missing_user_is_named() {
    let proxies = [Proxy::User("no-such-user-here".to_owned())];
    assert_eq!(Proxy::users(&proxies), Err("no-such-user-here".to_owned()));
}

#[test]
fn a_file_that_others_can_write_is_refused() {
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

/// A login can last longer than the default of 12 hours, because the part that signs logins reads the same file.
#[test]
fn the_part_that_runs_pam_reads_the_same_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("conf");
    let load = || Logins::load(&path).map_err(|error| error.to_string());
    assert!(load().unwrap_err().ends_with("is not there"));
    let write = |text: &str| {
        fs::write(&path, format!("{SHORT}{text}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    };
    let logins = |hours: u64, root| {
        let lasts = Duration::from_secs(hours * 3600);
        Ok(Logins { lasts, root })
    };
    write("");
    assert_eq!(load(), logins(12, false));
    write("root = true\n[session]\nabsolute = \"30d\"\n");
    assert_eq!(load(), logins(720, true));
    write("[session]\nabsolute = \"1h\"\n");
    assert_eq!(load(), logins(1, false));
    write("[session]\nabsolute = \"31d\"\n");
    assert!(load().unwrap_err().contains("line 3: "));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(load().unwrap_err().contains("0666"));
}
