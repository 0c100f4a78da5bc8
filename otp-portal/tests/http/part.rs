//! A login part for tests. It speaks the protocol, and keeps its users in memory.
//!
//! Users: `alice` (password and code), `bob` (the same), `fresh` (a password, and no authenticator), `told` (like
//! alice, and PAM says something at the end), `quick` (no question), `sheet` (PAM shows recovery codes, then asks for
//! the password), `half` (a password, then the login part goes away). The password is `secret`, the code `123456`, that
//! of a new device `111111`.

use otp_core::code::Ignored;
use otp_core::record::{
    Algorithm, Authenticator, Digits, Id, Kind, Language, Name, Period, Secret, Standing as Lock,
};
use otp_core::recovery::RecoveryCode;
use otp_core::{Local, UnixTime, Verdict, recovery_sheet};
use otp_helper::frame::Fields;
use otp_helper::protocol::Answer;
use otp_helper::session::{Reply, Turn};
use otp_portal::wire::{Admitted, Ended, Matter, NotIn, Said, Standing, Token, Wanted};
use otp_store::change::{Change, Proof, Refused};
use otp_store::{Device, Overview};
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use zeroize::Zeroizing;

#[derive(Default)]
pub struct State {
    /// Users whose tokens have ended.
    pub ended: HashMap<String, Ended>,
    /// Number of questions about standings.
    pub standings: usize,
    /// Number of questions about the status of an account.
    pub statuses: usize,
    /// Every standing is unknown.
    pub is_unable: bool,
    /// The addresses of all logins.
    pub addresses: Vec<IpAddr>,
    /// The changes that were made.
    pub changed: Vec<String>,
    /// Users who have enrolled in the meantime.
    pub enrolled: HashSet<String>,
    /// Number of conversations in progress.
    pub open: usize,
    /// Questions about events wait.
    pub holds_events: bool,
    /// Users of a directory that does not answer: questions about their tokens wait.
    pub unanswered: HashSet<String>,
    /// The lock of the account, if any.
    pub lock: Option<Lock>,
    /// What policy demands of users without an authenticator.
    pub wanted: Option<Wanted>,
    /// Neither a saved change nor a logout everywhere is answered.
    pub holds_changes: bool,
    /// What happens instead of the answer with a new token after a change.
    pub instead: Option<Instead>,
    /// Logouts everywhere.
    pub leaving: usize,
    /// Questions about events that wait.
    pub readings: usize,
    /// Why a first device is refused.
    pub ends_first: Option<Ended>,
    /// Tokens that changes have replaced.
    replaced: Vec<Vec<u8>>,
    made: usize,
}

pub enum Instead {
    HangsUp,
    Says(Answer),
}

pub struct Part {
    pub state: Arc<Mutex<State>>,
    socket: PathBuf,
    _directory: TempDir,
}

impl Part {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("login.sock");
        let state = Arc::<Mutex<State>>::default();
        let listener = UnixListener::bind(&socket).unwrap();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for line in listener.incoming() {
                let (line, shared) = (line.unwrap(), Arc::clone(&shared));
                thread::spawn(move || {
                    Conversation {
                        line,
                        state: shared,
                    }
                    .lead();
                });
            }
        });
        Self {
            state,
            socket,
            _directory: directory,
        }
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    pub fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }
}

impl State {
    fn why_ended(&self, token: &Token) -> Option<Ended> {
        let of_user = self.ended.get(&user_of(token)).copied();
        let is_replaced = self.replaced.iter().any(|one| one == token.as_bytes());
        of_user.or(is_replaced.then_some(Ended::Replaced))
    }
}

struct Conversation {
    line: UnixStream,
    state: Arc<Mutex<State>>,
}

/// The conversation is over, or the portal has gone away.
struct Gone;

impl Conversation {
    fn lead(mut self) {
        self.state.lock().unwrap().open += 1;
        while let Ok(fields) = Fields::read_from(&mut self.line) {
            let matter = Matter::from_fields(&fields).expect("the portal says what there is");
            let is_standing = matches!(matter, Matter::Standing { .. });
            if self.state.lock().unwrap().is_unable || self.matter(matter).is_err() || !is_standing
            {
                break;
            }
        }
        self.state.lock().unwrap().open -= 1;
    }

    fn say(&mut self, said: &Said) -> Result<(), Gone> {
        let bytes = said.to_fields().to_bytes().unwrap();
        self.line.write_all(&bytes).map_err(|_| Gone)
    }

