//! The client of the login part.
//!
//! All requests share the questions about sessions, and each question holds several tokens. So ten thousand sessions in
//! use cost a few questions a second, not a connection each. If one token of several is slow, because a directory does
//! not answer about its user, each is asked about separately. The slow one then gets a line of its own: see [`Stage`].

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

/// How long the login part may take to accept a connection.
const TO_CONNECT: Duration = Duration::from_secs(5);

/// How long an answer about one token may take if that token is known to be slow. Even a busy machine answers by then.
const TO_ANSWER: Duration = Duration::from_secs(20);

/// How long a request waits for an answer, through all [`STAGES`] and in the queue. After that the standing is unknown,
/// and the session lets no one in.
const TO_STAND: Duration = Duration::from_secs(30);

/// How long an answer may take if nothing is slow.
const QUICK: Duration = Duration::from_secs(2);

/// How long the login part may take for a step that needs no person. PAM modules ask directories, and wait after a
/// failure.
const TO_WORK: Duration = Duration::from_secs(90);

/// How long an idle connection for standings is kept.
const KEPT: Duration = Duration::from_secs(2);

/// How long to wait for a line whose answer is overdue. A process of the login part lives this long.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// The most overdue lines that are left behind. After that, the next one is waited for before anything else is asked.
/// The login part takes as many connections as these, those of [`STAGES`], the `QUESTIONS` and all conversations need
/// together.
const MOST_GIVEN_UP: usize = 16;

/// The most questions in the queue.
const MOST_WAITING: usize = 4096;

/// One way to ask about tokens.
#[derive(Clone, Copy)]
struct Stage {
    /// Tokens at a time.
    most: usize,
    /// Number of lines.
    lines: usize,
    /// How long one question may take. A slower one moves to the next stage.
    limit: Duration,
    /// The most questions in its queue.
    waiting: usize,
}

/// First several tokens at a time, then each separately, then those known to be slow.
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

/// State shared by all tasks that ask for standings.
struct Shared {
    socket: PathBuf,
    /// Slow tokens, by a hash that outsiders cannot predict.
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

/// Copies a token for the wire.
#[must_use]
pub fn again(token: &Token) -> Token {
    Token::from_bytes(token.as_bytes()).expect("it was one already")
}

impl Part {
    /// Creates the client for a socket. Must be called in a runtime, whose tasks ask for standings.
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

    /// Begins a matter, and returns its line.
    ///
    /// # Errors
    /// The login part cannot be reached.
    pub async fn begin(&self, matter: &Matter) -> Result<Line, Lost> {
        begin(&self.socket, matter).await
    }

    /// Asks a question that has one answer.
    ///
    /// # Errors
    /// The login part cannot be reached, or takes too long.
    pub async fn ask(&self, matter: &Matter) -> Result<Said, Lost> {
        hear(&mut self.begin(matter).await?).await
    }

    /// Asks for the recorded events of a user. Returns each as JSON, and the last answer.
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

    /// Asks whether a token stands; `Unknown` if this cannot be found out.
    pub async fn standing(&self, token: Arc<Token>) -> Standing {
        let (answer, heard) = oneshot::channel();
        let hash = self.shared.hash(&token);
        let queue = if self.shared.slow.is(&hash, Instant::now()) {
            &self.of_slow
        } else {
            &self.several
        };
        // A full queue means that no answers come. Another question would only wait too.
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
            // The portal ends: no requests are left.
            Ok(0) => return,
            Ok(_) => {}
            Err(_) => {
                line = None;
                continue;
            }
        }
        // Leave out requests that have gone away.
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
                    // The request has gone away.
                    one.answer.send(all[at]).ok();
                }
                (Heard::TooLate, Some(next)) => {
                    if stage.most == 1 {
                        shared.slow.was(hash, true, Instant::now());
                    }
                    // The next queue is full: the standing is unknown.
                    next.try_send(one).ok();
                }
                // A dropped sender makes the standing unknown.
                (Heard::TooLate, None) | (Heard::Nothing, _) => {}
            }
        }
    }
}

/// What came of a question.
enum Heard {
    /// The standing of each token.
    Standings(Vec<Standing>),
    /// No answer in time.
    TooLate,
    /// The login part cannot be reached, or its answer does not fit.
    Nothing,
}

/// Asks on the existing line or a new one.
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
            // The process at the other end waits for the directory, whether its answer is wanted or not.
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

/// Asks on the line, or on a new one if there is none or it has ended.
async fn ask(socket: PathBuf, line: Option<Line>, matter: Matter) -> Option<(Vec<Standing>, Line)> {
    if let Some(line) = line
        && let Some(heard) = ask_on(line, &matter).await
    {
        return Some(heard);
    }
    // The login part closes idle connections, or it was restarted.
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
