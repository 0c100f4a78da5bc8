//! The manuals say what the programs do: they list every command, option, value and key, and no other.
//!
//! The tests read the roff source line by line and rely on two rules: a command, option or key is the tag of a
//! paragraph (`.TP`), and a command line in running text is bold as a whole or part of an example (`.EX`).

#[allow(dead_code, reason = "another test reads sections")]
mod roff;
mod tree;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, CommandFactory, Parser};
use otp_core::event::{Event, Key};
use otp_core::messages::MessageId;
use otp_core::messages::import::{Obstacle, Remark};
use otp_enroll::cli::{Admin, Enroll};
use roff::{Manual, Tagged, arguments, plain, unescaped};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The command that clap adds to both programs.
const HELP: &str = "help";

/// Manuals of well-known programs to which ours may refer.
const WELL_KNOWN: [&str; 12] = [
    "authselect(8)",
    "flock(2)",
    "group(5)",
    "pam(8)",
    "pam-auth-update(8)",
    "pam.conf(5)",
    "pam_unix(8)",
    "ssh(1)",
    "sshd(8)",
    "sshd_config(5)",
    "su(1)",
    "sudo(8)",
];

const README: &str = include_str!("../../README.md");

/// A program, what its manual is, and how its command lines are read.
struct Program {
    name: &'static str,
    manual: &'static str,
    path: &'static str,
    command: Command,
    parse: fn(&[&str]) -> Result<(), ErrorKind>,
}

fn programs() -> [Program; 2] {
    let built = |mut command: Command| {
        command.build();
        command
    };
    [
        Program {
            name: "otp-enroll",
            manual: "otp-enroll.1",
            path: env!("CARGO_BIN_EXE_otp-enroll"),
            command: built(Enroll::command()),
            parse: |words| match Enroll::try_parse_from(words) {
                Ok(asked) if asked.meaningless().is_some() => Err(ErrorKind::ArgumentConflict),
                Ok(_) => Ok(()),
                Err(error) => Err(error.kind()),
            },
        },
        Program {
            name: "otp-admin",
            manual: "otp-admin.8",
            path: env!("CARGO_BIN_EXE_otp-admin"),
            command: built(Admin::command()),
            parse: |words| {
                Admin::try_parse_from(words).map_or_else(|error| Err(error.kind()), |_| Ok(()))
            },
        },
    ]
}

/// Returns every command below this one except `help`, with the words that lead to it.
fn commands(command: &Command) -> Vec<(Vec<String>, &Command)> {
    let below = command
        .get_subcommands()
        .filter(|one| one.get_name() != HELP);
    let mut found = Vec::new();
    for one in below {
        found.push((vec![one.get_name().to_owned()], one));
        found.extend(commands(one).into_iter().map(|(mut words, command)| {
            words.insert(0, one.get_name().to_owned());
            (words, command)
        }));
    }
    found
}

/// Returns an argument as a manual shows it: `--name LABEL`, `-h, --help`, `USER`, `[FILE]`.
fn shown(argument: &Arg) -> String {
    let value = argument.get_value_names().unwrap_or_default().join(" ");
    match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (_, Some(long)) if argument.get_action().takes_values() => format!("--{long} {value}"),
        (_, Some(long)) => format!("--{long}"),
        _ if argument.is_required_set() => value,
        _ => format!("[{value}]"),
    }
}

/// Returns the options that belong to this command alone.
fn own_options(command: &Command) -> Vec<&Arg> {
    let options = command.get_arguments().filter(|one| !one.is_positional());
    let everywhere = |one: &Arg| {
        let clap_s = matches!(
            one.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
        );
        one.is_global_set() || clap_s
    };
    options.filter(|one| !everywhere(one)).collect()
}

/// Returns a command as a manual shows it: `provision USER [--json] [--force] [--name LABEL]`.
fn usage(words: &[String], command: &Command) -> String {
    let mut usage = words.to_vec();
    usage.extend(command.get_positionals().map(shown));
    let options = own_options(command).into_iter().map(shown);
    usage.extend(options.map(|option| format!("[{option}]")));
    usage.join(" ")
}

