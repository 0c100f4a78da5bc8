//! The login part, asked over its socket.
//!
//! Whether sessions stand is asked for all requests together, several tokens at a time: ten thousand sessions in use cost a few
//! questions a second, and not a connection each. Where one of several is slow, because its user is in a directory that does not
//! answer, each of them is asked about by itself, and the slow one on a line of its own from then on: see [`Stage`].

use super::slow::Slow;
use crate::wire::{AsyncClient, Lost, MOST_TOKENS, Matter, Said, Standing, Token};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::UnixStream;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// How long the login part may take to take a connection.
const TO_CONNECT: Duration = Duration::from_secs(5);

/// How long it may take to say whether one token stands, where that is known to be slow: a machine that is busy still says it.
const TO_ANSWER: Duration = Duration::from_secs(20);

/// How long a request waits for that: for each of [`STAGES`], and for its turn. Then it is unknown, and nobody is let in.
const TO_STAND: Duration = Duration::from_secs(30);

/// How long it takes at the most where nothing is slow.
const QUICK: Duration = Duration::from_secs(2);

/// How long it may take over one thing that needs no person: PAM modules ask directories, and wait after a failure.
const TO_WORK: Duration = Duration::from_secs(90);

/// How long a connection for standings is kept without a question.
const KEPT: Duration = Duration::from_secs(2);

/// How long a line is waited for that has not answered in time: so long does a process of the login part live.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// So many such lines are left behind; then the next is waited for before anything else is asked. The login part takes no more
/// connections than these, those of [`STAGES`], and what `QUESTIONS` and conversations need.
const MOST_GIVEN_UP: usize = 16;

/// No more questions wait.
const MOST_WAITING: usize = 4096;

/// A way in which tokens are asked about.
#[derive(Clone, Copy)]
struct Stage {
    /// Tokens at a time.
    most: usize,
    /// Lines.
    lines: usize,
    /// How long one question may take; what takes longer goes on to the next way.
    limit: Duration,
    /// How many questions wait for it.
    waiting: usize,
}

/// Several at a time; each by itself; and those that are known to be slow.
const STAGES: [Stage; 3] = [
    Stage {
        most: MOST_TOKENS,
        lines: 2,
        limit: QUICK,
        waiting: MOST_WAITING,
    },
    Stage {
        most: 1,
        lines: 2,
        limit: QUICK,
        waiting: MOST_WAITING,
    },
    Stage {
        most: 1,
        lines: 2,
        limit: TO_ANSWER,
        waiting: 64,
    },
];

/// A connection to the login part.
pub type Line = AsyncClient<UnixStream>;

/// The login part.
pub struct Part {
    socket: PathBuf,
    several: mpsc::Sender<Asked>,
    of_slow: mpsc::Sender<Asked>,
    shared: Arc<Shared>,
}

/// What all who ask for standings share.
struct Shared {
    socket: PathBuf,
    /// Tokens by a hash that nobody outside can foresee.
    slow: Slow<u64>,
    hasher: RandomState,
    given_up: Arc<Semaphore>,
}

impl Shared {
    fn hash(&self, token: &Token) -> u64 {
        self.hasher.hash_one(token.as_bytes())
    }
}

struct Asked {
    token: Arc<Token>,
    answer: oneshot::Sender<Standing>,
}

/// The same token once more, for the wire.
#[must_use]
pub fn again(token: &Token) -> Token {
    Token::from_bytes(token.as_bytes()).expect("it was one already")
}

impl Part {
    /// The login part at a socket. Called in a runtime, whose tasks ask for standings.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        let shared = Arc::new(Shared {
            socket: socket.to_owned(),
            slow: Slow::default(),
            hasher: RandomState::new(),
            given_up: Arc::new(Semaphore::new(MOST_GIVEN_UP)),
        });
        let [(several, first), (one, second), (of_slow, third)] =
            STAGES.map(|stage| mpsc::channel(stage.waiting));
        let next = [Some(one), Some(of_slow.clone()), None];
        for ((stage, asked), next) in STAGES.into_iter().zip([first, second, third]).zip(next) {
            let asked = Arc::new(Mutex::new(asked));
            for _ in 0..stage.lines {
                let (shared, asked) = (Arc::clone(&shared), Arc::clone(&asked));
                tokio::spawn(ask_for_standings(shared, stage, asked, next.clone()));
            }
        }
        Self {
            socket: socket.to_owned(),
            several,
            of_slow,
            shared,
        }
    }

    /// Begins a matter.
    ///
    /// # Errors
    /// The login part is not there.
    pub async fn begin(&self, matter: &Matter) -> Result<Line, Lost> {
        begin(&self.socket, matter).await
    }

    /// Asks what has one answer.
    ///
    /// # Errors
    /// The login part is not there, or takes too long.
    pub async fn ask(&self, matter: &Matter) -> Result<Said, Lost> {
        hear(&mut self.begin(matter).await?).await
    }

    /// Asks for what was recorded about a user: each event as JSON, and what comes last.
    ///
    /// # Errors
    /// As for [`ask`](Self::ask).
    pub async fn events(&self, matter: &Matter, most: usize) -> Result<(Vec<String>, Said), Lost> {
        let mut line = self.begin(matter).await?;
        let mut events = Vec::new();
        loop {
            match hear(&mut line).await? {
                Said::Event(event) if events.len() < most => events.push(event),
                Said::Event(_) | Said::Turn(_) => return Err(Lost::Senseless),
                last => return Ok((events, last)),
            }
        }
    }

    /// Whether a token stands; unknown where nobody can tell.
    pub async fn standing(&self, token: Arc<Token>) -> Standing {
        let (answer, heard) = oneshot::channel();
        let hash = self.shared.hash(&token);
        let queue = if self.shared.slow.is(&hash, Instant::now()) {
            &self.of_slow
        } else {
            &self.several
        };
        // Where so many wait, nobody answers: more would only wait as well.
        if queue.try_send(Asked { token, answer }).is_err() {
            return Standing::Unknown;
        }
        match timeout(TO_STAND, heard).await {
            Ok(Ok(standing)) => standing,
            Ok(Err(_)) | Err(_) => Standing::Unknown,
        }
    }
}

