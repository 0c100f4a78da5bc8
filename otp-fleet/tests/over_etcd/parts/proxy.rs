//! A proxy between a client and a member, which passes or withholds bytes on command.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What happens to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All bytes pass.
    Pass,
    /// Requests pass, answers are lost.
    LoseAnswers,
    /// Requests are held back and may be released later.
    KeepQuestions,
}

struct State {
    mode: Mode,
    kept: Vec<(Instant, Vec<u8>, TcpStream)>,
    ended: bool,
}

/// A proxy before one member.
pub struct Proxy {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
}

impl Proxy {
    /// Starts a proxy before that member.
    pub fn before(member: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            mode: Mode::Pass,
            kept: Vec::new(),
            ended: false,
        }));
        let (shared, member) = (Arc::clone(&state), member.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.lock().unwrap().ended {
                    return;
                }
                let Ok(server) = TcpStream::connect(&member) else {
                    continue;
                };
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let of_questions = Arc::clone(&shared);
                thread::spawn(move || questions(&of_questions, from, to));
                let of_answers = Arc::clone(&shared);
                thread::spawn(move || answers(&of_answers, server, client));
            }
        });
        Self { state, address }
    }

    /// Returns the address on which the proxy listens.
    pub fn endpoint(&self) -> String {
        self.address.to_string()
    }

    /// Sets what happens to bytes from now on.
    pub fn set(&self, mode: Mode) {
        self.state.lock().unwrap().mode = mode;
    }

    /// Releases the first of the bytes that were held back: what a client sends when it gives up is dropped. Returns
    /// how many.
    pub fn let_go(&self) -> usize {
        let kept = std::mem::take(&mut self.state.lock().unwrap().kept);
        let Some(first) = kept.first().map(|(when, ..)| *when) else {
            return 0;
        };
        let at_once = kept
            .into_iter()
            .filter(|(when, ..)| *when < first + Duration::from_millis(300));
        let sent = at_once.map(|(_, bytes, mut server)| server.write(&bytes).unwrap_or(0));
        sent.sum()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.lock().unwrap().ended = true;
        TcpStream::connect(self.address).ok();
    }
}

/// Passes bytes from a client. The end of its connection is not passed on: etcd would abandon the request.
fn questions(state: &Mutex<State>, mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let mut state = state.lock().unwrap();
        if state.mode == Mode::KeepQuestions {
            let server = to.try_clone().unwrap();
            state
                .kept
                .push((Instant::now(), bytes[..count].to_vec(), server));
        } else if to.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

fn answers(state: &Mutex<State>, mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if state.lock().unwrap().mode == Mode::Pass && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Both).ok();
}