#[test]
fn the_manual_lists_every_finding_of_the_doctor_and_no_other() {
    let described = Manual::of("otp-admin.8").tagged("DOCTOR");
    let tags: Vec<&str> = described.iter().map(|one| one.tag.as_str()).collect();
    assert_eq!(tags, otp_core::messages::doctor::Finding::IDS);
    for one in &described {
        assert!(one.body.len() > 5, "{}", one.tag);
    }
}

#[test]
fn the_manual_lists_every_problem_of_a_fleet_and_no_other() {
    let heading = "LOOKING AFTER A FLEET";
    let described = Manual::of("otp-admin.8").tagged_below(heading, "What is wrong with a fleet");
    let tags: Vec<&str> = described.iter().map(|one| one.tag.as_str()).collect();
    assert_eq!(tags, otp_core::messages::fleet::Wrong::IDS);
}

#[test]
fn the_manual_lists_every_reason_and_remark_of_an_import_and_no_other() {
    let described = Manual::of("otp-admin.8").tagged("IMPORTING");
    let tags: Vec<&str> = described.iter().map(|one| one.tag.as_str()).collect();
    let expected = [&Obstacle::WORDS[..], &Remark::WORDS[..]].concat();
    assert!(tags.ends_with(&expected), "{tags:?}");
}

#[test]
fn a_manual_has_a_paragraph_for_each_command_and_no_other() {
    for program in programs() {
        let described = Manual::of(program.manual).tagged("COMMANDS");
        let mut expected: Vec<String> = commands(&program.command)
            .into_iter()
            .filter(|(_, command)| !command.is_subcommand_required_set())
            .map(|(words, command)| usage(&words, command))
            .collect();
        expected.push(format!("{HELP} [COMMAND]"));
        let tags: Vec<&str> = described.iter().map(|one| one.tag.as_str()).collect();
        assert_eq!(tags, expected, "{}", program.manual);
    }
}

#[test]
fn a_manual_explains_the_options_of_each_command_beside_the_command() {
    for program in programs() {
        let described = Manual::of(program.manual).tagged("COMMANDS");
        for (words, command) in commands(&program.command) {
            for option in own_options(command) {
                let tag = usage(&words, command);
                let paragraph = described.iter().find(|one| one.tag == tag);
                let option = format!(
                    "--{}",
                    option.get_long().expect("an option has a long name")
                );
                assert!(
                    paragraph.is_some_and(|one| one.body.contains(&option)),
                    "{}: {tag}: {option}",
                    program.manual
                );
            }
        }
    }
}

#[test]
fn a_manual_has_a_paragraph_for_each_option_of_all_commands_and_no_other() {
    for program in programs() {
        let described = Manual::of(program.manual).tagged("OPTIONS");
        let tags: BTreeSet<&str> = described.iter().map(|one| one.tag.as_str()).collect();
        let options: Vec<&Arg> = program.command.get_arguments().collect();
        let expected: Vec<String> = options.iter().map(|one| shown(one)).collect();
        let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
        assert_eq!(tags, expected, "{}", program.manual);
        for option in options {
            let tag = shown(option);
            let paragraph = described.iter().find(|one| one.tag == tag);
            let text = paragraph.map_or_else(String::new, |one| format!("{tag} {}", one.body));
            let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
            for value in option.get_possible_values() {
                let value = value.get_name();
                let is_said = !option.get_action().takes_values() || words.contains(&value);
                assert!(is_said, "{}: {tag}: {value}", program.manual);
            }
        }
    }
}