    fn hear(&mut self) -> Result<Reply, Gone> {
        let fields = Fields::read_from(&mut self.line).map_err(|_| Gone)?;
        Ok(Reply::from_fields(&fields).expect("the portal replies"))
    }

    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Zeroizing<Vec<u8>>, Gone> {
        let prompt = prompt.to_owned();
        self.say(&Said::Turn(Turn::Ask { prompt, echo }))?;
        match self.hear()? {
            Reply::Text(text) => Ok(text),
            Reply::Code(_) | Reply::Keep => panic!("no answer to a question"),
        }
    }

    fn tell(&mut self, text: &str) -> Result<(), Gone> {
        let text = text.to_owned().into();
        self.say(&Said::Turn(Turn::Tell { text }))
    }

    fn matter(&mut self, matter: Matter) -> Result<(), Gone> {
        match matter {
            Matter::Begin { name, address, .. } => {
                self.state.lock().unwrap().addresses.push(address);
                self.log_in(&name)
            }
            Matter::Standing { tokens } => {
                let is_unanswered = || {
                    let state = self.state.lock().unwrap();
                    let is_one = |token: &Token| state.unanswered.contains(&user_of(token));
                    tokens.iter().any(is_one)
                };
                while is_unanswered() {
                    thread::sleep(Duration::from_millis(10));
                }
                let standings = {
                    let mut state = self.state.lock().unwrap();
                    state.standings += tokens.len();
                    let standing = |token: &Token| match state.why_ended(token) {
                        Some(why) => Standing::Ended(why),
                        None => Standing::Stands,
                    };
                    tokens.iter().map(standing).collect()
                };
                self.say(&Said::Standings(standings))
            }
            Matter::Status { token } => {
                let user = user_of(&token);
                let mut state = self.state.lock().unwrap();
                state.statuses += 1;
                let said = if let Some(why) = state.why_ended(&token) {
                    Said::Ended(why)
                } else if user != "fresh" || state.enrolled.contains(&user) {
                    Said::Answer(Answer::Status(Some(overview(state.lock))))
                } else {
                    Said::Unenrolled(state.wanted.unwrap_or(Wanted::Nothing))
                };
                drop(state);
                self.say(&said)
            }
            Matter::Try { .. }
                if matches!(self.state.lock().unwrap().instead, Some(Instead::HangsUp)) =>
            {
                Err(Gone)
            }
            Matter::Try { reply, .. } => {
                let verdict = match reply.as_slice() {
                    b"123456" => Verdict::Accepted {
                        authenticator: phone(),
                        resynchronised: None,
                    },
                    _ => Verdict::Rejected { left: 4 },
                };
                self.say(&Said::Answer(Answer::Verdict(verdict)))
            }
            Matter::Events { .. } => {
                self.state.lock().unwrap().readings += 1;
                while self.state.lock().unwrap().holds_events {
                    thread::sleep(Duration::from_millis(1));
                }
                self.state.lock().unwrap().readings -= 1;
                let json = r#"{"time":1763640000,"event":"otp.accept","values":{"service":"sshd","rhost":"192.0.2.77"}}"#;
                self.say(&Said::Event(json.to_owned()))?;
                self.say(&Said::Answer(Answer::Done))
            }
            Matter::Change { token, change, .. } => self.change(&token, &change),
            Matter::LeaveEverywhere { token } => {
                let user = user_of(&token);
                self.state.lock().unwrap().leaving += 1;
                while self.state.lock().unwrap().holds_changes {
                    thread::sleep(Duration::from_millis(1));
                }
                self.state
                    .lock()
                    .unwrap()
                    .ended
                    .insert(user, Ended::LeftEverywhere);
                self.say(&Said::Answer(Answer::Done))
            }
        }
    }

    fn token(&self, user: &str) -> Token {
        let mut state = self.state.lock().unwrap();
        state.made += 1;
        Token::from_bytes(format!("{user} {}", state.made).as_bytes()).unwrap()
    }

