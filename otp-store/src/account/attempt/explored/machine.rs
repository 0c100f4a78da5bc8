//! A machine whose power can fail: a keeper that lets one process hold an account at a time, as the files do.
//!
//! - Everything that a process writes is seen by all at once, and stays when the process is killed. A record lies
//!   within one page, and a signal comes before or after the write of a page, never within it.
//! - A killed process releases what it holds, as the kernel closes its files.
//! - Written data is on the disk when the write for good has returned. Before that, each sector may be there or not,
//!   independently, in the state that any write since the last one for good has left.

use crate::account::attempt::explored::Stopped;
use crate::fixture;
use crate::keeper::{Bytes, Goes, Held, Keeper, Lasts, Look, Part, Put};
use crate::sealed::Pen;
use crate::text::{credential, state};
use crate::undisturbed::Undisturbed;
use crate::{Error, Location};
use otp_core::{Account, Names, State, UserName};
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;
use zeroize::Zeroizing;

/// The disk writes a sector whole or not at all.
const SECTOR: usize = 512;

/// Alice's credential.
static CREDENTIAL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let text = credential::reveal(&fixture::credential(), &Pen::Plain).unwrap();
    text.as_bytes().to_vec()
});

/// A call of the keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Hold,
    Read(Part),
    Note,
    Commit,
    /// Also the second half of a commit.
    Sync,
    Forget,
    LetGo,
}

/// What a stopped process is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    GoOn,
    Die,
}

/// Unwinds a process that is killed.
pub(super) struct Killed;

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    Nothing,
    Noted,
    Committed,
}

/// The content of a disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Image(Vec<u8>);

impl Image {
    /// Returns its state; `None` if nothing can be read.
    pub(super) fn state(&self) -> Option<State> {
        state::Newest::of(&self.0).ok().map(|newest| newest.state)
    }

    /// Whether one of its records is damaged.
    pub(super) fn has_torn(&self) -> bool {
        let [first, second] = [0, state::RECORD].map(|offset| {
            let record = &self.0[offset..offset + state::RECORD];
            state::Newest::of(&[record, record].concat()).is_err()
        });
        first || second
    }
}

struct World {
    /// What every process reads.
    seen: Vec<u8>,
    disk: Image,
    /// Written since the last write for good, in this order.
    pending: Vec<(usize, Vec<u8>)>,
    holder: Option<usize>,
    /// Which process has written and synced, in this order.
    written: Vec<(usize, Step)>,
    progress: Vec<Progress>,
    /// The state that every process read first, and after each write; and who wrote it.
    versions: Vec<State>,
    writers: Vec<Option<usize>>,
}

impl World {
    fn write(&mut self, process: usize, step: Step, offset: usize, bytes: &[u8]) {
        self.written.push((process, step));
        self.seen[offset..offset + bytes.len()].copy_from_slice(bytes);
        self.pending.push((offset, bytes.to_vec()));
        self.versions
            .push(Image(self.seen.clone()).state().unwrap());
        self.writers.push(Some(process));
        self.progress[process] = match step {
            Step::Commit => Progress::Committed,
            _ => Progress::Noted,
        };
    }

    fn sync(&mut self, process: usize) {
        self.written.push((process, Step::Sync));
        self.disk = Image(self.seen.clone());
        self.pending.clear();
    }
}

/// One process's access to the machine.
#[derive(Clone)]
pub(super) struct Machine {
    world: Arc<Mutex<World>>,
    process: usize,
    /// `None`: nothing decides when the process goes on.
    baton: Option<Arc<Mutex<Baton>>>,
}

/// Reports where the process has stopped, and receives whether it goes on.
type Baton = (Sender<Stopped>, Receiver<Stop>);

/// The account, held until this is dropped, also when the process is killed.
pub(super) struct Holder(Machine);

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.world().holder = None;
    }
}

impl Machine {
    /// Starts a machine with that state, for one process.
    pub(super) fn with(state: &State) -> Self {
        Self::started_with(&Image(state::whole(state).unwrap()), 1)
    }