#[test]
fn the_program_takes_every_command_line_in_a_manual() {
    let programs = programs();
    let mut seen = 0;
    let mut pages: Vec<(String, Vec<String>)> = Manual::all()
        .iter()
        .map(|manual| {
            let examples = manual.examples().into_iter().map(unescaped);
            (manual.file.clone(), examples.chain(manual.bold()).collect())
        })
        .collect();
    let examples = README.lines().filter_map(|line| line.strip_prefix("    "));
    let quoted = README.split('`').skip(1).step_by(2);
    let lines = examples.chain(quoted).map(str::to_owned).collect();
    pages.push(("README.md".to_owned(), lines));
    for (file, lines) in pages {
        for line in lines {
            // Up to where the shell takes over.
            let line = line.split(['|', '>', '#']).next().unwrap_or_default();
            let line = line.strip_prefix("sudo ").unwrap_or(line);
            let words: Vec<&str> = line.split_whitespace().collect();
            let called = |one: &&Program| words.first() == Some(&one.name);
            let Some(program) = programs.iter().find(called) else {
                continue;
            };
            seen += 1;
            let read = (program.parse)(&words);
            // A manual may name a command without its arguments.
            let sound = matches!(
                read,
                Ok(())
                    | Err(ErrorKind::MissingRequiredArgument
                        | ErrorKind::MissingSubcommand
                        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand)
            );
            assert!(sound, "{file}: {line}: {read:?}");
        }
    }
    assert!(seen > 50, "command lines are found at all: {seen}");
}

#[test]
fn every_option_that_a_manual_names_exists() {
    let programs = programs();
    let known: BTreeSet<&str> = programs
        .iter()
        .flat_map(|program| {
            let below = commands(&program.command).into_iter().map(|(_, one)| one);
            below.chain([&program.command]).collect::<Vec<_>>()
        })
        .flat_map(Command::get_arguments)
        .filter_map(Arg::get_long)
        .collect();
    // Two pages are about the options of others as well, and five are held to their programs elsewhere (otp-hooks/src/options.rs,
    // tests/packages/test_verifier.py, tests/packages/test_portal.py, otp-portal/src/program.rs).
    let pages = [
        "pam_otp-programs.7",
        "pam_otp-fleet.7",
        "otp-notify.8",
        "otp-verifier.8",
        "otp-portal.8",
        "otp-portal-login.8",
        "pam_otp-portal.conf.5",
    ];
    let about_others = |manual: &Manual| pages.contains(&&*manual.file);
    for manual in Manual::all().into_iter().filter(|one| !about_others(one)) {
        let text = manual.plain();
        let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
        let lines = text.lines();
        let others = [
            "pam-auth-update",
            "journalctl",
            "apt-get",
            "cargo build",
            "packaging/install",
            "usermod",
            "otp-portal-login",
        ];
        let about_ours = lines.filter(|line| !others.iter().any(|other| line.contains(other)));
        for word in about_ours.flat_map(|line| line.split(|c| !is_part(c))) {
            if let Some(option) = word.strip_prefix("--") {
                assert!(known.contains(option), "{}: --{option}", manual.file);
            }
        }
    }
}

#[test]
fn the_help_of_each_command_comes_from_the_command_tree() {
    for mut program in programs() {
        let paths: Vec<Vec<String>> = commands(&program.command)
            .into_iter()
            .map(|(words, _)| words)
            .chain([Vec::new()])
            .collect();
        for path in paths {
            let mut command = &mut program.command;
            for word in &path {
                command = command.find_subcommand_mut(word).expect("it was found");
            }
            let expected = command.render_long_help().to_string();
            let mut run = std::process::Command::new(program.path);
            let done = run.args(&path).arg("--help").output().expect("it runs");
            let said = String::from_utf8(done.stdout).expect("text");
            let words = |text: &str| -> Vec<String> {
                text.split_whitespace().map(str::to_owned).collect()
            };
            assert_eq!(words(&said), words(&expected), "{} {path:?}", program.name);
        }
    }
}

