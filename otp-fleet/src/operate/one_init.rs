//! Allows one `fleet init` at a time, by a key with a lease that ends soon after its command, however that ends.
//!
//! Each init tries out whether etcd knows users by their certificates, and undoes everything if it does not. Two at
//! once would undo each other's steps. One of them could report that etcd asks every client for a user although etcd
//! is left open.

use super::database::{Database, no};
use super::machines::unchanged;
use super::told::why_of;
use crate::etcd::{
    Client, Failure, LeaseGrantRequest, LeaseKeepAliveRequest, LeaseRevokeRequest, PutRequest,
    RequestOp, TxnRequest, request_op,
};
use otp_core::messages::fleet::{Unable, Why};
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The key that one init holds.
pub const KEY: &str = "/pam_otp/init";

/// How long the key outlasts a killed command, in seconds.
const LEASE: i64 = 15;

/// The time between two renewals of the lease.
const BEAT: Duration = Duration::from_secs(2);

/// The time to wait for another init: longer than one takes, and than the lease of a killed one.
const PATIENCE: Duration = Duration::from_secs(180);

/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// The turn of this command, which ends when this is dropped.
pub struct OneInit {
    client: Client,
    lease: i64,
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl OneInit {
    /// Waits until no other init is running. `None`: etcd asks for users and does not recognise this command, as
    /// after an interrupted trial; nothing can be written then.
    ///
    /// # Errors
    /// Another init takes too long, or etcd does not answer.
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
                // An unanswered write may be done, but ends with its lease.
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
                // If this fails, the next renewal is still in time.
                asked.once(request, Instant::now() + BEAT).ok();
            }
        };
        let thread = thread::Builder::new().name("lease".to_owned()).spawn(beats);
        let thread = thread.map_err(|error: io::Error| Unable::NoDatabase {
            reason: Why::NoThread {
                reason: why_of(&error),
            }
            .into(),
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
        // If this fails, the lease still ends.
        self.client.again(&revoke, Instant::now() + BEAT).ok();
    }
}

/// Makes the request that takes the key if no one holds it.
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