    /// Starts a machine with that disk, for `processes` processes. Alice is enrolled.
    pub(super) fn started_with(disk: &Image, processes: usize) -> Self {
        let world = World {
            seen: disk.0.clone(),
            disk: disk.clone(),
            pending: Vec::new(),
            holder: None,
            written: Vec::new(),
            progress: vec![Progress::Nothing; processes],
            versions: vec![disk.state().unwrap()],
            writers: vec![None],
        };
        Self {
            world: Arc::new(Mutex::new(world)),
            process: 0,
            baton: None,
        }
    }

    /// Returns the same machine for another process, which stops before each step.
    pub(super) fn of_process(
        &self,
        process: usize,
        tell: &Sender<Stopped>,
        turn: Receiver<Stop>,
    ) -> Self {
        Self {
            world: Arc::clone(&self.world),
            process,
            baton: Some(Arc::new(Mutex::new((tell.clone(), turn)))),
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.world().holder.is_none()
    }

    /// Which process has written and synced, in this order.
    pub(super) fn written(&self) -> Vec<(usize, Step)> {
        self.world().written.clone()
    }

    /// Each process that has written, in the order in which they held the account.
    pub(super) fn writers_in_order(&self) -> Vec<usize> {
        let mut writers: Vec<_> = self
            .written()
            .into_iter()
            .map(|(process, _)| process)
            .collect();
        writers.dedup();
        writers
    }

    pub(super) fn progress(&self, process: usize) -> Progress {
        self.world().progress[process]
    }

    /// All versions that the state has had.
    pub(super) fn versions(&self) -> Vec<State> {
        self.world().versions.clone()
    }

    /// Returns the last version that a process wrote.
    pub(super) fn version_of(&self, process: usize) -> usize {
        let writers = &self.world().writers;
        let last = writers.iter().rposition(|writer| *writer == Some(process));
        last.expect("an answered process has written")
    }

    pub(super) fn state(&self) -> State {
        self.image().state().unwrap()
    }

    /// What every process reads.
    pub(super) fn image(&self) -> Image {
        Image(self.world().seen.clone())
    }

    /// Everything that may be on the disk if the power fails now.
    pub(super) fn images_after_power_failure(&self) -> Vec<Image> {
        let world = self.world();
        let mut images = vec![world.disk.0.clone()];
        for sector in (0..state::SIZE).step_by(SECTOR) {
            let range = sector..sector + SECTOR;
            let mut contents = vec![world.disk.0[range.clone()].to_vec()];
            let mut seen = world.disk.0.clone();
            for (offset, bytes) in &world.pending {
                seen[*offset..offset + bytes.len()].copy_from_slice(bytes);
                let content = seen[range.clone()].to_vec();
                if !contents.contains(&content) {
                    contents.push(content);
                }
            }
            images = images
                .iter()
                .flat_map(|image| {
                    contents.iter().map(|content| {
                        let mut image = image.clone();
                        image[range.clone()].copy_from_slice(content);
                        image
                    })
                })
                .collect();
        }
        images.into_iter().map(Image).collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Stops before a step until it may be made.
    fn stop(&self, before: Step) {
        let Some(baton) = &self.baton else {
            return;
        };
        let stop = {
            let (tell, turn) = &*baton.lock().unwrap();
            tell.send(Stopped::Before(before)).ok();
            turn.recv()
        };
        // If the test has failed, nothing answers any more.
        if stop != Ok(Stop::GoOn) {
            resume_unwind(Box::new(Killed));
        }
    }
}

impl Keeper for Machine {
    type Look = Holder;
    type Held = Holder;

    fn look(&self, _: &Account) -> Result<Option<Holder>, Error> {
        unreachable!("an attempt holds what it looks at")
    }

    fn hold(&self, _: &Account, _: Duration) -> Result<Option<Holder>, Error> {
        self.stop(Step::Hold);
        let mut world = self.world();
        assert_eq!(world.holder, None, "nobody holds what another holds");
        world.holder = Some(self.process);
        Ok(Some(Holder(self.clone())))
    }

    fn hold_or_create(&self, _: &Account, _: Duration) -> Result<Holder, Error> {
        unreachable!("an attempt creates nothing")
    }

    fn hold_name(&self, _: &UserName, _: Duration) -> Result<Option<Holder>, Error> {
        unreachable!("an attempt is made for an account")
    }

    fn users(&self) -> Result<Names, Error> {
        unreachable!("an attempt asks for no other user")
    }

    fn mark_enrolled(&self) -> Result<(), Error> {
        unreachable!("an attempt enrols nobody")
    }

    fn erase(&self, _: &mut Holder, _: &UserName, _: Goes) -> Result<Put, Error> {
        unreachable!("an attempt erases nothing")
    }

    fn rename(
        &self,
        _: &mut Holder,
        _: Option<&mut Holder>,
        _: [&UserName; 2],
    ) -> Result<Put, Error> {
        unreachable!("an attempt renames nobody")
    }
}

impl Holder {
    /// Returns the world when this process may make its next step.
    fn step(&self, step: Step) -> MutexGuard<'_, World> {
        self.0.stop(step);
        let world = self.0.world();
        assert_eq!(world.holder, Some(self.0.process), "it holds the account");
        world
    }
}

impl Look for Holder {
    fn place(&self, part: Part) -> Location {
        Location::of_part(part, format!("machine:{part:?}"))
    }