#[test]
fn the_help_of_a_command_shows_exactly_the_options_that_apply_to_it() {
    let mut tree = Enroll::command();
    tree.build();
    for (words, command) in commands(&tree) {
        let name = words[0].as_str();
        let argument = (name == "add").then_some("tablet");
        for (option, value) in [("qr", "none"), ("qr-file", "x.svg"), ("save", "x")] {
            let long = format!("--{option}");
            let line = ["otp-enroll", name, long.as_str(), value];
            let asked = Enroll::try_parse_from(line.into_iter().chain(argument));
            let means_something = asked.expect("it is read").meaningless().is_none();
            let found = command
                .get_arguments()
                .find(|one| one.get_long() == Some(option));
            let is_shown = found.is_some_and(|one| !one.is_hide_set());
            assert_eq!(is_shown, means_something, "{name} {long}");
        }
    }
}

#[test]
fn the_manual_lists_every_key_of_the_policy_with_its_section_and_default() {
    let shipped = include_str!("../../conf/pam_otp.conf");
    let mut section = String::new();
    let mut expected = Vec::new();
    for line in shipped.lines() {
        let key = line.strip_prefix('#');
        if let Some(key) = key.filter(|key| key.starts_with(|c: char| c.is_ascii_lowercase())) {
            expected.push((section.clone(), key.to_owned()));
        } else if let Some(heading) = [Some(line), key]
            .into_iter()
            .flatten()
            .find(|heading| heading.starts_with('['))
        {
            heading.clone_into(&mut section);
        }
    }
    assert!(expected.len() > 20, "keys are found at all");

    let manual = Manual::of("pam_otp.conf.5");
    let mut section = String::new();
    let mut described = Vec::new();
    let mut lines = manual.section("KEYS").into_iter();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix(".SS ") {
            let is_table = heading.starts_with('[');
            section = if is_table { heading } else { "" }.to_owned();
        } else if line == ".TP" {
            described.push((section.clone(), plain(lines.next().expect("a tag"))));
        }
    }
    assert_eq!(described, expected);
}

#[test]
fn the_manual_lists_the_keys_of_every_json_form() {
    // The tests of these files hold the promised output.
    let status = include_str!("../src/status.rs");
    let provision = include_str!("../src/admin/provision.rs");
    for (file, source) in [("otp-enroll.1", status), ("otp-admin.8", provision)] {
        let manual = Manual::of(file);
        let bold: BTreeSet<String> = manual.bold().into_iter().collect();
        let source = source.replace("\\\"", "\"");
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        let keys: BTreeSet<&str> = source
            .split("\":")
            .filter_map(|before| before.rsplit('"').next())
            .filter(|key| !key.is_empty() && key.chars().all(is_name))
            .collect();
        assert!(keys.len() >= 5, "{file}: keys are found at all: {keys:?}");
        for key in keys {
            assert!(bold.contains(key), "{file}: {key}");
        }
    }
    let manual = Manual::of("otp-admin.8");
    let list = include_str!("../src/admin/list.rs");
    let report = include_str!("../src/admin/report/row.rs");
    for source in [list, report] {
        // A string over several lines: after a backslash, it continues behind the leading spaces of the next line.
        let mut pieces = source.split("\\\n");
        let first = pieces.next().unwrap_or_default().to_owned();
        let joined = pieces.fold(first, |joined, piece| joined + piece.trim_start());
        let header = joined.split('"').find(|text| text.starts_with("user,"));
        let header = header.and_then(|text| text.strip_suffix("\\n"));
        assert!(manual.examples().contains(&header.expect("a header")));
    }
    let bold: BTreeSet<String> = manual.bold().into_iter().collect();
    for key in [
        "time",
        "event",
        "id",
        "written_by",
        "program",
        "pid",
        "machine",
        "values",
    ] {
        let source = include_str!("../src/admin/events.rs");
        assert!(source.contains(&format!("\n    {key}: ")), "{key}");
        assert!(bold.contains(key), "{key}");
    }
}

/// Returns the words of a list in a paragraph: `Keys: message, until.`
fn listed<'a>(paragraph: &'a Tagged, label: &str) -> Vec<&'a str> {
    let lines = paragraph.body.lines();
    let mut lists = lines.filter_map(|line| line.strip_prefix(label)?.strip_suffix('.'));
    let list = lists
        .next()
        .unwrap_or_else(|| panic!("{}: no line \"{label}\"", paragraph.tag));
    assert_eq!(lists.next(), None, "{}: {label}", paragraph.tag);
    if list == "none" {
        return Vec::new();
    }
    list.split(", ").collect()
}

