//! The random parts of a login: policy, credential, state, clock, program and reply.

use super::program::Program;
use super::{END_OF_TIME, World};
use crate::dice::Dice;
use crate::model::Rules;
use otp_core::imported::ImportedCode;
use otp_core::record::{
    Algorithm, Authenticator, AuthenticatorState, Digits, Drift, Id, Kind, Name, Origin, Period,
    RecoverySet, RecoveryState, Refusal, Resync, Secret, Standing, State, Window,
};
use otp_core::recovery::{CodeHash, RecoveryCode, Salt};
use otp_core::{Credential, Step, UnixTime};
use std::sync::LazyLock;
use std::time::Duration;
use zeroize::Zeroizing;

/// 2025-11-20 12:00:00 UTC.
const NOON: u64 = 1_763_640_000;

pub(super) fn rules(dice: &mut Dice<'_>) -> Rules {
    let failures = [5, 1, 2, 3, 100][dice.index(5)];
    let most = [86_400, 900, 1, 316_224_000][dice.index(4)];
    let unlock_after = if dice.one_in(4) {
        None
    } else {
        Some([900, 1, 60, 86_400][dice.index(4)].min(most))
    };
    let disable_after = [100, 0, failures, (failures + 3).min(100)][dice.index(4)];
    Rules {
        window: [1, 0, 2, 10][dice.index(4)],
        failures,
        unlock_after,
        unlock_after_max: most,
        disable_after,
        opens_lock: !dice.one_in(3),
        groups: dice
            .pick(&[
                vec!["*"],
                vec![],
                vec!["staff"],
                vec!["gone"],
                vec!["staff", "*"],
            ])
            .clone(),
        exempt_groups: dice.pick(&[vec![], vec!["kiosk"], vec!["gone"]]).clone(),
        exempt_users: dice
            .pick(&[vec![], vec!["bob"], vec!["alice"], vec!["ally", "carol"]])
            .clone(),
        from: *dice.pick(&[None, Some(NOON), Some(NOON + 1_000_000), Some(0)]),
        grace: *dice.pick(&[0, 60, 604_800]),
        remember: *dice.pick(&[0, 30, 28_800]),
    }
}

pub(super) fn text_of(rules: &Rules) -> String {
    let from = rules.from.map_or(String::new(), |seconds| match seconds {
        0 => "1970-01-01".to_owned(),
        NOON => "2025-11-20T12:00:00Z".to_owned(),
        _ => "2025-12-02T02:46:40+01:00".replace("02:46:40+01:00", "01:46:40Z"),
    });
    let unlock = rules
        .unlock_after
        .map_or("never".to_owned(), |seconds| format!("{seconds}s"));
    format!(
        "[code]\nwindow = {}\n[lockout]\nfailures = {}\nunlock_after = {unlock:?}\nunlock_after_max = \"{}s\"\n\
         disable_after = {}\n[recovery]\nopens_lock = {}\n[enforce]\ngroups = {:?}\nexempt_groups = {:?}\n\
         exempt_users = {:?}\nfrom = {from:?}\ngrace = \"{}s\"\n[trust]\nnetworks = [\"10.0.0.0/8\"]\nremember = \"{}s\"\n",
        rules.window,
        rules.failures,
        rules.unlock_after_max,
        rules.disable_after,
        rules.opens_lock,
        rules.groups,
        rules.exempt_groups,
        rules.exempt_users,
        rules.grace,
        rules.remember,
    )
}

/// Only a few are hashed, and only once, because the hash is slow on purpose.
static BROUGHT_ALONG: LazyLock<Vec<(String, CodeHash)>> = LazyLock::new(|| {
    ["12345678", "00000000", "99999999"]
        .map(|digits| {
            let hash = ImportedCode::new(digits.as_bytes()).unwrap().hash(&SALT);
            (digits.to_owned(), hash.unwrap())
        })
        .to_vec()
});

const SALT: Salt = Salt([5; 16]);

