//! Connects to the first verifier that answers. They are tried in the order of the policy, each with a short limit;
//! the next one starts before the last one is given up.
//!
//! Dead verifiers are not remembered after a login: root and users' helpers would both write that file. Instead each
//! login loses a quarter of a second, while a person types.

use super::line::Line;
use crate::tls;
use otp_core::messages::hindrance::VerifierFault;
use otp_core::record::Verifier;
use otp_file::wording;
use otp_helper::fleet::CONNECT_LIMIT;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io::{Error, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The wait before the next verifier is tried, while the one before has not answered (like RFC 8305 for addresses).
const STAGGER: Duration = Duration::from_millis(250);

/// The total time for all verifiers. A dead name server costs five seconds before the next is asked, and a loaded
/// machine is slow. While there is another verifier, none is waited for; so waiting long for the last one costs no
/// login.
const LONGEST: Duration = Duration::from_secs(6);

/// Connects to the first of these verifiers that answers.
///
/// # Errors
/// None answers: each verifier with its fault.
pub(super) fn reach(
    config: &Arc<ClientConfig>,
    verifiers: &[&Verifier],
    deadline: Instant,
) -> Result<Line, Vec<(String, VerifierFault)>> {
    let (says, said) = channel();
    let deadline = deadline.min(Instant::now() + LONGEST);
    let mut tries: Vec<Try> = Vec::new();
    loop {
        let is_next_due = tries.last().is_none_or(Try::makes_way);
        if let (true, Some(next)) = (is_next_due, verifiers.get(tries.len())) {
            tries.push(Try::begin(
                config,
                next,
                deadline,
                tries.len(),
                says.clone(),
            ));
            continue;
        }
        let is_one_left = tries.len() < verifiers.len();
        let Some(until) = Try::next_moment(&tries, is_one_left, deadline) else {
            return Err(describe(verifiers, &tries));
        };
        match said.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((_, Ok(line))) => return Ok(line),
            Ok((at, Err(reason))) => tries[at].failed = Some(reason),
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            // This function holds a sender itself, so only the time can be over.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Err(describe(verifiers, &tries));
            }
        }
    }
}

fn describe(verifiers: &[&Verifier], tries: &[Try]) -> Vec<(String, VerifierFault)> {
    let one = |(verifier, tried): (&&Verifier, &Try)| {
        let fault = tried.failed.clone().unwrap_or(VerifierFault::Late);
        (verifier.to_string(), fault)
    };
    verifiers.iter().zip(tries).map(one).collect()
}

/// The attempt to reach one verifier.
struct Try {
    begun: Instant,
    failed: Option<VerifierFault>,
}

type Said = (usize, Result<Line, VerifierFault>);

impl Try {
    /// Starts the attempt in a thread of its own: a look-up of a name cannot be given up otherwise.
    fn begin(
        config: &Arc<ClientConfig>,
        verifier: &Verifier,
        deadline: Instant,
        at: usize,
        says: Sender<Said>,
    ) -> Self {
        let begun = Instant::now();
        let (config, verifier) = (Arc::clone(config), verifier.clone());
        let run = move || {
            let line = connect(config, verifier, deadline);
            // The receiver may be gone.
            says.send((at, line)).ok();
        };
        let failed = thread::Builder::new().spawn(run).err();
        Self {
            begun,
            failed: failed.map(|error| VerifierFault::NoThread {
                error: wording(&error),
            }),
        }
    }

    /// Whether the next attempt may start.
    fn makes_way(&self) -> bool {
        self.failed.is_some() || self.begun.elapsed() >= STAGGER
    }

    /// Returns when to act if no attempt reports before; `None`: all have failed.
    fn next_moment(tries: &[Self], is_one_left: bool, deadline: Instant) -> Option<Instant> {
        if tries.iter().all(|one| one.failed.is_some()) {
            return None;
        }
        let next = tries.last().filter(|_| is_one_left);
        Some(next.map_or(deadline, |last| deadline.min(last.begun + STAGGER)))
    }
}

/// Looks up the name, and tries its addresses in turn, each with its share of the time.
fn connect(
    config: Arc<ClientConfig>,
    verifier: Verifier,
    ends: Instant,
) -> Result<Line, VerifierFault> {
    let name = ServerName::try_from(verifier.host().to_owned())
        .map_err(|_| VerifierFault::NoServerName)?;
    let connection =
        ClientConnection::new(config, name).map_err(|error| VerifierFault::NoConnection {
            error: tls::why_of(&error).into(),
        })?;
    let mut connection = Some(connection);
    let addresses = (verifier.host(), verifier.port())
        .to_socket_addrs()
        .map_err(|error| VerifierFault::NotLookedUp {
            error: wording(&error),
        })?;
    let addresses: Vec<_> = addresses.collect();
    let mut failed = VerifierFault::NoAddress;
    for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let time = ends.saturating_duration_since(Instant::now());
        // An address that is not the last must not delay the others.
        let share = if left == 1 {
            time
        } else {
            time.min(CONNECT_LIMIT)
        };
        if share.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(tcp) => {
                // A request and its answer are one small message each.
                tcp.set_nodelay(true).ok();
                let connection = connection
                    .take()
                    .expect("it is taken once, and the function then returns");
                return Line::begin(verifier, connection, tcp, ends);
            }
            Err(error) => failed = fault(&error),
        }
    }
    Err(failed)
}

fn fault(error: &Error) -> VerifierFault {
    match error.kind() {
        ErrorKind::TimedOut => VerifierFault::Late,
        _ => VerifierFault::Refused {
            error: wording(error),
        },
    }
}
