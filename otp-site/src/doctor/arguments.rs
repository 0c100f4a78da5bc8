//! The arguments of our lines, by the rules of the module; `tests/fuzz` compares both.

use std::path::{Path, PathBuf};

/// Arguments without a value.
const SWITCHES: [&str; 8] = [
    "nullok",
    "try_first_pass",
    "use_first_pass",
    "forward_pass",
    "split",
    "echo_verification_code",
    "debug",
    "nodelay",
];

/// Arguments that name a file or directory which must exist.
const PATHS: [&str; 3] = ["conf", "state_dir", "helper"];

/// Returns the name of the first argument for which the module refuses every login; `None`: all are right.
#[must_use]
pub fn wrong(arguments: &[String]) -> Option<String> {
    let has = |upto: usize, name: &str| arguments[..=upto].iter().any(|one| one == name);
    let at = (0..arguments.len()).find(|&at| {
        let splits = has(at, "split");
        let (tries, uses) = (has(at, "try_first_pass"), has(at, "use_first_pass"));
        !is_argument(&arguments[at])
            || (tries && uses)
            || (splits && (tries || uses || has(at, "forward_pass")))
    })?;
    let name = arguments[at].split('=').next().unwrap_or_default();
    Some(name.to_owned())
}

fn is_argument(argument: &str) -> bool {
    let Some((key, value)) = argument.split_once('=') else {
        return SWITCHES.contains(&argument);
    };
    match key {
        "authtok_prompt" => !value.contains(char::is_control),
        "grace_period" => {
            value.bytes().all(|byte| byte.is_ascii_digit()) && value.parse::<u64>().is_ok()
        }
        "lang" => otp_core::record::Language::from_tag(value).is_some(),
        "qr" => otp_core::qr::Style::from_word(value).is_some(),
        _ => PATHS.contains(&key) && value.starts_with('/'),
    }
}

/// Returns the value of an argument that names a path.
#[must_use]
pub fn path(arguments: &[String], key: &str) -> Option<PathBuf> {
    let value = |one: &String| Some(one.strip_prefix(key)?.strip_prefix('=')?.to_owned());
    arguments.iter().rev().find_map(value).map(PathBuf::from)
}

/// Returns the paths that the arguments name.
pub fn paths(arguments: &[String]) -> impl Iterator<Item = &Path> {
    arguments.iter().filter_map(|one| {
        let (key, value) = one.split_once('=')?;
        PATHS.contains(&key).then(|| Path::new(value))
    })
}