    fn log_in(&mut self, name: &str) -> Result<(), Gone> {
        if name == "gone" {
            return Err(Gone);
        }
        let uid = match name {
            "alice" => 1001,
            "bob" => 1002,
            "fresh" => 1003,
            "told" => 1004,
            "quick" => 1005,
            "sheet" => 1006,
            "root" => 0,
            _ => 65_534,
        };
        let mut is_right = uid < 65_534;
        if name == "half" {
            self.ask("Password: ", false)?;
            return Err(Gone);
        }
        if name == "sheet" {
            let codes = [RecoveryCode::from_random([7; RecoveryCode::BYTES])];
            let issued = UnixTime::from_seconds(1_763_640_000);
            let sheet = recovery_sheet::reveal(
                ("sheet", "web1"),
                Language::English,
                &codes,
                Local::utc(issued),
            );
            self.tell(&sheet)?;
        }
        if name != "quick" && name != "root" {
            is_right &= self.ask("Password: ", false)?.as_slice() == b"secret";
            if name != "fresh" {
                is_right &= self.ask("One-time code: ", true)?.as_slice() == b"123456";
            }
        }
        if !is_right {
            self.tell("Login incorrect")?;
            return self.say(&Said::No(NotIn::Refused));
        }
        if name == "told" {
            self.tell("You have mail.")?;
        }
        let token = self.token(name);
        self.say(&Said::In(Admitted {
            user: name.to_owned(),
            uid,
            token,
            enrolled: name != "fresh",
            ends: UnixTime::from_seconds(40_000_000_000),
        }))
    }

    fn change(&mut self, asking: &Token, change: &Change) -> Result<(), Gone> {
        let user = &*user_of(asking);
        let is_first = user == "fresh" && !self.state.lock().unwrap().enrolled.contains(user);
        let why = self.state.lock().unwrap().ends_first;
        if let Some(why) = why.filter(|_| is_first) {
            return self.say(&Said::Ended(why));
        }
        self.say(&Said::Turn(Turn::Begun {
            goes: match change {
                Change::Remove(Some(name)) => vec![name.clone()],
                Change::Enrol(_) if !is_first => vec![phone()],
                _ => vec![],
            },
            authenticates: !is_first,
            imported_codes_go: false,
        }))?;
        if !is_first {
            let password = self.ask("Password: ", false)?;
            if password.as_slice() != b"secret" {
                self.tell("Sorry, try again.")?;
                return self.say(&Said::Answer(Answer::NotAuthenticated));
            }
        }
        if let Change::Enrol(name) | Change::Add(name) = change {
            self.say(&Said::Turn(Turn::Offer(device(name))))?;
            let mut left = 3;
            loop {
                let Reply::Code(code) = self.hear()? else {
                    panic!("no code")
                };
                let proof = match code.as_slice() {
                    b"111111" => Proof::Right,
                    b"222222" => Proof::Ignores(Ignored::ALL[0]),
                    _ => Proof::NoMatch,
                };
                left -= 1;
                self.say(&Said::Turn(Turn::Checked { proof, left }))?;
                if proof == Proof::Right {
                    break;
                }
                if left == 0 {
                    return self.say(&Said::Answer(Answer::Refused(Refused::NotProven)));
                }
            }
        }
        let codes = match change {
            Change::Remove(_) => vec![],
            _ => vec![RecoveryCode::from_random([7; RecoveryCode::BYTES])],
        };
        self.say(&Said::Turn(Turn::Codes(codes)))?;
        let Reply::Keep = self.hear()? else {
            panic!("not kept")
        };
        {
            let mut state = self.state.lock().unwrap();
            state.changed.push(format!("{user} {change:?}"));
            state.enrolled.insert(user.to_owned());
            state.replaced.push(asking.as_bytes().to_vec());
        }
        while self.state.lock().unwrap().holds_changes {
            thread::yield_now();
        }
        let instead = self.state.lock().unwrap().instead.take();
        match instead {
            Some(Instead::HangsUp) => return Err(Gone),
            Some(Instead::Says(answer)) => return self.say(&Said::Answer(answer)),
            None => {}
        }
        let token = self.token(user);
        self.say(&Said::Changed {
            enrolled: true,
            token,
        })
    }
}

fn user_of(token: &Token) -> String {
    let text = std::str::from_utf8(token.as_bytes()).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

fn phone() -> Name {
    Name::new("phone").unwrap()
}

fn device(name: &Name) -> Authenticator {
    Authenticator {
        id: Id::from_random([7; 8]),
        name: name.clone(),
        kind: Kind::Totp(Period::THIRTY),
        algorithm: Algorithm::Sha1,
        digits: Digits::new(6).unwrap(),
        secret: Secret::new(Zeroizing::new(b"12345678901234567890".to_vec())).unwrap(),
        window: None,
        created: UnixTime::from_seconds(1_763_640_000),
    }
}

fn overview(lock: Option<Lock>) -> Overview {
    Overview {
        authenticators: vec![Device {
            name: phone(),
            created: UnixTime::from_seconds(1_763_640_000),
            last_used: None,
            next_counter: None,
        }],
        recovery_codes_left: 10,
        recovery_codes_issued: Some(10),
        recovery_codes_imported: false,
        failures: 0,
        failures_left: 5,
        standing: lock.unwrap_or(Lock::Open),
        last_refusal: None,
    }
}
