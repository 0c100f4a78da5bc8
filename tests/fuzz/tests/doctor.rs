//! Random stacks, walked by the doctor and by libpam itself, whose modules give the answers of the test.
//!
//! The test checks three things. With the same answers, the walk reaches the same modules in the same order, and the same end.
//! Each way in without a code that the doctor reports is one: with the answers that it names, libpam lets the user in. And where it
//! reports none, answers drawn at random find none. The same holds for ways past an account line; and nobody is let in where the doctor
//! says that everybody is refused.
//!
//! `OTP_FUZZ_SECONDS=600` goes on for this long, from another beginning; `OTP_FUZZ_STACKS=50000` for this many stacks.
#![allow(clippy::unwrap_used, reason = "all of this is a test")]

use otp_fuzz::dice::Random;
use otp_site::doctor::account::{possible, way_around};
use otp_site::doctor::answer::Answer;
use otp_site::doctor::auth::Examined;
use otp_site::doctor::chain::{Chain, Phase};
use otp_site::doctor::files::Files;
use otp_site::doctor::modules::{answers, role};
use otp_site::doctor::walk::play;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

const STACKS: u64 = 1500;
/// How often each stack is played with answers drawn at random.
const PLAYS: usize = 12;
const IDS: usize = 64;
const TIMES: usize = 4;

const MODULES: [&str; 9] = [
    "pam_otp.so",
    "pam_unix.so",
    "pam_sss.so",
    "pam_permit.so",
    "pam_deny.so",
    "pam_rootok.so",
    "pam_faillock.so",
    "pam_env.so",
    "pam_x.so",
];

/// libpam, in a process of its own.
struct Libpam {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

fn compile(arguments: &[&str], source: &str, to: &Path) {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("libpam")
        .join(source);
    let compiler = Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-O1"])
        .args(["-o".as_ref(), to.as_os_str(), source.as_os_str()])
        .args(arguments)
        .status();
    assert!(compiler.expect("a C compiler").success());
}

impl Libpam {
    fn start(place: &Path) -> Self {
        let (teller, told) = (place.join("teller"), place.join("told.so"));
        compile(&["-lpam", "-rdynamic"], "teller.c", &teller);
        compile(&["-shared", "-fPIC"], "told.c", &told);
        for name in MODULES {
            fs::copy(&told, place.join(name)).unwrap();
        }
        let mut process = Command::new(teller)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            questions: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    fn play(&mut self, directory: &Path, phase: Phase, answers: &Answers) -> (bool, Vec<usize>) {
        let table: Vec<String> = answers
            .0
            .iter()
            .map(|one| one.number().to_string())
            .collect();
        let phase = phase.word();
        writeln!(
            self.questions,
            "{} {phase} {}",
            directory.display(),
            table.join(" ")
        )
        .unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let mut numbers = line.split_whitespace().map(|one| one.parse().unwrap());
        let lets_in = numbers.next().expect("libpam died") == 1;
        (lets_in, numbers.collect())
    }
}

impl Drop for Libpam {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// The answer of each line, each time that it is reached.
struct Answers(Vec<Answer>);

impl Answers {
    fn none() -> Self {
        Self(vec![Answer::AUTH_ERR; IDS * TIMES])
    }

    /// Draws any answers that the modules may give, as far as the doctor knows them.
    fn drawn(random: &mut Random, chain: &Chain, phase: Phase) -> Self {
        let mut drawn = Self::none();
        // Most answers of a login are a yes; otherwise no login gets far.
        let tends_to = random.below(5).saturating_sub(2);
        for step in &chain.steps {
            let Some(id) = id(step.arguments()) else {
                continue;
            };
            let possible = if phase == Phase::Account {
                possible(step)
            } else {
                answers(role(step, "svc", phase), step)
            };
            for time in 0..TIMES {
                let usual = [Answer::SUCCESS, Answer::IGNORE, Answer::AUTH_ERR][tends_to];
                drawn.0[id * TIMES + time] = if random.one_in(2) && possible.contains(&usual) {
                    usual
                } else {
                    possible[random.below(possible.len())]
                };
            }
        }
        drawn
    }

