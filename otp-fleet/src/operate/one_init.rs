//! One `fleet init` at a time: a key with a lease, which ends soon after the command that has it, however that ends.
//!
//! Each init tries out whether etcd knows users by their certificates, and undoes all where it does not. Two at once would undo
//! each other's, and could leave an etcd open of which one of them has said that it asks everybody for a user.

use super::database::{Database, no};
use super::machines::unchanged;
use crate::etcd::{
    Client, Failure, LeaseGrantRequest, LeaseKeepAliveRequest, LeaseRevokeRequest, PutRequest,
    RequestOp, TxnRequest, request_op,
};
use otp_core::messages::fleet::Unable;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The key that one of them has.
pub const KEY: &str = "/pam_otp/init";

/// How long the key is there after a command that was killed, in seconds.
const LEASE: i64 = 15;

/// How often the lease is kept alive.
const BEAT: Duration = Duration::from_secs(2);

/// How long is waited for another one: longer than one takes, and than the lease of one that was killed.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long is waited until it is looked again.
const PAUSE: Duration = Duration::from_millis(200);

/// The turn of this command; it ends with this value.
pub struct OneInit {
    client: Client,
    lease: i64,
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl OneInit {
    /// Waits until no other init is under way. `None`: etcd asks for users and takes this command for nobody, as an interrupted
    /// trial leaves it; nothing can be written there.
    ///
    /// # Errors
    /// Another one takes too long, or etcd does not answer.
    pub fn begin(database: &Database) -> Result<Option<Self>, Unable> {
        let until = Instant::now() + PATIENCE;
        loop {
            let grant = LeaseGrantRequest { ttl: LEASE, id: 0 };
            let lease = match database.try_asking(&grant) {
                Ok(granted) => granted.id,
                Err(Failure::Refused(..)) => return Ok(None),
                Err(failure) => return Err(no(&failure)),
            };
            let this = Self::with(database.client().clone(), lease)?;
            match database.once(key_of(lease)) {
                Ok(answer) if answer.succeeded => return Ok(Some(this)),
                Err(Failure::Refused(..)) => return Ok(None),
                // With its lease ends what was not answered, and may be done.
                Ok(_) => drop(this),
                Err(failure) if failure.may_pass() => drop(this),
                Err(failure) => return Err(no(&failure)),
            }
            if Instant::now() >= until {
                return Err(Unable::ChangedMeanwhile);
            }
            thread::sleep(PAUSE);
        }
    }

    fn with(client: Client, lease: i64) -> Result<Self, Unable> {
        let (over, is_over) = mpsc::channel();
        let asked = client.clone();
        let beats = move || {
            while is_over.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                let request = LeaseKeepAliveRequest { id: lease };
                // The next one is in time.
                asked.once(request, Instant::now() + BEAT).ok();
            }
        };
        let thread = thread::Builder::new().name("lease".to_owned()).spawn(beats);
        let thread = thread.map_err(|error: io::Error| Unable::NoDatabase {
            reason: format!("no thread is to be had: {error}"),
        })?;
        Ok(Self {
            client,
            lease,
            over: Some(over),
            thread: Some(thread),
        })
    }
}

impl Drop for OneInit {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
        let revoke = LeaseRevokeRequest { id: self.lease };
        // Where that fails it ends by itself.
        self.client.again(&revoke, Instant::now() + BEAT).ok();
    }
}

/// The step that takes the key where nobody has it.
fn key_of(lease: i64) -> TxnRequest {
    let put = PutRequest {
        key: KEY.into(),
        value: b"pam_otp-init 1\n".to_vec(),
        lease,
        ..PutRequest::default()
    };
    TxnRequest {
        compare: vec![unchanged(KEY, 0)],
        success: vec![RequestOp {
            request: Some(request_op::Request::RequestPut(put)),
        }],
        failure: Vec::new(),
    }
}
