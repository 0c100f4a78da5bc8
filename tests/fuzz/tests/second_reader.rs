//! Records that are almost right, read by the product and by a second implementation of pam_otp-format(5): both must accept and
//! refuse the same records, and find the same content in them.
//!
//! `OTP_FUZZ_SECONDS=600` goes on for this long, from another beginning each time; otherwise the records are the same every time.
#![allow(clippy::unwrap_used, reason = "all of this is a test")]

use otp_fuzz::dice::Random;
use otp_fuzz::mutate::changed;
use otp_fuzz::records::{self, RECORD, Read};
use std::fs;
use std::io::{BufReader, Read as _, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// The number of records of each kind.
const RECORDS: u64 = 5000;

/// The second implementation, in a process of its own.
struct Second {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Second {
    fn start() -> Self {
        let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("second_reader.py");
        let mut process = Command::new("/usr/bin/python3")
            .arg("-B")
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let questions = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            questions,
            answers,
        }
    }

    /// Returns the content, and whether it is TOML at all.
    fn read(&mut self, kind: u8, content: &[u8]) -> (Read, bool) {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        let question = [&[kind], length.as_slice(), content].concat();
        self.questions.write_all(&question).unwrap();
        let mut length = [0; 4];
        let told = self.answers.read_exact(&mut length);
        told.expect("the second implementation goes on, whatever it is given");
        let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        self.answers.read_exact(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        match answer.split_once('\n').unwrap() {
            ("taken", text) => (Read::Taken(text.to_owned()), true),
            ("newer", _) => (Read::Newer, true),
            (why, _) => (Read::Refused, why != "no TOML"),
        }
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// How often each answer came.
#[derive(Default, Debug)]
struct Counts {
    taken: u64,
    refused: u64,
    newer: u64,
}

/// Gives both readers the same content until it is enough; `make` gets random numbers and makes content.
fn compare(
    kind: u8,
    first: impl Fn(&[u8]) -> Read,
    beside: &[u8],
    mut make: impl FnMut(&mut Random) -> Vec<u8>,
) {
    let seconds = std::env::var("OTP_FUZZ_SECONDS").ok();
    let until = seconds.map(|text| Instant::now() + Duration::from_secs(text.parse().unwrap()));
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seed = until.map_or(u64::from(kind), |_| {
        since.unwrap().as_secs() << 8 | u64::from(kind)
    });
    let mut random = Random::new(seed);
    let mut second = Second::start();
    if !beside.is_empty() {
        assert!(matches!(second.read(b'c', beside).0, Read::Taken(_)));
    }
    let mut counts = Counts::default();
    let mut done = 0;
    while until.map_or(done < RECORDS, |until| Instant::now() < until) {
        done += 1;
        let content = make(&mut random);
        let one = first(&content);
        let (other, is_toml) = second.read(kind, &content);
        match &one {
            Read::Taken(_) => counts.taken += 1,
            Read::Refused => counts.refused += 1,
            Read::Newer => counts.newer += 1,
        }
        // The version comes first, so a reader of a newer file need not have checked whether the rest is TOML.
        let alike = one == other || (one == Read::Newer && !is_toml);
        if !alike {
            let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
                .join(format!("fuzz-records-{}", char::from(kind)));
            fs::write(&path, content).unwrap();
            let words = |read: &Read| format!("{read:?}").split('(').next().unwrap().to_owned();
            panic!(
                "{} and {}: the readers disagree about {}",
                words(&one),
                words(&other),
                path.display()
            );
        }
    }
    eprintln!("{}: {done} records, {counts:?}", char::from(kind));
    assert!(
        counts.taken > done / 50 && counts.refused > done / 50 && counts.newer > 0,
        "{counts:?}"
    );
}

/// Returns the credential of a corpus, and the longest one.
fn credentials() -> Vec<Vec<u8>> {
    let mut all = vec![include_bytes!("../corpus/credential/a").to_vec()];
    let one = String::from_utf8(all[0].clone()).unwrap();
    let (before, rest) = one.split_once("\n[[authenticator]]").unwrap();
    let (device, rest) = rest.split_once("\n[recovery]").unwrap();
    let (set, _) = rest.split_once("codes = [").unwrap();
    let with = |id: u64, name: &str, more: &dyn Fn(String) -> String| {
        let device = device.replace("0f1e2d3c4b5a6978", &format!("{id:016x}"));
        more(format!(
            "\n[[authenticator]]{}",
            device.replace("phone", name)
        ))
    };
    let hotp = |text: String| text.replace("\"totp\"\nperiod = 30", "\"hotp\"");
    let sha512 = |text: String| {
        text.replace("SHA1", "SHA512")
            .replace("digits = 6", "digits = 8")
    };
    let hash = format!("    \"{}\",\n", "0123456789abcdef".repeat(4));
    all.push(
        [
            before,
            &with(1, "한글 이름", &sha512),
            &with(2, "b", &hotp),
            &with(3, "c d", &|text| text),
            &format!("\n[recovery]{set}codes = [\n{}]\n# end\n", hash.repeat(32)),
        ]
        .concat()
        .into_bytes(),
    );
    let longest = String::from_utf8(all[1].clone()).unwrap();
    let second = longest
        .replace("version = 1", "version = 2")
        .replace("period = 30", "period = 30\nbefore = 3\nafter = 10")
        .replace("\"hotp\"", "\"hotp\"\nlook_ahead = 100")
        .replace("salt", "hash = \"argon2id\"\nsalt");
    // The new keys of version 2 mean nothing in version 1; the old keys may stand in both.
    all.push(second.replace("version = 2", "version = 1").into_bytes());
    all.push(longest.replace("version = 1", "version = 2").into_bytes());
    all.extend([second.clone().into_bytes(), second.into_bytes()]);
    all
}

#[test]
fn credentials_are_read_alike() {
    let all = credentials();
    compare(b'c', records::credential, &[], |random| {
        let one = &all[random.below(all.len())];
        if random.one_in(40) {
            let newer = String::from_utf8_lossy(one).replace("version = ", "version = 3");
            return changed(newer.as_bytes(), random);
        }
        changed(one, random)
    });
}

/// Returns bodies of records with every possible content.
fn bodies() -> Vec<String> {
    let entry = "authenticator 0f1e2d3c4b5a6978 60000000 0 - - 1800000010\n";
    let other = "authenticator 00000000000000aa - -3 60000001 -40 -\n";
    let set = "recovery 1032547698badcfe 0000000f\n";
    let old_set = "recovery ffffffffffffffff ffffffff\n";
    let mut bodies = Vec::new();
    for standing in ["open", "held", "disabled", "locked 1800000000 900"] {
        for refused in [
            "-",
            "1800000000 wrong-code",
            "1 already-used",
            "2 locked",
            "3 clock-off",
        ] {
            for (sets, entries) in [
                (set.to_owned(), entry.to_owned()),
                ([old_set, set].concat(), [other, entry].concat()),
                (set.repeat(2), entry.repeat(8)),
            ] {
                bodies.push(format!(
                    "pam_otp-state 1\nsequence 4\nstanding {standing}\nfailures 1 2 3\nrefused {refused}\n{sets}{entries}"
                ));
            }
        }
    }
    bodies
}

#[test]
fn states_are_read_alike() {
    let beside = credentials().remove(0);
    let bodies = bodies();
    let read = |content: &[u8]| records::state(content, &beside);
    compare(b's', read, &beside, |random| {
        let mut file = Vec::new();
        for _ in 0..2 {
            let body = bodies[random.below(bodies.len())]
                .replace("sequence 4", &format!("sequence {}", random.below(5)));
            let mut body = body.into_bytes();
            if !random.one_in(3) {
                body = changed(&body, random);
            }
            if random.one_in(20) && body.ends_with(b"\n") {
                body.pop();
            }
            if random.one_in(30) {
                let text = String::from_utf8_lossy(&body).replace(
                    "state 1",
                    random.pick(&["state 2", "state +2", "state 02", "state 4294967295"]),
                );
                body = text.into_bytes();
            }
            body.truncate(RECORD - 42);
            // With the right checksum, with the checksum of the body before its last change, or with another one.
            let mut record = records::with_checksum(&body);
            if random.one_in(3) {
                record = changed(&record, random);
            }
            if !random.one_in(50) {
                record.resize(RECORD, b'\n');
            }
            file.extend_from_slice(&record);
        }
        file
    });
}

#[test]
fn trust_is_read_alike() {
    let one = include_bytes!("../corpus/trust/a");
    compare(b't', records::trust, &[], |random| {
        let newer = random.one_in(40);
        let text = String::from_utf8_lossy(one).replace(
            "version = 1",
            if newer { "version = 2" } else { "version = 1" },
        );
        changed(text.as_bytes(), random)
    });
}

#[test]
fn mailboxes_are_read_alike() {
    let one = include_bytes!("../corpus/mail/whole");
    compare(b'm', records::mail, &[], |random| {
        let newer = random.one_in(40);
        let text = String::from_utf8_lossy(one).replace(
            "version = 1",
            if newer { "version = 2" } else { "version = 1" },
        );
        changed(text.as_bytes(), random)
    });
}

#[test]
fn first_logins_are_read_alike() {
    let one = include_bytes!("../corpus/first_login/a");
    compare(b'f', records::first_login, &[], |random| {
        let newer = random.one_in(40);
        let text = String::from_utf8_lossy(one).replace(
            "version = 1",
            if newer { "version = 2" } else { "version = 1" },
        );
        changed(text.as_bytes(), random)
    });
}
