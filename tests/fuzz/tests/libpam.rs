//! Odd files of PAM, read by the product and by libpam itself: libpam bypasses no account line that counts as sure, and reaches none
//! that counts as missing.
//!
//! `OTP_FUZZ_SECONDS=600` goes on for this long, from another beginning; otherwise the files are the same every time.
#![allow(clippy::unwrap_used, reason = "all of this is a test")]

use otp_core::login::AccountLine;
use otp_fuzz::dice::Random;
use otp_site::stack::Stacks;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

const STACKS: u64 = 4000;
/// How often each stack is played, with other answers of its modules.
const RUNS: u32 = 14;

/// libpam, in a process of its own, with modules that are markers.
struct Libpam {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    place: PathBuf,
    deaths: u64,
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

const MODULES: [&str; 5] = [
    "pam_otp.so",
    "pam_unix.so",
    "pam_permit.so",
    "pam_x.so",
    "pam_otp.so.old",
];

impl Libpam {
    fn start(place: &Path) -> Self {
        let (driver, marker) = (place.join("driver"), place.join("marker.so"));
        compile(&["-lpam", "-rdynamic"], "driver.c", &driver);
        compile(&["-shared", "-fPIC", "-ldl"], "marker.c", &marker);
        for name in MODULES {
            fs::copy(&marker, place.join(name)).unwrap();
        }
        Self::begin(place)
    }

