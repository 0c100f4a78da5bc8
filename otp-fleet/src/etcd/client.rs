//! A blocking client: it keeps one connection, and moves on to the next member when that fails.

use super::connection::Config;
use super::failure::{Failure, words};
use super::generated::StatusRequest;
use super::rpc::Rpc;
use otp_core::messages::fleet::Why;
use otp_core::messages::reason::Wording;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;

/// The time limits of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The limit for a connection to one member, including TLS.
    pub connect: Duration,
    /// The limit for one answer. Without a quorum, etcd itself would answer after 7 seconds.
    pub call: Duration,
    /// The pause between two rounds in which no member could be reached, and before a request is sent again.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            call: Duration::from_secs(3),
            pause: Duration::from_millis(50),
        }
    }
}

/// A client of etcd. Cheap to clone; any number of threads may use it at the same time.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    runtime: Runtime,
    config: Config,
    limits: Limits,
    current: Mutex<Current>,
    calls: AtomicU64,
}

/// The current connection.
#[derive(Default)]
struct Current {
    /// The member that is connected to, or is next; counted over all rounds.
    turn: usize,
    channel: Option<Channel>,
}

impl Client {
    /// Makes a client that connects for its first request.
    ///
    /// # Errors
    /// No address is given, or the system provides no threads.
    pub fn new(config: &Config, limits: Limits) -> io::Result<Self> {
        if config.endpoints.is_empty() {
            return Err(io::Error::other(Why::NoAddressOfEtcd));
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("etcd")
            .enable_all()
            .build()?;
        Ok(Self(Arc::new(Shared {
            runtime,
            config: config.clone(),
            limits,
            current: Mutex::default(),
            calls: AtomicU64::new(0),
        })))
    }

    /// Returns how many requests were sent so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Sends a request once and never again, as a request that changes something needs. Until `until`, it only
    /// retries connecting, and a request that a member has refused, without doing anything, because users of etcd
    /// were being changed.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn once<R: Rpc>(&self, request: R, until: Instant) -> Result<R::Answer, Failure> {
        self.0.runtime.block_on(self.0.once(request, until))
    }

    /// Sends a request until there is an answer. Use it for requests that may be done twice.
    ///
    /// # Errors
    /// The request was refused, or there was no answer until `until`.
    pub fn again<R: Rpc>(&self, request: &R, until: Instant) -> Result<R::Answer, Failure> {
        self.0.runtime.block_on(async {
            let mut pause = self.0.limits.pause;
            loop {
                match self.0.once(request.clone(), until).await {
                    Err(failure) if failure.may_pass() && Instant::now() + pause < until => {}
                    done => return done,
                }
                // Otherwise every login would ask without end a member that refuses at once.
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        })
    }

    /// Returns the pause before a request is sent again.
    pub(crate) fn pause(&self) -> Duration {
        self.0.limits.pause
    }

    /// Returns the member that is asked now; `None`: there is no connection.
    #[must_use]
    pub fn member(&self) -> Option<String> {
        let current = self.0.current();
        let members = &self.0.config.endpoints;
        current.channel.as_ref()?;
        members.get(current.turn % members.len()).cloned()
    }

    /// Moves to the member that leads, if it can be reached: only the leader reads and writes without asking another
    /// member first. If no member says that it leads, nothing changes.
    pub fn prefer_the_leader(&self) {
        let shared = &*self.0;
        shared.runtime.block_on(shared.prefer_the_leader());
    }

    /// Asks one member, which need not be the connected one.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn ask_member<R: Rpc>(&self, member: &str, request: R) -> Result<R::Answer, Failure> {
        let shared = &*self.0;
        shared.runtime.block_on(async {
            let connected = shared.config.connect(member, shared.limits.connect).await;
            let channel = connected.map_err(Failure::Unreachable)?;
            shared.calls.fetch_add(1, Ordering::Relaxed);
            answer(request, channel, shared.limits.call).await
        })
    }
}

