//! The keeper over a real etcd: members with TLS and users by certificate, killed, stopped and cut off.
//!
//! etcd is no part of this project. Where it is not unpacked (`otp-fleet/tests/provide-etcd`), nothing is tried, and the last
//! line counts that as ignored; `tests/run fleet` has it, and fails without.
//!
//! A harness of its own: the tests share members, which are ended with the last of them.
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

/// Tests by their names.
macro_rules! tests {
    ($($test:ident),+ $(,)?) => {
        vec![$((
            concat!(module_path!(), "::", stringify!($test)).to_owned(),
            Box::new($test) as Box<dyn Fn(&mut crate::parts::cluster::Cluster)>,
        )),+]
    };
}
use tests;

/// A test, and its name.
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