    fn begin(place: &Path) -> Self {
        let mut process = Command::new(place.join("driver"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            questions,
            answers,
            place: place.to_owned(),
            deaths: 0,
        }
    }

    /// Returns whether libpam reaches our line, whether anybody gets in although it refuses, and whether anybody does if it admits all.
    fn ask(&mut self, directory: &Path, seed: u64) -> (bool, bool, bool) {
        writeln!(self.questions, "{} {RUNS} {seed}", directory.display()).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        if line.is_empty() {
            // libpam 1.5.2 crashes at an include that names no file; that lets nobody in.
            let deaths = self.deaths + 1;
            *self = Self::begin(&self.place.clone());
            self.deaths = deaths;
            return (false, false, false);
        }
        let yes = |what: &str| line.contains(&format!("{what}=1"));
        (yes("called"), yes("passed"), yes("opens"))
    }
}

impl Drop for Libpam {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Writes a file of a service as people write it, or as nobody should.
fn file(random: &mut Random, modules: &Path, depth: usize) -> String {
    let mut text = String::new();
    if random.one_in(2) {
        for _ in 0..=random.below(4) {
            text += &plain_line(random, modules, depth);
        }
        if random.one_in(2) {
            noise(random, &mut text);
        }
        return text;
    }
    for _ in 0..=random.below(5) {
        let line = line(random, modules, depth);
        text += &line;
        text += random.pick(&[
            "\n",
            "\n",
            "\n",
            "\n",
            "\n",
            " \n",
            "\t\n",
            "\\\n",
            " \\\n",
            "\r\n",
            "",
            "\n\n",
            " # comment\n",
            "#\n",
            "\u{b}\n",
            "\\ \n",
        ]);
    }
    for _ in 0..random.below(3) {
        if random.one_in(3) {
            noise(random, &mut text);
        }
    }
    text
}

/// Writes a line without oddities.
fn plain_line(random: &mut Random, modules: &Path, depth: usize) -> String {
    let included = random.pick(&["one", "two", "three"]);
    let control = random.pick(&[
        "required",
        "required",
        "requisite",
        "[success=ok default=bad]",
        "[success=ok ignore=ignore default=die]",
        "sufficient",
        "optional",
        "[success=1 default=ignore]",
        "[success=done new_authtok_reqd=done default=die]",
        "[default=ignore]",
        "[default=reset]",
    ]);
    match random.below(12) {
        0 if depth > 0 => format!("@include {included}\n"),
        1 if depth > 0 => format!("account include {included}\n"),
        2 if depth > 0 => format!("account substack {included}\n"),
        3 => "# comment\n".to_owned(),
        4 => format!("account required {}/pam_unix.so\n", modules.display()),
        5 => format!("account {control} {}/pam_unix.so\n", modules.display()),
        _ => format!("account {control} {}/pam_otp.so\n", modules.display()),
    }
}

fn line(random: &mut Random, modules: &Path, depth: usize) -> String {
    let blank = |random: &mut Random| -> String {
        let one = random.pick(&[
            " ", " ", " ", " ", "\t", "  ", " \t ", "\u{a0}", "\u{b}", "\u{c}", "\r", "\\\n",
            " \\\n ", "\u{2003}",
        ]);
        if random.one_in(3) {
            one.to_owned()
        } else {
            " ".to_owned()
        }
    };
    if random.one_in(12) {
        return random
            .pick(&[
                "# comment",
                "#",
                "",
                " ",
                "account",
                "account required",
                "[account]",
                "\\",
                "nonsense",
                "account required \\",
            ])
            .to_owned();
    }
    let included = random.pick(&["one", "two", "three", "svc", "missing"]);
    if random.one_in(10) && depth > 0 {
        let word = random.pick(&["@include", "@include", "@include", "@Include", "@INCLUDE"]);
        return format!("{word}{}{included}", blank(random));
    }
    let kind = random.pick(&[
        "account",
        "account",
        "account",
        "account",
        "account",
        "-account",
        "Account",
        "ACCOUNT",
        "auth",
        "session",
        "[account]",
        "--account",
        "accounts",
    ]);
    let kind = if random.one_in(4) { kind } else { "account" };
    let module = match random.below(10) {
        0..=4 => "pam_otp.so",
        5 | 6 => "pam_unix.so",
        7 => "pam_permit.so",
        8 => "pam_x.so",
        _ => random.pick(&["pam_otp.so.old", "pam_missing.so", "pam_OTP.so"]),
    };
    let module = format!("{}/{module}", modules.display());
    let control = control(random);
    if matches!(control.as_str(), "include" | "substack") && !random.one_in(8) {
        return format!(
            "{kind}{}{control}{}{included}",
            blank(random),
            blank(random)
        );
    }
    let arguments = random.pick(&[
        "",
        "",
        "",
        " nullok",
        " nullok # x",
        " [a b]",
        " [a]b] c",
        " \\] x",
        " conf=/x",
        "# y",
        " a#b",
        " [",
    ]);
    let module = if random.one_in(25) {
        format!("[{module}]")
    } else {
        module
    };
    format!(
        "{}{kind}{}{control}{}{module}{arguments}",
        random.pick(&["", "", "", " ", "\t", "\u{a0}", "\u{feff}", "\r"]),
        blank(random),
        blank(random)
    )
}

fn control(random: &mut Random) -> String {
    match random.below(12) {
        0..=4 => random.pick(&["required", "requisite"]).to_owned(),
        5 => random
            .pick(&[
                "sufficient",
                "optional",
                "binding",
                "Required",
                "REQUISITE",
                "required,",
                "[required]",
            ])
            .to_owned(),
        6 => random
            .pick(&["include", "substack", "include", "Include", "SUBSTACK"])
            .to_owned(),
        _ => {
            let mut inside = String::new();
            for at in 0..=random.below(4) {
                if at > 0 {
                    inside += random.pick(&[" ", " ", " ", "  ", "\t", "", "\n", "\\\n", ","]);
                }
                let value = random.pick(&[
                    "success",
                    "success",
                    "default",
                    "default",
                    "default",
                    "new_authtok_reqd",
                    "ignore",
                    "auth_err",
                    "perm_denied",
                    "maxtries",
                    "Default",
                    "nonsense",
                    "user_unknown",
                    "authinfo_unavail",
                ]);
                let sign = random.pick(&["=", "=", "=", "=", "=", " = ", "= ", " =", "==", ""]);
                let action = random.pick(&[
                    "ok", "ok", "bad", "bad", "die", "die", "done", "ignore", "ignore", "reset",
                    "1", "2", "0", "99", "Bad", "x", "-1", "1x", "",
                ]);
                inside += &[value, sign, action].concat();
            }
            let (open, close) = match random.below(10) {
                0 => ("[", ""),
                1 => ("[ ", " ]"),
                2 => ("[[", "]"),
                3 => ("[", "]]"),
                4 => ("[", "\\]"),
                _ => ("[", "]"),
            };
            format!("{open}{inside}{close}")
        }
    }
}

fn noise(random: &mut Random, text: &mut String) {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let Some(&at) = places.get(random.below(places.len())) else {
        return;
    };
    let what = random.pick(&[
        " ", "\n", "\\\n", "\\", "#", "[", "]", "=", "\t", "\0", "\r", "\u{85}", "-", "@", "\u{b}",
        "\\]",
    ]);
    text.insert_str(at, what);
}

#[test]
fn libpam_reaches_every_line_that_counts_as_sure() {
    // Programs must be allowed to run from this directory.
    let place = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut libpam = Libpam::start(place.path());
    let seconds = std::env::var("OTP_FUZZ_SECONDS").ok();
    let until = seconds.map(|text| Instant::now() + Duration::from_secs(text.parse().unwrap()));
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
    let stacks = Stacks::in_directories([directory.clone()]);
    let (mut done, mut sure, mut lets_in, mut missing, mut cautious, mut errors) =
        (0, 0, 0, 0, 0, 0);
    while until.map_or(done < STACKS, |until| Instant::now() < until) {
        done += 1;
        let mut random = Random::new(seed + done);
        for (name, depth, always) in [
            ("svc", 3, true),
            ("one", 2, true),
            ("two", 1, false),
            ("three", 0, false),
            ("other", 0, false),
        ] {
            let path = directory.join(name);
            if always || random.one_in(2) {
                fs::write(path, file(&mut random, place.path(), depth)).unwrap();
            } else {
                fs::remove_file(path).ok();
            }
        }
        let (called, passed, opens) = libpam.ask(&directory, random.number());
        let holds = match stacks.account_line("svc") {
            Ok(AccountLine::Sure) => {
                sure += 1;
                lets_in += u64::from(opens);
                // A stack that lets nobody in, for example because a module is missing, need not reach our line.
                !passed && (called || !opens)
            }
            Ok(AccountLine::Missing) => {
                missing += 1;
                // Releases of libpam disagree about which lines continue where.
                !called || is_doubtful(&directory)
            }
            Ok(AccountLine::LedAround) => {
                cautious += u64::from(called && !passed);
                true
            }
            Err(_) => {
                errors += 1;
                true
            }
        };
        if !holds {
            let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz-stack");
            let _ = fs::remove_dir_all(&kept);
            fs::create_dir(&kept).unwrap();
            for file in fs::read_dir(&directory).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), kept.join(file.file_name())).unwrap();
            }
            let found = stacks_of(&kept).account_line("svc");
            panic!(
                "{found:?}, called: {called}, passed: {passed}: {}",
                kept.display()
            );
        }
    }
    eprintln!(
        "{done} stacks: {sure} sure (of these, {lets_in} let users in if ours does), {missing} without a line, \
         {errors} refused, {cautious} called unsure but not bypassed"
    );
    assert!(
        libpam.deaths < done / 10,
        "libpam died {} times",
        libpam.deaths
    );
    assert!(
        lets_in > done / 20 && missing > done / 50,
        "{lets_in} {missing}"
    );
}

fn is_doubtful(directory: &Path) -> bool {
    let files = fs::read_dir(directory).unwrap();
    files.into_iter().any(|file| {
        fs::read(file.unwrap().path())
            .unwrap()
            .iter()
            .any(|byte| b"\\\0".contains(byte))
    })
}

fn stacks_of(directory: &Path) -> Stacks {
    Stacks::in_directories([directory.to_owned()])
}
