//! Damage to files between logins.

use super::World;
use super::chance::text_of;
use crate::dice::Dice;
use crate::text::state::{Newest, RECORD};
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    Policy,
    Records,
    Credential,
    /// Another account could have written the file.
    Modes,
    State,
    NoState,
    NoCredential,
}

impl World<'_> {
    /// Damages a file, or repairs it.
    pub(super) fn damage_or_mend(&mut self, dice: &mut Dice<'_>) {
        let (conf, records) = (
            self.directory.path().join("conf"),
            self.directory.path().join("state"),
        );
        let elsewhere = self.directory.path().join("elsewhere");
        let [credential, state] = ["credential.toml", "state"].map(|name| self.path(name));
        let modes = |mode| fs::set_permissions(&credential, Permissions::from_mode(mode)).unwrap();
        match self.damage.take() {
            Some(Damage::Policy) => fs::write(conf, text_of(self.model.rules)).unwrap(),
            Some(Damage::Records) => fs::rename(elsewhere, records).unwrap(),
            Some(Damage::Credential) => overwrite(&credential, &self.whole),
            Some(Damage::Modes) => modes(0o640),
            Some(Damage::State) => overwrite(&state, &self.whole),
            Some(Damage::NoState) => fs::rename(elsewhere, state).unwrap(),
            Some(Damage::NoCredential) => fs::rename(elsewhere, credential).unwrap(),
            None => {
                let damage = match dice.below(9) {
                    0 | 1 => return self.tear(dice),
                    2 => Damage::Policy,
                    3 => Damage::Records,
                    4 => Damage::Credential,
                    5 => Damage::Modes,
                    6 => Damage::State,
                    7 => Damage::NoState,
                    _ => Damage::NoCredential,
                };
                self.damage = Some(damage);
                match damage {
                    Damage::Policy => {
                        let text = text_of(self.model.rules);
                        let bad = [
                            "failures = ",
                            "[code]\nwindw = 1\n",
                            "[lockout]\nfailures = 0\n",
                            "\u{0}",
                        ];
                        fs::write(conf, [dice.pick(&bad), text.as_str()].concat()).unwrap();
                    }
                    Damage::Records => fs::rename(records, elsewhere).unwrap(),
                    Damage::Credential => {
                        self.whole = fs::read(&credential).unwrap();
                        let length =
                            usize::try_from(dice.below(self.whole.len() as u64 - 1)).unwrap();
                        overwrite(&credential, &self.whole[..length]);
                    }
                    Damage::Modes => modes(*dice.pick(&[0o644, 0o660, 0o1640, 0o740])),
                    Damage::State => {
                        self.whole = fs::read(&state).unwrap();
                        let mut bad = self.whole.clone();
                        bad[dice.index(100)] ^= 1;
                        bad[RECORD + dice.index(100)] ^= 1;
                        if dice.one_in(3) {
                            bad.truncate(RECORD);
                        }
                        overwrite(&state, &bad);
                    }
                    Damage::NoState => fs::rename(state, elsewhere).unwrap(),
                    Damage::NoCredential => fs::rename(credential, elsewhere).unwrap(),
                }
            }
        }
    }

    /// Tears the record that would be written next, or the newest one, as a power cut does.
    pub(super) fn tear(&mut self, dice: &mut Dice<'_>) {
        let path = self.path("state");
        let mut content = fs::read(&path).unwrap();
        let newest = Newest::of(&content).ok().unwrap();
        let Some(next) = newest.successor(&newest.state) else {
            return;
        };
        let older = usize::try_from(next.offset).unwrap();
        let at = if dice.one_in(2) {
            // Then the previous record counts, if it was not torn.
            let Some(before) = self.before.take() else {
                return;
            };
            self.model.state = before;
            RECORD - older
        } else {
            self.before = None;
            older
        };
        // No later tear can repair this byte.
        content[at + 20] = 0xff;
        overwrite(&path, &content);
    }
}

fn overwrite(path: &Path, content: &[u8]) {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(path)
        .unwrap();
    file.write_all(content).unwrap();
}