    /// Returns the answers of a way that the doctor has reported.
    fn told(chain: &Chain, way: &[(usize, Answer)]) -> Self {
        let mut told = Self::none();
        let mut times = HashMap::new();
        for (at, answer) in way {
            if let Some(id) = id(chain.steps[*at].arguments()) {
                let time = times.entry(id).or_insert(0);
                told.0[id * TIMES + *time] = *answer;
                *time += 1;
            }
        }
        told
    }

    /// Plays the walk with these answers, and returns its end and the ids of the modules that it reached.
    fn play(&self, chain: &Chain) -> (bool, Vec<usize>) {
        let mut times = HashMap::new();
        let (lets_in, called) = play(chain, |at| {
            let id = id(chain.steps[at].arguments()).unwrap();
            let time = times.entry(id).or_insert(0);
            let answer = self.0[id * TIMES + *time];
            *time += 1;
            answer
        });
        let ids = called
            .iter()
            .filter_map(|&at| id(chain.steps[at].arguments()));
        (lets_in, ids.collect())
    }
}

fn id(arguments: &[String]) -> Option<usize> {
    arguments
        .iter()
        .find_map(|one| one.strip_prefix("id=")?.parse().ok())
}

/// Writes files that include each other, without a circle; each line has an id of its own.
struct Writer<'a> {
    modules: &'a Path,
    /// Without a path, Debian's libpam looks for included files in /etc/pam.d, whatever directory it was given.
    directory: &'a Path,
    phase: &'static str,
    next: usize,
}

impl Writer<'_> {
    fn file(&mut self, random: &mut Random, inner: &[&str]) -> String {
        let mut text = String::new();
        for _ in 0..=random.below(5) {
            text += &self.line(random, inner);
        }
        text
    }

    fn line(&mut self, random: &mut Random, inner: &[&str]) -> String {
        let phase = self.phase;
        if !inner.is_empty() && random.one_in(4) {
            let name = self.directory.join(inner[random.below(inner.len())]);
            let name = name.display();
            return match random.below(8) {
                0 | 1 => format!("@include {name}\n"),
                2..=4 => format!("{phase} include {name}\n"),
                _ => format!("{phase} substack {name}\n"),
            };
        }
        if random.one_in(40) {
            let lines = [
                "session required pam_x.so".to_owned(),
                format!("{phase} include /missing"),
                format!("{phase} substack /missing"),
                format!("{phase} required"),
                phase.to_owned(),
                "nonsense required pam_x.so".to_owned(),
                "@include /missing".to_owned(),
            ];
            // libpam refuses a missing file only by chance, if a line of one phase has included the file around it.
            let most = if inner.len() == 3 {
                lines.len()
            } else {
                lines.len() - 1
            };
            return lines[random.below(most)].clone() + "\n";
        }
        let module = match random.below(20) {
            0..=6 => "pam_otp.so",
            7..=11 => "pam_unix.so",
            12 => "pam_sss.so",
            13 | 14 => "pam_permit.so",
            15 | 16 => "pam_deny.so",
            17 => random.pick(&["pam_rootok.so", "pam_faillock.so"]),
            18 => "pam_env.so",
            _ => "pam_x.so",
        };
        let id = self.next;
        self.next += 1;
        let more = match module {
            "pam_otp.so" => random.pick(&["", "", "", " split", " nullok"]),
            "pam_unix.so" => random.pick(&["", " try_first_pass"]),
            "pam_faillock.so" => random.pick(&[" preauth", " authfail"]),
            _ => "",
        };
        let dash = if random.one_in(10) { "-" } else { "" };
        let control = control(random);
        let modules = self.modules.display();
        format!("{dash}{phase} {control} {modules}/{module} id={id}{more}\n")
    }
}

fn control(random: &mut Random) -> String {
    match random.below(10) {
        0..=2 => "required".to_owned(),
        3 => "requisite".to_owned(),
        4 => "sufficient".to_owned(),
        5 => "optional".to_owned(),
        _ => {
            let values = [
                "success",
                "success",
                "default",
                "default",
                "ignore",
                "auth_err",
                "new_authtok_reqd",
                "maxtries",
                "perm_denied",
                "authinfo_unavail",
            ];
            if random.one_in(2) {
                let usual = [
                    "[success=1 default=ignore]",
                    "[success=2 default=ignore]",
                    "[success=done new_authtok_reqd=done default=die]",
                    "[success=ok ignore=ignore default=die]",
                    "[default=1 success=ok ignore=ignore]",
                    "[default=die]",
                    "[success=ok default=ignore]",
                ];
                return random.pick(&usual).to_owned();
            }
            let actions = [
                "ok", "ok", "done", "bad", "die", "ignore", "ignore", "reset", "1", "2", "3",
            ];
            let pairs: Vec<String> = (0..=random.below(4))
                .map(|_| format!("{}={}", random.pick(&values), random.pick(&actions)))
                .collect();
            format!("[{}]", pairs.join(" "))
        }
    }
}

fn keep(directory: &Path) -> PathBuf {
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz-doctor");
    let _ = fs::remove_dir_all(&kept);
    fs::create_dir(&kept).unwrap();
    for file in fs::read_dir(directory).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), kept.join(file.file_name())).unwrap();
    }
    kept
}

