//! The keeper over a real etcd: members with TLS and users by certificate, killed, stopped and cut off.
//!
//! etcd is not part of this project. If it is not unpacked (`otp-fleet/tests/provide-etcd`), no test runs, and the last
//! line counts them as ignored; `tests/run fleet` needs etcd and fails without it.
//!
//! This harness is our own: the tests share members, which end after the last test.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests, which clippy does not see without the harness of Rust"
)]

mod parts {
    pub mod account;
    pub mod cluster;
    pub mod history;
    pub mod proxy;
    pub mod watch;
}
mod doubt;
mod epoch;
mod figures;
mod together;
mod transactions;

use parts::cluster::{self, Cluster};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// Lists tests with their names.
macro_rules! tests {
    ($($test:ident),+ $(,)?) => {
        vec![$((
            concat!(module_path!(), "::", stringify!($test)).to_owned(),
            Box::new($test) as Box<dyn Fn(&mut crate::parts::cluster::Cluster)>,
        )),+]
    };
}
use tests;

/// The name of a test, and the test.
type Test = (String, Box<dyn Fn(&mut Cluster)>);

fn main() -> ExitCode {
    let wanted = std::env::args().skip(1).find(|one| !one.starts_with('-'));
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| name.contains(wanted));
    let mut tests: Vec<Test> = [
        transactions::all(),
        epoch::all(),
        doubt::all(),
        together::all(),
        figures::all(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let all = tests.len();
    tests.retain(|(name, _)| is_wanted(name));
    let left_out = all - tests.len();
    println!("\nrunning {} tests", tests.len());
    let (mut passed, mut failed, mut ignored) = (0, 0, 0);
    match cluster::program() {
        Some(program) => {
            let mut cluster = Cluster::start(&program, 3);
            for (name, test) in tests {
                cluster.begin_anew();
                let outcome = catch_unwind(AssertUnwindSafe(|| test(&mut cluster)));
                let word = if outcome.is_ok() { "ok" } else { "FAILED" };
                println!("test {name} ... {word}");
                match outcome {
                    Ok(()) => passed += 1,
                    Err(_) => failed += 1,
                }
            }
        }
        None => {
            for (name, _) in tests {
                println!("test {name} ... ignored, no etcd: not tried");
                ignored += 1;
            }
        }
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; {left_out} filtered out\n"
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
