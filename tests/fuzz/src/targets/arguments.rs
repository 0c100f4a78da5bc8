//! Module arguments, against a list of the values that each takes.

use crate::options::{FirstPass, Options};
use std::path::Path;
use std::time::Duration;

/// Each line is an argument.
pub(super) fn run(bytes: &[u8]) {
    let arguments: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    let first_bad = first_bad(&arguments);
    assert_agrees_with_the_doctor(&arguments);
    match Options::parse(&arguments) {
        Ok(options) => {
            assert_eq!(first_bad, None, "an unknown argument was accepted");
            let has = |switch: &str| arguments.contains(&switch.as_bytes());
            let last = |key: &str| {
                let mut values = arguments
                    .iter()
                    .filter_map(|one| one.strip_prefix(key.as_bytes()));
                values
                    .next_back()
                    .map(|value| std::str::from_utf8(value).unwrap())
            };
            let pass = match (has("try_first_pass"), has("use_first_pass")) {
                (false, false) => FirstPass::Ignore,
                (true, _) => FirstPass::Try,
                (_, true) => FirstPass::Use,
            };
            let usual = Options::default();
            let seconds =
                last("grace_period=").map(|text| Duration::from_secs(text.parse().unwrap()));
            assert_eq!(
                options,
                Options {
                    nullok: has("nullok"),
                    first_pass: pass,
                    forward_pass: has("forward_pass"),
                    split: has("split"),
                    echo: has("echo_verification_code"),
                    prompt: last("authtok_prompt=").map(str::to_owned),
                    debug: has("debug"),
                    nodelay: has("nodelay"),
                    conf: last("conf=").map_or(usual.conf, Into::into),
                    state_dir: last("state_dir=").map_or(usual.state_dir, Into::into),
                    helper: last("helper=").map_or(usual.helper, Into::into),
                    language: last("lang=")
                        .map(|tag| otp_core::record::Language::from_tag(tag).unwrap()),
                    qr: last("qr=").map(|word| otp_core::qr::Style::from_word(word).unwrap()),
                    remember: seconds,
                }
            );
        }
        Err(bad) => {
            assert_eq!(Some(bad.position), first_bad.map(|at| at + 1));
            let argument = String::from_utf8_lossy(arguments[bad.position - 1]);
            let name = argument.split('=').next().unwrap_or_default();
            assert_eq!(bad.name, name, "the value after a = stays out of the log");
        }
    }
}

/// Checks that `otp-admin doctor` calls exactly those arguments wrong that the module refuses.
fn assert_agrees_with_the_doctor(arguments: &[&[u8]]) {
    let texts: Option<Vec<String>> = arguments
        .iter()
        .map(|one| Some(std::str::from_utf8(one).ok()?.to_owned()))
        .collect();
    if let Some(texts) = texts {
        let refused = Options::parse(arguments).err().map(|bad| bad.name);
        assert_eq!(otp_site::doctor::arguments::wrong(&texts), refused);
    }
}

/// Returns the place of the first argument that is unknown or contradicts those before it.
fn first_bad(arguments: &[&[u8]]) -> Option<usize> {
    let (mut tries, mut uses, mut splits, mut forwards) = (false, false, false, false);
    arguments.iter().position(|argument| {
        let Ok(text) = std::str::from_utf8(argument) else { return true };
        let known = match text.split_once('=') {
            None => {
                tries |= text == "try_first_pass";
                uses |= text == "use_first_pass";
                splits |= text == "split";
                forwards |= text == "forward_pass";
                let switches =
                    "nullok try_first_pass use_first_pass forward_pass split echo_verification_code debug nodelay";
                switches.split(' ').any(|switch| switch == text)
            }
            Some(("authtok_prompt", prompt)) => !prompt.contains(char::is_control),
            Some(("conf" | "state_dir" | "helper", path)) => Path::new(path).is_absolute(),
            Some(("grace_period", seconds)) => {
                !seconds.starts_with('+') && seconds.parse::<u64>().is_ok()
            }
            Some(("lang", tag)) => matches!(tag, "en" | "ko"),
            Some(_) => false,
        };
        !known || (tries && uses) || (splits && (tries || uses || forwards))
    })
}