    fn seal(&self) -> &crate::Seal {
        const { &crate::Seal::none() }
    }

    fn has(&self, _: Part) -> Result<bool, Error> {
        unreachable!("an attempt reads what it asks for")
    }

    fn get(&mut self, part: Part) -> Result<Option<Bytes>, Error> {
        let world = self.step(Step::Read(part));
        let bytes = match part {
            Part::Credential => CREDENTIAL.clone(),
            Part::State => world.seen.clone(),
            Part::Trust | Part::FirstLogin | Part::Mail => return Ok(None),
        };
        Ok(Some(Zeroizing::new(bytes)))
    }

    fn rehearsed(&mut self, _: Part) -> Result<Option<Bytes>, Error> {
        unreachable!("an attempt rehearses nothing")
    }

    fn fulfil(&mut self, _: Part) -> Result<(), Error> {
        unreachable!("an attempt rehearses nothing")
    }
}

impl Held for Holder {
    const ALONE: bool = true;

    fn put(&mut self, _: Part, _: &[u8]) -> Result<Put, Error> {
        unreachable!("an attempt writes in place")
    }

    fn overwrite(
        &mut self,
        part: Part,
        offset: u64,
        bytes: &[u8],
        lasts: Lasts,
    ) -> Result<Put, Error> {
        assert_eq!(part, Part::State);
        let step = match lasts {
            Lasts::UntilThePowerFails => Step::Note,
            Lasts::ForGood => Step::Commit,
        };
        let offset = usize::try_from(offset).unwrap();
        self.step(step).write(self.0.process, step, offset, bytes);
        if lasts == Lasts::ForGood {
            self.settle(part)?;
        }
        Ok(Put::Done)
    }

    fn settle(&mut self, part: Part) -> Result<(), Error> {
        assert_eq!(part, Part::State);
        self.step(Step::Sync).sync(self.0.process);
        Ok(())
    }

    fn rehearse(&mut self, _: Part, _: &[u8]) -> Result<Put, Error> {
        unreachable!("an attempt rehearses nothing")
    }

    fn remove(&mut self, part: Part) -> Result<Put, Error> {
        assert_eq!(part, Part::Trust);
        drop(self.step(Step::Forget));
        Ok(Put::Done)
    }

    fn recorded_owner(&mut self) -> Result<Option<Account>, Error> {
        unreachable!("an attempt is made for an account")
    }

    fn claim(&mut self, _: u32) -> Result<(), Error> {
        unreachable!("an attempt is made for an account")
    }

    fn let_go(self) -> Option<Undisturbed> {
        drop(self.step(Step::LetGo));
        None
    }
}