#[test]
fn the_manual_lists_every_event_with_its_severities_and_keys_and_no_other() {
    let manual = Manual::of("pam_otp.8");
    let paragraphs = manual.tagged_below("SYSTEM LOG", "Events");
    let described = paragraphs.iter().map(|one| {
        let (mut severities, mut keys) = (listed(one, "Severity: "), listed(one, "Keys: "));
        severities.sort_unstable();
        keys.sort_unstable();
        (one.tag.as_str(), severities, keys)
    });
    let known = Event::ALL.into_iter().map(|event| {
        let severities = event.severities().iter().map(|one| one.word());
        let keys = event.keys().iter().map(|key| key.word());
        let (mut severities, mut keys) = (severities.collect::<Vec<_>>(), keys.collect::<Vec<_>>());
        severities.sort_unstable();
        keys.sort_unstable();
        (event.name(), severities, keys)
    });
    let (mut described, mut known) = (described.collect::<Vec<_>>(), known.collect::<Vec<_>>());
    described.sort();
    known.sort();
    assert_eq!(described, known);
    for paragraph in &paragraphs {
        let first = paragraph.body.lines().next().unwrap_or_default();
        assert!(!first.starts_with("Severity"), "{}: when?", paragraph.tag);
    }
    // The manual lists the keys that every event can have above.
    let section = manual.section("SYSTEM LOG");
    let beside = section.iter().find(|line| line.starts_with(".IR user "));
    let beside = plain(beside.expect("the keys of every line"));
    let words = beside.split([' ', ',', '.']);
    let beside: Vec<&str> = words.filter(|word| !matches!(*word, "" | "and")).collect();
    assert_eq!(beside, Key::OF_EVERY_LINE.map(Key::word));
}

#[test]
fn the_manual_lists_every_key_and_every_message_of_the_log_and_no_other() {
    let manual = Manual::of("pam_otp.8");
    for (subheading, known) in [
        ("Keys", Key::ALL.map(Key::word).to_vec()),
        ("Messages", MessageId::ALL.map(MessageId::word).to_vec()),
    ] {
        let paragraphs = manual.tagged_below("SYSTEM LOG", subheading);
        assert!(paragraphs.iter().all(|one| !one.body.trim().is_empty()));
        let mut tags: Vec<&str> = paragraphs.iter().map(|one| one.tag.as_str()).collect();
        let mut known = known;
        tags.sort_unstable();
        known.sort_unstable();
        assert_eq!(tags, known, "{subheading}");
    }
}

#[test]
fn the_hook_of_shadow_utils_writes_the_event_of_the_manual() {
    let script = include_str!("../../packaging/shadow-maint/pam-otp");
    let (before, line) = script.split_once("\"otp.").expect("an event");
    assert!(
        !line.contains("otp.reset") && line.starts_with("reset "),
        "one event"
    );
    let severities = Event::Reset.severities().iter();
    let priorities: Vec<String> = severities
        .map(|one| format!("authpriv.{}", one.word()))
        .collect();
    assert!(
        priorities.iter().any(|one| before.contains(one.as_str())),
        "{priorities:?}"
    );
    let line = line.lines().next().unwrap_or_default();
    let keys = line
        .split("=\\\"")
        .map(|part| part.rsplit(' ').next().unwrap_or_default());
    let mut keys: Vec<&str> = keys.collect();
    keys.pop();
    let known: Vec<&str> = [Key::User]
        .iter()
        .chain(Event::Reset.keys())
        .map(|key| key.word())
        .collect();
    assert_eq!(keys, known);
}