/// Returns a credential, and its recovery codes or, instead of them, 8-digit codes of another program.
pub(super) fn credential(dice: &mut Dice<'_>) -> (Credential, Vec<RecoveryCode>, Vec<String>) {
    let device = |at: u64, dice: &mut Dice<'_>| {
        let at = u8::try_from(at).unwrap();
        let period = *dice.pick(&[30, 60, 15, 120, 77]);
        let mut key = vec![at ^ dice.byte(); 20];
        key[0] = at;
        let kind = if dice.one_in(4) {
            Kind::Hotp
        } else {
            Kind::Totp(Period::new(period).unwrap())
        };
        let window = dice.one_in(4).then(|| match kind {
            Kind::Totp(_) => Window::of_steps(dice.below(11), dice.below(11)).unwrap(),
            Kind::Hotp => Window::of_counters(*dice.pick(&[1, 2, 17, 100])).unwrap(),
        });
        Authenticator {
            id: Id::from_random([at; 8]),
            name: Name::new(&format!("device {at}")).unwrap(),
            kind,
            algorithm: *dice.pick(&Algorithm::ALL),
            digits: Digits::new(6 + dice.below(3)).unwrap(),
            secret: Secret::new(Zeroizing::new(key)).unwrap(),
            window,
            created: UnixTime::from_seconds(0),
        }
    };
    let devices: Vec<_> = (0..=*dice.pick(&[0, 0, 0, 1, 1, 3]))
        .map(|at| device(at, dice))
        .collect();
    if dice.one_in(6) {
        let set = RecoverySet {
            id: Id::from_random([0xf0; 8]),
            origin: Origin::Imported,
            salt: SALT,
            hashes: BROUGHT_ALONG.iter().map(|(_, hash)| *hash).collect(),
            created: UnixTime::from_seconds(0),
        };
        let digits = BROUGHT_ALONG.iter().map(|(digits, _)| digits.clone());
        let credential = Credential::new("alice".to_owned(), 1001, devices, Some(set));
        return (credential.unwrap(), Vec::new(), digits.collect());
    }
    let count = *dice.pick(&[3_u8, 0, 1, 32]);
    let codes: Vec<_> = (0..count)
        .map(|at| RecoveryCode::from_random([at, 7, 1, 2, 3, 4, 5, 6, 8, 9]))
        .collect();
    let salt = SALT;
    let set = RecoverySet {
        id: Id::from_random([0xf0; 8]),
        origin: Origin::Issued,
        salt,
        hashes: codes.iter().map(|code| code.hash(&salt)).collect(),
        created: UnixTime::from_seconds(0),
    };
    let set = (count > 0).then_some(set);
    (
        Credential::new("alice".to_owned(), 1001, devices, set).unwrap(),
        codes,
        Vec::new(),
    )
}

/// Returns a second implementation of the authenticator's codes, by step.
pub(super) fn second_implementation(one: &Authenticator) -> totp_rs::Totp {
    totp_rs::Builder::new()
        .with_algorithm(match one.algorithm {
            Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
            Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
            Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
        })
        .with_digits(one.digits.count())
        .with_step_duration(1)
        .with_secret(one.secret.reveal_bytes().to_vec())
        .build_noncompliant()
}

pub(super) fn clock(dice: &mut Dice<'_>) -> u64 {
    if !dice.one_in(8) {
        return NOON + dice.below(200);
    }
    *dice.pick(&[
        0,
        1,
        599,
        86_400,
        u64::from(u32::MAX),
        END_OF_TIME - 1_000,
        END_OF_TIME,
    ])
}

pub(super) fn moved(now: u64, dice: &mut Dice<'_>) -> u64 {
    let by = match dice.below(8) {
        0..=3 => dice.within(1, 200),
        4 => dice.within(-200, -1),
        5 => dice.within(600, 100_000),
        6 => dice.within(-100_000, -600),
        _ => dice.within(-2_000_000_000, 2_000_000_000),
    };
    now.saturating_add_signed(by).min(END_OF_TIME)
}

