//! Whole logins, one after the other: over real files, by any program, under any policy and clock, with damage in between,
//! compared with the model.

mod chance;
mod damage;
mod foretold;
mod program;

use crate::account::manage;
use crate::dice::Dice;
use crate::host::Disposition;
use crate::login::authenticate;
use crate::model::Model;
use crate::text::state::{self, Newest};
use crate::text::trust;
use damage::Damage;
use otp_core::record::State;
use otp_core::{Account, UnixTime, UserName};
use otp_store::Store;
use otp_store::account::{provision, unlock};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::PathBuf;
use tempfile::TempDir;

const MOST_EVENTS: usize = 40;
/// The end of a machine's clock.
const END_OF_TIME: u64 = i64::MAX as u64;

pub(super) fn run(bytes: &[u8]) {
    let mut dice = Dice::new(bytes);
    let rules = chance::rules(&mut dice);
    let (credential, codes, digits) = chance::credential(&mut dice);
    let devices: Vec<_> = credential
        .authenticators()
        .iter()
        .map(chance::second_implementation)
        .collect();
    let mut now = chance::clock(&mut dice);
    let state = chance::first_state(&mut dice, &credential, now);
    let model = Model {
        rules: &rules,
        credential: &credential,
        codes: &codes,
        digits: &digits,
        devices: &devices,
        state,
    };
    let mut world = World::new(model);
    let mut earlier: Vec<Vec<u8>> = vec![b"000000".to_vec()];
    for _ in 0..MOST_EVENTS {
        if dice.is_empty() {
            break;
        }
        match dice.below(16) {
            0 | 1 => now = chance::moved(now, &mut dice),
            2 => world.damage_or_mend(&mut dice),
            3 => world.unlock(now),
            _ => world.login(&mut dice, &mut now, &mut earlier),
        }
    }
}

struct World<'a> {
    directory: TempDir,
    model: Model<'a>,
    damage: Option<Damage>,
    /// The content of the file before the damage.
    whole: Vec<u8>,
    /// The places that are trusted for alice, and since when.
    places: Vec<((String, String), u64)>,
    first_login: BTreeMap<&'static str, u64>,
    /// The previous state, as long as its record is whole.
    before: Option<State>,
}

impl<'a> World<'a> {
    fn new(model: Model<'a>) -> Self {
        let directory = TempDir::new_in(super::memory()).unwrap();
        let (records, conf) = (
            directory.path().join("state"),
            directory.path().join("conf"),
        );
        fs::create_dir(&records).unwrap();
        fs::set_permissions(&records, Permissions::from_mode(0o2770)).unwrap();
        fs::write(&conf, chance::text_of(model.rules)).unwrap();
        fs::set_permissions(&conf, Permissions::from_mode(0o644)).unwrap();
        // A copy of the credential: the product writes its own file with the same content.
        let text =
            crate::text::credential::reveal(model.credential, &crate::sealed::Pen::Plain).unwrap();
        let copy = crate::records::parsed(text.as_bytes()).unwrap();
        provision(&Store::open(&records).unwrap(), &alice(), &copy, true).unwrap();
        let before = Some(model.state.clone());
        let world = Self {
            directory,
            model,
            damage: None,
            whole: Vec::new(),
            places: Vec::new(),
            first_login: BTreeMap::new(),
            before,
        };
        let file = fs::OpenOptions::new()
            .write(true)
            .open(world.path("state"))
            .unwrap();
        file.write_all_at(&state::whole(&world.model.state).unwrap(), 0)
            .unwrap();
        world
    }
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("state/alice").join(name)
    }

    fn is_enrolled(&self, user: &str) -> bool {
        user == "alice" && self.damage != Some(Damage::NoCredential)
    }
    fn unlock(&mut self, now: u64) {
        let store = Store::open(&self.directory.path().join("state"));
        let done =
            store.and_then(|store| unlock(&store, &alice(), || Ok(UnixTime::from_seconds(now))));
        match self.damage {
            None | Some(Damage::Policy) => {
                let unlocked = self.model.state.unlocked();
                assert_eq!(
                    done.unwrap().unwrap().failures,
                    self.model.state.failures_in_a_row
                );
                if unlocked != self.model.state {
                    self.before = Some(std::mem::replace(&mut self.model.state, unlocked));
                }
                self.places.clear();
                self.check_state();
            }
            Some(Damage::NoCredential) => assert!(done.unwrap().is_none()),
            Some(_) => assert!(done.is_err(), "a damaged record is refused"),
        }
    }

    /// Checks the stored state, and the trusted places.
    fn check_state(&self) {
        if self.damage != Some(Damage::Records) {
            let trusted =
                fs::read(self.path("trust")).map_or(Ok(Vec::new()), |text| trust::parse(&text));
            let trusted: Vec<_> = trusted
                .unwrap()
                .into_iter()
                .map(|(place, since)| {
                    (
                        (place.service().to_owned(), place.address().to_string()),
                        since.seconds(),
                    )
                })
                .collect();
            assert_eq!(trusted, self.places, "trusted places");
        }
        if matches!(
            self.damage,
            Some(Damage::Records | Damage::State | Damage::NoState)
        ) {
            return;
        }
        let content = fs::read(self.path("state")).unwrap();
        let newest = Newest::of(&content).ok().unwrap();
        assert_eq!(newest.state, self.model.state, "the stored state");
    }

    fn login(&mut self, dice: &mut Dice<'_>, now: &mut u64, earlier: &mut Vec<Vec<u8>>) {
        let mut program = self.program(dice, *now, earlier);
        let line = chance::line(dice);
        let is_split = line.contains("split");
        if is_split {
            // The second line of the module reads everything anew; nothing happens in between here.
            (program.question_takes, program.user_after_question) = (0, None);
        }
        let silent = dice.one_in(8);
        let root = self.directory.path().display();
        let arguments = format!("conf={root}/conf state_dir={root}/state {line}");
        let arguments: Vec<&[u8]> = arguments.split_whitespace().map(str::as_bytes).collect();
        let expected = self.foretell(&program, &line);
        let mut answer = authenticate(&mut program, &arguments, silent);
        if is_split && answer == Disposition::Ignore && program.kept.is_some() {
            // The second line of the module in the same stack.
            let second: Vec<&[u8]> = arguments
                .iter()
                .copied()
                .filter(|one| *one != b"split")
                .collect();
            answer = authenticate(&mut program, &second, silent);
        }
        assert_eq!(answer, expected, "{line}");
        assert!(program.delayed, "every refusal takes equally long");
        assert!(!silent || program.told.is_empty());
        assert!(
            !program.log.is_empty() || answer == Disposition::Unavailable || is_split,
            "the login is logged"
        );
        self.check_state();
        *now = program.now;
        if dice.one_in(2) {
            let expected = self.foretell_account_line(&program, &line);
            assert_eq!(
                manage(&mut program, &arguments, silent),
                expected,
                "account phase"
            );
            self.check_state();
        }
    }
}

fn alice() -> Account {
    Account {
        name: UserName::new("alice").unwrap(),
        uid: 1001,
    }
}
