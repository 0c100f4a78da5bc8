//! Writes what bash, zsh and fish need to complete `otp-enroll` and `otp-admin`, for packages to install:
//!
//!     cargo run --locked -p otp-enroll --example completions -- DIRECTORY
//!
//! An example and not a part of the programs: what only a package needs has no place in them. What `clap_complete`
//! makes of a program with a hyphen in its name does not work in bash (4.6.11: its cases never match behind a command),
//! and it knows of no users there; so bash has a script of our own.

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command, CommandFactory, ValueHint};
use clap_complete::aot::{Fish, Generator, Zsh, generate};
use otp_enroll::cli::{Admin, Enroll};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [directory] = arguments.as_slice() else {
        eprintln!("completions: one directory has to be named\nhint: completions DIRECTORY");
        return ExitCode::from(2);
    };
    let directory = PathBuf::from(directory);
    match write_all(&directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let directory = directory.display();
            eprintln!("completions: {directory}: cannot write: {error}");
            eprintln!("hint: name a directory that can be written to");
            ExitCode::from(2)
        }
    }
}

fn write_all(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for command in [Enroll::command(), Admin::command()] {
        let command = spelled_out(command);
        let name = command.get_name();
        let fish = script(Fish, &command) + &users_in_fish(&command);
        for (file, text) in [
            (format!("{name}.bash"), bash(&command)),
            (Zsh.file_name(name), script(Zsh, &command)),
            (Fish.file_name(name), fish),
        ] {
            fs::write(directory.join(file), text)?;
        }
    }
    Ok(())
}

fn script(shell: impl Generator, command: &Command) -> String {
    let mut text = Vec::new();
    let name = command.get_name().to_owned();
    generate(shell, &mut command.clone(), name, &mut text);
    String::from_utf8(text).expect("completions are text")
}

/// The same commands, each with the options that have a meaning for it and no other: the generators would offer hidden
/// ones too.
fn spelled_out(mut command: Command) -> Command {
    command.build();
    only_visible(&command)
}

fn only_visible(command: &Command) -> Command {
    // Names have to last as long as the program does, which is not long.
    let name: &'static str = command.get_name().to_owned().leak();
    let arguments = command
        .get_arguments()
        .filter(|one| !one.is_hide_set() && !is_made_by_clap(one));
    let below = command.get_subcommands();
    Command::new(name)
        .about(command.get_about().cloned().unwrap_or_default())
        .disable_version_flag(command.get_version().is_none())
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(arguments.map(|one| one.clone().global(false)))
        .subcommands(
            below
                .filter(|one| one.get_name() != "help")
                .map(only_visible),
        )
}

/// `--help` and `--version`.
fn is_made_by_clap(argument: &Arg) -> bool {
    matches!(
        argument.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    )
}

/// The argument that a command begins with is a user.
fn begins_with_a_user(command: &Command) -> bool {
    let first = command.get_positionals().next();
    first.is_some_and(|first| first.get_value_hint() == ValueHint::Username)
}

/// Every command by the words that lead to it, each after a space; the program itself by none.
fn by_words<'a>(command: &'a Command, words: &str, found: &mut BTreeMap<String, &'a Command>) {
    found.insert(words.to_owned(), command);
    for one in command.get_subcommands() {
        by_words(one, &format!("{words} {}", one.get_name()), found);
    }
}

/// What fish has to do where a command begins with a user: `clap_complete` tells it about options only.
fn users_in_fish(command: &Command) -> String {
    let mut all = BTreeMap::new();
    by_words(command, "", &mut all);
    let of_users = all.into_values().filter(|one| begins_with_a_user(one));
    let names: BTreeSet<&str> = of_users.map(Command::get_name).collect();
    if names.is_empty() {
        return String::new();
    }
    let names = names.into_iter().collect::<Vec<_>>().join(" ");
    let name = command.get_name();
    format!(
        "complete -c {name} -n \"__fish_seen_subcommand_from {names}\" -f -a \"(__fish_complete_users)\"\n"
    )
}

/// What bash does to complete a value: nothing, which leaves the names of files to readline, or some lines.
fn bash_value(argument: &Arg) -> String {
    let values = argument.get_possible_values();
    if !values.is_empty() {
        let values: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
        return format!(
            "COMPREPLY=( $(compgen -W \"{}\" -- \"$cur\") )",
            values.join(" ")
        );
    }
    match argument.get_value_hint() {
        ValueHint::Username => "COMPREPLY=( $(compgen -u -- \"$cur\") )".to_owned(),
        ValueHint::Hostname => "COMPREPLY=( $(compgen -A hostname -- \"$cur\") )".to_owned(),
        ValueHint::DirPath => "compopt +o default -o dirnames".to_owned(),
        ValueHint::Other => "compopt +o default".to_owned(),
        _ => ":".to_owned(),
    }
}

/// The script for bash.
fn bash(command: &Command) -> String {
    let mut all = BTreeMap::new();
    by_words(command, "", &mut all);
    let mut options = BTreeMap::new();
    let (mut commands, mut arguments, mut words) = (Vec::new(), Vec::new(), Vec::new());
    for (path, one) in &all {
        let mut offered = vec!["--help".to_owned()];
        for option in one.get_arguments() {
            let Some(long) = option.get_long() else {
                continue;
            };
            offered.push(format!("--{long}"));
            if option.get_action().takes_values() {
                options.insert(format!("--{long}"), bash_value(option));
            }
        }
        for below in one.get_subcommands() {
            let name = below.get_name();
            offered.push(name.to_owned());
            commands.push(format!(
                "                    \"{path}, {name}\") path+=\" {name}\" ;;\n"
            ));
        }
        for (at, argument) in one.get_positionals().enumerate() {
            let value = bash_value(argument);
            arguments.push(format!("            \"{path},{at}\") {value}; return ;;\n"));
        }
        if path.is_empty() {
            offered.push("--version".to_owned());
        }
        words.push(format!(
            "        \"{path}\") words=\"{}\" ;;\n",
            offered.join(" ")
        ));
    }
    let with_value: Vec<_> = options.keys().map(String::as_str).collect();
    let with_value = with_value.join("|");
    let value = |(option, value)| format!("        {option}) {value}; return ;;\n");
    let values = options.iter().map(value).collect::<Vec<_>>().concat();
    let (commands, arguments, words) = (commands.concat(), arguments.concat(), words.concat());
    let name = command.get_name();
    let function = name.replace('-', "_");
    format!(
        r#"# Completion of {name} in bash. Made by otp-enroll/examples/completions.rs.
_{function}() {{
    local cur=$2 previous=$3 path="" arguments=0 words="" at
    COMPREPLY=()

    # The value of an option, also behind "=", which bash takes for a word.
    [[ $previous != "=" ]] || previous=${{COMP_WORDS[COMP_CWORD-2]}}
    case $previous in
{values}    esac

    # Which command it is, and how many arguments of it are there.
    for (( at = 1; at < COMP_CWORD; at++ )); do
        case ${{COMP_WORDS[at]}} in
            {with_value})
                at=$(( at + 1 ))
                [[ ${{COMP_WORDS[at]}} != "=" ]] || at=$(( at + 1 ))
                ;;
            -*) ;;
            *)
                case "$path, ${{COMP_WORDS[at]}}" in
{commands}                    *) arguments=$(( arguments + 1 )) ;;
                esac
                ;;
        esac
    done

    if [[ $cur != -* ]]; then
        case "$path,$arguments" in
{arguments}        esac
    fi
    case $path in
{words}    esac
    COMPREPLY=( $(compgen -W "$words" -- "$cur") )
}}

complete -o default -F _{function} {name}
"#
    )
}