/// Returns a new state in most cases, otherwise any valid one.
pub(super) fn first_state(dice: &mut Dice<'_>, credential: &Credential, now: u64) -> State {
    let mut state = State::fresh(credential);
    if !dice.one_in(3) {
        return state;
    }
    let near = |dice: &mut Dice<'_>| now.saturating_add_signed(dice.within(-1000, 1000));
    let any = |dice: &mut Dice<'_>| match dice.below(4) {
        0 => 0,
        1 => u64::MAX,
        _ => u64::from_le_bytes(dice.bytes()),
    };
    let moment = |dice: &mut Dice<'_>| {
        UnixTime::from_seconds(if dice.one_in(4) {
            any(dice)
        } else {
            near(dice)
        })
    };
    let distance = |dice: &mut Dice<'_>| Drift::from_steps(dice.within(-40, 40)).unwrap();
    state.standing = match dice.below(4) {
        0 => Standing::Open,
        1 => Standing::Held,
        2 => Standing::Disabled,
        _ => {
            let lasts = if dice.one_in(4) {
                any(dice)
            } else {
                dice.below(2000)
            };
            Standing::Locked {
                since: moment(dice),
                lasts: Duration::from_secs(lasts),
            }
        }
    };
    let count = |dice: &mut Dice<'_>| *dice.pick(&[0, 1, 4, 99, u32::MAX - 1, u32::MAX]);
    (
        state.failures,
        state.failures_in_a_row,
        state.locks_in_a_row,
    ) = (count(dice), count(dice), count(dice));
    state.last_refusal = dice
        .one_in(2)
        .then(|| (moment(dice), *dice.pick(&Refusal::ALL)));
    for entry in &mut state.authenticators {
        let here = now / 30;
        let step = |dice: &mut Dice<'_>| {
            Step(if dice.one_in(4) {
                any(dice)
            } else {
                here.saturating_add_signed(dice.within(-50, 50))
            })
        };
        entry.last_step = dice.one_in(2).then(|| step(dice));
        entry.last_used = dice.one_in(2).then(|| moment(dice));
        entry.drift = distance(dice);
        entry.resync = dice.one_in(2).then(|| Resync {
            step: step(dice),
            distance: distance(dice),
        });
    }
    for entry in &mut state.recovery {
        entry.used = u32::from_le_bytes(dice.bytes());
    }
    if dice.one_in(2) {
        // Entries that a replaced credential has left.
        state
            .authenticators
            .insert(0, AuthenticatorState::fresh(Id::from_random([0xaa; 8])));
        state.recovery.push(RecoveryState {
            id: Id::from_random([0xab; 8]),
            used: 1,
        });
    }
    state
}

pub(super) fn line(dice: &mut Dice<'_>) -> String {
    let mut words = Vec::new();
    if dice.one_in(5) {
        words.push("nullok");
    }
    words.push(*dice.pick(&[
        "",
        "",
        "",
        "",
        "forward_pass",
        "try_first_pass",
        "use_first_pass",
        "try_first_pass forward_pass",
        "use_first_pass forward_pass",
        "split",
    ]));
    words.push(*dice.pick(&[
        "",
        "",
        "",
        "debug",
        "lang=ko",
        "grace_period=60",
        "grace_period=0",
    ]));
    words.join(" ")
}

