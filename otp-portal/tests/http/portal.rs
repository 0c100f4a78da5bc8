//! A portal for tests, in this process.

use crate::browser::Browser;
use crate::part::Part;
use otp_portal::config::Conf;
use otp_portal::server::Portal as Server;
use otp_portal::server::accept::Listening;
use otp_portal::server::handover::Inherited;
use otp_portal::session::Sessions;
use otp_site::clock;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, thread};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;

pub const HOST: &str = "login.example.org";
pub const WIKI: &str = "wiki.example.org";
pub const GIT: &str = "git.example.org";

/// The sites of most tests. No user here may open the second.
pub const SITES: &str = "[[site]]\nhost = \"wiki.example.org\"\n[[site]]\nhost = \"git.example.org\"\ngroups = [\"no-such-group-here\"]\n";

pub struct Portal {
    pub part: Part,
    pub server: Arc<Server>,
    pub address: SocketAddr,
    _directory: TempDir,
    end: watch::Sender<bool>,
    serving: Option<thread::JoinHandle<bool>>,
}

impl Portal {
    pub fn start() -> Self {
        Self::with("", SITES)
    }

    /// `top`: keys before the first section; `sections`: the rest.
    pub fn with(top: &str, sections: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listen = if top.contains("listen") || sections.contains("[tls]") {
            ""
        } else {
            "listen = [\"127.0.0.1:0\"]\n"
        };
        let part = Part::start();
        let text = format!(
            "url = \"https://{HOST}\"\n{listen}login = \"{}\"\nstate = \"{}\"\n{top}\n{sections}",
            part.socket().display(),
            directory.path().join("state").display(),
        );
        let conf = Conf::parse(Path::new("/x"), text.as_bytes()).unwrap();
        let policy = policy(directory.path());
        let (end, ends) = watch::channel(false);
        let (told, started) = std::sync::mpsc::channel();
        let serving = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build();
            let runtime: Runtime = runtime.unwrap();
            runtime.block_on(async {
                let now = clock::now().unwrap();
                let sessions = Sessions::open(&conf.state, conf.session, conf.limits.sessions, now);
                let (sessions, _) = sessions.unwrap();
                let listening = Listening::begin(&conf, Inherited::default())
                    .await
                    .map_err(|error| error.to_string())
                    .unwrap();
                let address = listening.addresses().first().copied();
                let server = Arc::new(Server::new(conf, policy, sessions));
                told.send((Arc::clone(&server), address)).unwrap();
                listening.serve(server, ends).await
            })
        });
        let (server, address) = started.recv().expect("the portal has started");
        Self {
            part,
            server,
            address: address.unwrap_or_else(|| "127.0.0.1:1".parse().unwrap()),
            _directory: directory,
            end,
            serving: Some(serving),
        }
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.address)
    }

    /// Returns a browser in which this user has logged in.
    pub fn logged_in(&self, user: &str) -> Browser {
        let mut browser = self.browser();
        browser.log_in(user);
        browser
    }

    /// Ends the portal. Returns whether all requests were finished.
    pub fn end(&mut self) -> bool {
        self.end.send(true).ok();
        self.serving.take().unwrap().join().unwrap()
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        if self.serving.is_some() {
            self.end();
        }
    }
}

pub fn policy(directory: &Path) -> PathBuf {
    let policy = directory.join("pam_otp.conf");
    fs::write(&policy, "issuer = \"Example\"\n").unwrap();
    fs::set_permissions(&policy, fs::Permissions::from_mode(0o644)).unwrap();
    policy
}