#[derive(Default, Debug)]
struct Sums {
    stacks: u64,
    plays: u64,
    let_in: u64,
    gaps: u64,
    without_gaps: u64,
    refusing: u64,
    around: u64,
    sure: u64,
    too_many_ways: u64,
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "the test follows each stack from its lines to its ends"
)]
fn libpam_agrees_with_the_doctor() {
    // Programs must be allowed to run from this directory.
    let place = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut libpam = Libpam::start(place.path());
    let number = |name: &str| -> Option<u64> { Some(std::env::var(name).ok()?.parse().unwrap()) };
    let seconds = number("OTP_FUZZ_SECONDS");
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let most = number("OTP_FUZZ_STACKS").unwrap_or(STACKS);
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let seed = if until.is_some() {
        since.as_secs() << 20
    } else {
        0
    };
    let files = TempDir::new().unwrap();
    let directory = files.path().join("pam.d");
    fs::create_dir(&directory).unwrap();
    let mut sums = Sums::default();
    while until.map_or(sums.stacks < most, |until| Instant::now() < until) {
        sums.stacks += 1;
        let mut random = Random::new(seed + sums.stacks);
        let phase = if random.one_in(4) {
            Phase::Account
        } else {
            Phase::Auth
        };
        let mut writer = Writer {
            modules: place.path(),
            directory: &directory,
            phase: phase.word(),
            next: 0,
        };
        let names = ["svc", "one", "two", "three"];
        for (at, name) in names.iter().enumerate() {
            let text = writer.file(&mut random, &names[at + 1..]);
            fs::write(directory.join(name), text).unwrap();
        }
        let chain = Chain::read(&Files::in_directory(&directory), "svc", phase).unwrap();
        let mut times = HashMap::new();
        for step in &chain.steps {
            *times.entry(id(step.arguments())).or_insert(0) += 1;
        }
        times.remove(&None);
        if times.values().any(|&times| times > TIMES) {
            continue;
        }
        let is_ours = |ids: &[usize], answers: &Answers, wanted: fn(Answer) -> bool| {
            let mut times = HashMap::new();
            ids.iter().any(|&one| {
                let time = times.entry(one).or_insert(0);
                let answer = answers.0[one * TIMES + *time];
                *time += 1;
                let step = chain
                    .steps
                    .iter()
                    .find(|step| id(step.arguments()) == Some(one))
                    .unwrap();
                step.is_ours() && (phase == Phase::Account || !step.splits()) && wanted(answer)
            })
        };
        let root = |ids: &[usize], answers: &Answers| {
            chain.steps.iter().any(|step| {
                let Some(one) = id(step.arguments()) else {
                    return false;
                };
                let all = (0..TIMES).map(|time| answers.0[one * TIMES + time]);
                step.module() == "pam_rootok.so"
                    && ids.contains(&one)
                    && all.into_iter().any(Answer::is_yes)
            })
        };
        let examined = (phase == Phase::Auth)
            .then(|| Examined::new(chain.clone(), "svc"))
            .flatten();
        sums.too_many_ways += u64::from(phase == Phase::Auth && examined.is_none());
        let gaps = examined.as_ref().map(Examined::gaps).unwrap_or_default();
        for (gap, end) in &gaps {
            sums.gaps += 1;
            let told = Answers::told(&chain, &end.way);
            let (lets_in, ids) = libpam.play(&directory, phase, &told);
            let with_code = is_ours(&ids, &told, |one| one.is_yes() || one == Answer::IGNORE);
            assert!(
                lets_in && !with_code,
                "{gap:?} {:?}: libpam: {lets_in} {ids:?}: {}",
                end.way,
                keep(&directory).display()
            );
        }
        let mut account_is_sure = false;
        if phase == Phase::Account && chain.has_ours() {
            match way_around(&chain) {
                None => sums.too_many_ways += 1,
                Some(None) => account_is_sure = true,
                Some(Some(way)) => {
                    sums.around += 1;
                    let told = Answers::told(&chain, &way);
                    let (lets_in, ids) = libpam.play(&directory, phase, &told);
                    assert!(
                        lets_in && !is_ours(&ids, &told, Answer::is_yes),
                        "{way:?}: libpam: {lets_in} {ids:?}: {}",
                        keep(&directory).display()
                    );
                }
            }
            sums.sure += u64::from(account_is_sure);
        }
        let refuses = examined.as_ref().is_some_and(Examined::refuses_everybody);
        sums.refusing += u64::from(refuses);
        sums.without_gaps += u64::from(examined.is_some() && gaps.is_empty() && chain.has_ours());
        for _ in 0..PLAYS {
            sums.plays += 1;
            let drawn = Answers::drawn(&mut random, &chain, phase);
            let foretold = drawn.play(&chain);
            let happened = libpam.play(&directory, phase, &drawn);
            assert_eq!(foretold, happened, "{}", keep(&directory).display());
            let (lets_in, ids) = happened;
            sums.let_in += u64::from(lets_in);
            assert!(
                !(lets_in && account_is_sure) || is_ours(&ids, &drawn, Answer::is_yes),
                "a way past the account line that was not reported: {ids:?}: {}",
                keep(&directory).display()
            );
            if !lets_in || examined.is_none() || !chain.has_ours() || root(&ids, &drawn) {
                continue;
            }
            let with_code = is_ours(&ids, &drawn, |one| one.is_yes() || one == Answer::IGNORE);
            assert!(
                with_code || !gaps.is_empty(),
                "a way in without a code that was not reported: {ids:?}: {}",
                keep(&directory).display()
            );
            assert!(
                !(with_code && refuses),
                "somebody gets in where everybody is refused: {}",
                keep(&directory).display()
            );
        }
    }
    eprintln!("{sums:?}, 0 disagreements");
    assert!(sums.let_in > sums.plays / 20, "{sums:?}");
    assert!(sums.gaps > sums.stacks / 10, "{sums:?}");
    for often in [sums.without_gaps, sums.refusing, sums.around, sums.sure] {
        assert!(often > sums.stacks / 50, "{sums:?}");
    }
    assert!(sums.too_many_ways < sums.stacks / 100, "{sums:?}");
}