/// The longest pause between two identical requests.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

impl Shared {
    async fn once<R: Rpc>(&self, request: R, until: Instant) -> Result<R::Answer, Failure> {
        let mut pause = self.limits.pause;
        loop {
            match self.send(request.clone(), until).await {
                Err(failure) if failure.was_behind() && Instant::now() + pause < until => {}
                done => return done,
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn prefer_the_leader(&self) {
        let asked = {
            let current = self.current();
            let channel = current.channel.clone();
            channel.map(|channel| (current.turn, channel))
        };
        let Some((turn, channel)) = asked else {
            return;
        };
        let limit = self.limits.connect;
        let leads = |channel: Channel| async move {
            let status = answer(StatusRequest {}, channel, limit).await.ok()?;
            let member = status.header?.member_id;
            Some(member != 0 && member == status.leader)
        };
        // The next request gives up a member that does not answer.
        if leads(channel).await != Some(false) {
            return;
        }
        let members = &self.config.endpoints;
        for next in (turn + 1)..(turn + members.len()) {
            let Ok(channel) = self
                .config
                .connect(&members[next % members.len()], limit)
                .await
            else {
                continue;
            };
            if leads(channel.clone()).await == Some(true) {
                let mut current = self.current();
                // Change nothing if a request has moved on to another member in the meantime.
                if current.turn == turn {
                    *current = Current {
                        turn: next,
                        channel: Some(channel),
                    };
                }
                return;
            }
        }
    }

    async fn send<R: Rpc>(&self, request: R, until: Instant) -> Result<R::Answer, Failure> {
        let (turn, channel) = self.channel(until).await?;
        let limit = until.saturating_duration_since(Instant::now());
        if limit.is_zero() {
            return Err(Failure::Unreachable(Why::NoTimeLeft.into()));
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let answered = answer(request, channel, limit.min(self.limits.call)).await;
        if answered.as_ref().is_err_and(Failure::may_pass) {
            self.give_up(turn);
        }
        answered
    }

    /// Returns a connection, and the turn in which it was made.
    async fn channel(&self, until: Instant) -> Result<(usize, Channel), Failure> {
        let members = &self.config.endpoints;
        let mut failed = 0;
        loop {
            let turn = {
                let current = self.current();
                if let Some(channel) = &current.channel {
                    return Ok((current.turn, channel.clone()));
                }
                current.turn
            };
            let left = until.saturating_duration_since(Instant::now());
            let limit = left.min(self.limits.connect);
            match self
                .config
                .connect(&members[turn % members.len()], limit)
                .await
            {
                Ok(channel) => {
                    let mut current = self.current();
                    // Another thread may have been faster; then this connection is as good.
                    if current.turn == turn && current.channel.is_none() {
                        current.channel = Some(channel.clone());
                    }
                    return Ok((turn, channel));
                }
                Err(why) => {
                    self.give_up(turn);
                    failed += 1;
                    if until.saturating_duration_since(Instant::now()) <= self.limits.pause {
                        let why = Wording::of(|language| words(why.text(language)));
                        return Err(Failure::Unreachable(why));
                    }
                    if failed % members.len() == 0 {
                        sleep(self.limits.pause).await;
                    }
                }
            }
        }
    }

    /// Moves to the next member, unless another member is already in use.
    fn give_up(&self, turn: usize) {
        let mut current = self.current();
        if current.turn == turn {
            current.turn = turn.wrapping_add(1);
            current.channel = None;
        }
    }

    /// Locks the current connection. Code that holds the lock cannot panic, and the content is valid at any moment.
    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer<R: Rpc>(
    request: R,
    channel: Channel,
    limit: Duration,
) -> Result<R::Answer, Failure> {
    match timeout(limit, request.send(channel)).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) => Err(Failure::of(&status)),
        Err(_) => {
            let limit = limit.as_millis();
            Err(Failure::Unanswered(Why::NoAnswer { limit }.into()))
        }
    }
}
