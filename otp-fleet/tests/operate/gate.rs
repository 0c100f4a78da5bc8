//! A gate before etcd that lets a given number of pieces through. Then it shuts for good, or breaks once, so that the
//! answer is lost.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

pub struct Gate {
    port: u16,
    state: Arc<State>,
}

struct State {
    then: Then,
    left: AtomicUsize,
    is_shut: AtomicBool,
    is_over: AtomicBool,
}

/// What happens to the piece after the last one that is let through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It is held back, and so is everything after it.
    Shut,
    /// It reaches etcd, and the sender's connection ends. The next connection works.
    Break,
}

impl Gate {
    /// Makes a gate before etcd's port that shuts after `pieces` pieces.
    pub fn before(port: u16, pieces: usize) -> Self {
        Self::that_will(Then::Shut, port, pieces)
    }

    /// Makes a gate before etcd's port that does `then` after `pieces` pieces.
    pub fn that_will(then: Then, port: u16, pieces: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::new(State {
                then,
                left: AtomicUsize::new(pieces),
                is_shut: AtomicBool::new(false),
                is_over: AtomicBool::new(false),
            }),
        };
        let state = Arc::clone(&gate.state);
        thread::spawn(move || {
            for client in listener.incoming() {
                if state.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let client = client.unwrap();
                let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let (back, forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || pass(back, forth, None));
                let state = Arc::clone(&state);
                thread::spawn(move || pass(client, server, Some(&state)));
            }
        });
        gate
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether something was held back or lost.
    pub fn is_shut(&self) -> bool {
        self.state.is_shut.load(Ordering::SeqCst)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        // This wakes the thread that waits for connections.
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

impl State {
    fn lets_through(&self) -> bool {
        if self.then == Then::Break && self.is_shut.load(Ordering::SeqCst) {
            return true;
        }
        let less = |left: usize| left.checked_sub(1);
        let is_let = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok();
        if !is_let {
            self.is_shut.store(true, Ordering::SeqCst);
        }
        is_let
    }
}

/// Passes pieces on until the connection ends or a piece is not let through.
fn pass(mut from: TcpStream, mut to: TcpStream, state: Option<&State>) {
    let mut piece = [0; 16 * 1024];
    while let Ok(count) = from.read(&mut piece) {
        if count == 0 {
            to.shutdown(Shutdown::Write).ok();
            return;
        }
        if let Some(state) = state
            && !state.lets_through()
        {
            if state.then == Then::Break {
                from.shutdown(Shutdown::Both).ok();
                // etcd is not told of the end: it might abandon the request.
                to.write_all(&piece[..count]).ok();
                while !state.is_over.load(Ordering::SeqCst) {
                    thread::park_timeout(Duration::from_millis(10));
                }
                return;
            }
            // The rest is read and discarded until the other side is killed.
            while from.read(&mut piece).is_ok_and(|count| count > 0) {}
            return;
        }
        if to.write_all(&piece[..count]).is_err() {
            return;
        }
    }
}