/// Waits for what is said next.
///
/// # Errors
/// The login part is gone, or takes too long.
pub async fn hear(line: &mut Line) -> Result<Said, Lost> {
    timeout(TO_WORK, line.hear())
        .await
        .unwrap_or(Err(Lost::Gone))
}

async fn begin(socket: &Path, matter: &Matter) -> Result<Line, Lost> {
    let connected = timeout(TO_CONNECT, UnixStream::connect(socket)).await;
    let Ok(Ok(stream)) = connected else {
        return Err(Lost::Gone);
    };
    let begun = timeout(TO_CONNECT, AsyncClient::begin(stream, matter)).await;
    begun.unwrap_or(Err(Lost::Gone))
}

async fn ask_for_standings(
    shared: Arc<Shared>,
    stage: Stage,
    asked: Arc<Mutex<mpsc::Receiver<Asked>>>,
    next: Option<mpsc::Sender<Asked>>,
) {
    let mut line: Option<Line> = None;
    let mut batch = Vec::with_capacity(stage.most);
    loop {
        let waiting = async { asked.lock().await.recv_many(&mut batch, stage.most).await };
        let waited = match line {
            Some(_) => timeout(KEPT, waiting).await,
            None => Ok(waiting.await),
        };
        match waited {
            // Nobody asks any longer: the portal ends.
            Ok(0) => return,
            Ok(_) => {}
            Err(_) => {
                line = None;
                continue;
            }
        }
        // Who has gone meanwhile is not asked for.
        batch.retain(|one| !one.answer.is_closed());
        if batch.is_empty() {
            continue;
        }
        let began = Instant::now();
        let heard = ask_in_time(&shared, stage, &mut line, &batch).await;
        let is_slow = began.elapsed() >= QUICK;
        for (at, one) in batch.drain(..).enumerate() {
            let hash = shared.hash(&one.token);
            match (&heard, &next) {
                (Heard::Standings(all), _) => {
                    if next.is_none() && !is_slow {
                        shared.slow.was(hash, false, Instant::now());
                    }
                    // Where the request has gone, nobody waits.
                    one.answer.send(all[at]).ok();
                }
                (Heard::TooLate, Some(next)) => {
                    if stage.most == 1 {
                        shared.slow.was(hash, true, Instant::now());
                    }
                    // What is sent back has no room there: unknown.
                    next.try_send(one).ok();
                }
                // Dropped, it is unknown.
                (Heard::TooLate, None) | (Heard::Nothing, _) => {}
            }
        }
    }
}

/// What is heard of a question.
enum Heard {
    /// Of each token, whether it stands.
    Standings(Vec<Standing>),
    /// Nothing in time.
    TooLate,
    /// The login part is not there, or says something else.
    Nothing,
}

/// Asks on the line that there is, or on a new one.
async fn ask_in_time(
    shared: &Shared,
    stage: Stage,
    line: &mut Option<Line>,
    batch: &[Asked],
) -> Heard {
    let tokens = batch.iter().map(|one| again(&one.token)).collect();
    let (socket, old) = (shared.socket.clone(), line.take());
    let mut asking = Box::pin(ask(socket, old, Matter::Standing { tokens }));
    match timeout(stage.limit, asking.as_mut()).await {
        Ok(Some((standings, used))) if standings.len() == batch.len() => {
            *line = Some(used);
            Heard::Standings(standings)
        }
        Ok(_) => Heard::Nothing,
        Err(_) => {
            // The process at the other end goes on until the directory answers it, whether it is heard or not.
            let given_up = async move {
                timeout(GIVEN_UP, asking).await.ok();
            };
            match Arc::clone(&shared.given_up).try_acquire_owned() {
                Ok(permit) => {
                    tokio::spawn(async move {
                        given_up.await;
                        drop(permit);
                    });
                }
                Err(_) => given_up.await,
            }
            Heard::TooLate
        }
    }
}

/// Asks on a line, or on a new one where there is none or it has ended.
async fn ask(socket: PathBuf, line: Option<Line>, matter: Matter) -> Option<(Vec<Standing>, Line)> {
    if let Some(line) = line
        && let Some(heard) = ask_on(line, &matter).await
    {
        return Some(heard);
    }
    // The login part closes a connection that is idle, or was restarted.
    let mut line = begin(&socket, &matter).await.ok()?;
    standings(line.hear().await.ok()?).map(|all| (all, line))
}

async fn ask_on(mut line: Line, matter: &Matter) -> Option<(Vec<Standing>, Line)> {
    line.ask_again(matter).await.ok()?;
    standings(line.hear().await.ok()?).map(|all| (all, line))
}

fn standings(said: Said) -> Option<Vec<Standing>> {
    match said {
        Said::Standings(all) => Some(all),
        _ => None,
    }
}
