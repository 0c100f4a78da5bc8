//! A way to etcd that lets so many pieces through and no more: then it is shut, whatever comes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

pub struct Gate {
    port: u16,
    state: Arc<State>,
}

struct State {
    left: AtomicUsize,
    is_shut: AtomicBool,
    is_over: AtomicBool,
}

impl Gate {
    /// Before etcd's port.
    pub fn before(port: u16, pieces: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::new(State {
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
                thread::spawn(move || pass(back, forth, || true));
                let state = Arc::clone(&state);
                thread::spawn(move || pass(client, server, || state.lets_through()));
            }
        });
        gate
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether something was kept back.
    pub fn is_shut(&self) -> bool {
        self.state.is_shut.load(Ordering::SeqCst)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        // The thread that waits for somebody sees it.
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

impl State {
    fn lets_through(&self) -> bool {
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

/// Passes pieces on until an end comes, or one is kept back: from then on nothing more is, and nobody is told.
fn pass(mut from: TcpStream, mut to: TcpStream, lets_through: impl Fn() -> bool) {
    let mut piece = [0; 16 * 1024];
    while let Ok(count) = from.read(&mut piece) {
        if count == 0 {
            to.shutdown(Shutdown::Write).ok();
            return;
        }
        if !lets_through() {
            // The rest is read and lost, until the other side is killed.
            while from.read(&mut piece).is_ok_and(|count| count > 0) {}
            return;
        }
        if to.write_all(&piece[..count]).is_err() {
            return;
        }
    }
}