#[test]
fn every_event_of_the_manual_is_written_by_some_program() {
    // Except in the lists and tables that contain every event.
    let lists = [
        "tests/",
        "otp-core/src/event.rs",
        "otp-core/src/messages/",
        "otp-log/src/audit.rs",
        "otp-queue/src/put.rs",
    ];
    let writes =
        |name: &str| name.contains("/src/") && !lists.iter().any(|list| name.starts_with(list));
    let sources: String = tree::sources()
        .into_iter()
        .filter(|(name, _)| writes(name) && !name.contains("/tests"))
        .map(|(_, source)| source)
        .collect();
    let named = |event: Event| {
        let name = format!("Event::{event:?}");
        let mut ends = sources.match_indices(&name).map(|(at, _)| at + name.len());
        ends.any(|end| !sources[end..].starts_with(char::is_alphanumeric))
    };
    for event in Event::ALL {
        assert!(named(event), "{event:?}");
    }
}

#[test]
fn no_text_names_an_event_that_does_not_exist() {
    let readme = README.to_owned();
    let security = include_str!("../../SECURITY.md").to_owned();
    let mut texts: Vec<String> = Manual::all().iter().map(Manual::plain).collect();
    texts.extend([readme, security]);
    let mut seen = 0;
    for text in texts {
        for (at, _) in text.match_indices("otp.") {
            // Skips pam_otp.so and pam-otp.conf.
            if text[..at].ends_with(|c: char| c == '_' || c == '-' || c.is_alphanumeric()) {
                continue;
            }
            seen += 1;
            let word = text[at..].split(|c: char| !c.is_ascii_lowercase() && c != '.');
            let name = word
                .into_iter()
                .next()
                .unwrap_or_default()
                .trim_end_matches('.');
            let known = Event::ALL.iter().any(|event| event.name() == name);
            assert!(known, "{name}");
        }
    }
    assert!(seen > 20, "events are found at all: {seen}");
}

#[test]
fn a_manual_carries_its_own_name_and_the_version_of_the_programs() {
    for manual in Manual::all() {
        let title = manual.roff.lines().find(|line| line.starts_with(".TH "));
        let title = arguments(title.expect("a title"));
        let (name, section) = manual.file.rsplit_once('.').expect("a section");
        let (shown, number) = (title[0].replace("\\-", "-"), title[1].as_str());
        assert_eq!((shown, number), (name.to_uppercase(), section));
        let version = format!("pam_otp {}", env!("CARGO_PKG_VERSION"));
        assert_eq!(title[3], version, "{}", manual.file);
    }
}

#[test]
fn a_manual_refers_only_to_manuals_that_exist() {
    let manuals = Manual::all();
    let ours: Vec<String> = manuals.iter().map(Manual::reference).collect();
    for manual in &manuals {
        let section = manual.section("SEE ALSO");
        let named: Vec<String> = section
            .iter()
            .filter(|line| line.starts_with(".BR "))
            .map(|line| plain(line).trim_end_matches(',').to_owned())
            .collect();
        assert!(!named.is_empty(), "{}", manual.file);
        for name in named {
            let known = ours.contains(&name) || WELL_KNOWN.contains(&name.as_str());
            assert!(
                known && name != manual.reference(),
                "{}: {name}",
                manual.file
            );
        }
    }
}

#[test]
fn the_readme_names_every_manual_and_no_missing_file() {
    let links = README.split("](").skip(1);
    let links: BTreeSet<&str> = links
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://"))
        .collect();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    for link in &links {
        assert!(root.join(link).is_file(), "{link}");
    }
    for manual in Manual::all() {
        let link = format!("packaging/man/{}", manual.file);
        assert!(links.contains(link.as_str()), "{link}");
        let named = format!("[{}]({link})", manual.reference());
        assert!(README.contains(&named), "{named}");
    }
}

#[test]
fn the_readme_is_short_and_shows_the_line_for_pam_first() {
    let words = |text: &str| text.split_whitespace().count();
    assert!(words(README) < 1500, "{}", words(README));
    let (before, _) = README
        .split_once("    auth    required    pam_otp.so\n")
        .expect("the line");
    assert!(words(before) < 200, "{}", words(before));
}