impl World<'_> {
    pub(super) fn program(
        &self,
        dice: &mut Dice<'_>,
        now: u64,
        earlier: &mut Vec<Vec<u8>>,
    ) -> Program {
        let user = *dice.pick(&["alice", "alice", "alice", "alice", "ally", "bob", "carol"]);
        let trouble = if dice.one_in(6) { dice.below(6) } else { 9 };
        let takes = *dice.pick(&[0, 0, 0, 5, 40, 1000]);
        let code = self.reply(dice, now.saturating_add(takes).min(END_OF_TIME), earlier);
        earlier.push(code.clone());
        let with_password = |dice: &mut Dice<'_>, code: &[u8]| {
            [dice.pick(&[&b"hunter2"[..], b"", b"p\xe4ss"]), code].concat()
        };
        let password = match dice.below(4) {
            0 => None,
            1 => Some(with_password(dice, &code)),
            2 => Some(code.clone()),
            _ => Some(b"hunter2".to_vec()),
        };
        let reply = match dice.below(8) {
            0 => with_password(dice, &code),
            1 => b"hunter2".to_vec(),
            _ => code,
        };
        Program {
            user,
            has_no_user: trouble == 0,
            user_after_question: (trouble == 1).then(|| *dice.pick(&["bob", "alice", "carol"])),
            was_asked: false,
            service: dice.pick::<&str>(&["sshd", "su", "login"]),
            rhost: dice.pick::<&str>(&[
                "192.0.2.1",
                "192.0.2.2",
                "2001:db8::1",
                "",
                "10.1.2.3",
                "example.org",
            ]),
            password,
            reply: match trouble {
                2 => Err(()),
                3 => Ok(None),
                _ => Ok(Some(reply)),
            },
            question_takes: takes,
            groups: dice
                .pick(&[vec![], vec!["staff"], vec!["kiosk"], vec!["staff", "kiosk"]])
                .clone(),
            name_service_is_down: trouble == 4,
            proves_identity: !dice.one_in(4),
            is_before_1970: trouble == 5,
            now,
            delayed: false,
            told: Vec::new(),
            log: Vec::new(),
            kept: None,
            handed_on: None,
            passed: None,
        }
    }

    /// Returns the text that somebody types.
    pub(super) fn reply(&self, dice: &mut Dice<'_>, now: u64, earlier: &[Vec<u8>]) -> Vec<u8> {
        let at = dice.index(self.model.devices.len());
        let (device, shown) = (
            &self.model.credential.authenticators()[at],
            &self.model.devices[at],
        );
        let entry = self.model.state.of(device.id).copied();
        let off = match dice.below(4) {
            0 => dice.within(-45, 45),
            1 => dice.within(-2, 2),
            _ => 0,
        };
        if !self.model.digits.is_empty() && dice.one_in(4) {
            return dice.pick(self.model.digits).clone().into_bytes();
        }
        let begun = entry.and_then(|entry| entry.resync);
        if let (Some(begun), Kind::Hotp, true) = (begun, device.kind, dice.one_in(2)) {
            // The next code, or one beside it.
            let counter = begun.step.0.saturating_add_signed(dice.within(-1, 2));
            return shown.generate(counter).to_string().into_bytes();
        }
        if device.kind == Kind::Hotp && dice.one_in(4) {
            // A code far ahead, near the limit of what is searched.
            let last = entry.and_then(|entry| entry.last_step).unwrap_or_default();
            let ahead = *dice.pick(&[10, 11, 17, 100, 101, 500, 998, 999, 1000, 1001]);
            let counter = last.0.saturating_add(ahead);
            return shown.generate(counter).to_string().into_bytes();
        }
        if let (Some(begun), Kind::Totp(period), true) = (begun, device.kind, dice.one_in(2)) {
            // A code about as far off as the one before.
            let here = now / period.seconds();
            let off = begun.distance.steps() + dice.within(-2, 2);
            let step = here.saturating_add_signed(off);
            return shown.generate(step).to_string().into_bytes();
        }
        let middle = match device.kind {
            Kind::Totp(period) => {
                let drift = if dice.one_in(2) {
                    entry.map_or(0, |entry| entry.drift.steps())
                } else {
                    0
                };
                (now / period.seconds()).saturating_add_signed(drift)
            }
            Kind::Hotp => entry
                .and_then(|entry| entry.last_step)
                .map_or(0, |last| last.0.saturating_add(1)),
        };
        match dice.below(14) {
            12 => {
                let code = self
                    .model
                    .codes
                    .get(dice.index(40) % self.model.codes.len().max(1));
                code.map_or(vec![], |code| code.reveal().as_bytes().to_vec())
            }
            0 => earlier[dice.index(earlier.len())].clone(),
            1 => self
                .model
                .codes
                .get(dice.index(4))
                .map_or(vec![], |code| code.reveal().as_bytes().to_vec()),
            2 => RecoveryCode::from_random([9; 10])
                .reveal()
                .as_bytes()
                .to_vec(),
            3 => dice
                .pick(&[
                    &b""[..],
                    b" ",
                    b"123456",
                    b"00000000",
                    b"1234567",
                    b"\x08\n\r\x7fINCOR",
                    b"wrong",
                    b"123456\xff",
                ])
                .to_vec(),
            4 => dice.run(20).to_vec(),
            5 => {
                let code = shown
                    .generate(middle.saturating_add_signed(off))
                    .to_string();
                let (one, other) = code.split_at(3);
                format!(
                    "{one}{}{other}\u{a0}",
                    dice.pick(&[" ", "-", "\u{2013}", "\u{200b}"])
                )
                .into_bytes()
            }
            6 => entry
                .and_then(|entry| entry.last_step)
                .map_or(vec![], |last| {
                    shown
                        .generate(last.0.saturating_add_signed(off / 10))
                        .to_string()
                        .into_bytes()
                }),
            _ => shown
                .generate(middle.saturating_add_signed(off))
                .to_string()
                .into_bytes(),
        }
    }
}
