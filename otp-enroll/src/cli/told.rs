//! Reads the command line, and shows help and errors of it in the reader's language.
//!
//! clap speaks English. Where the language is Korean, its help is put together from the texts of [`korean`], and its
//! errors are told by their kind and context. The definitions that parse are the same in every language.

use super::korean;
use crate::locale::Locale;
use clap::builder::ValueRange;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory, Parser};
use otp_core::messages::reason::Unfit;
use otp_core::record::{Language, OutOfRange};
use otp_site::policy;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::exit;

/// Reads the command line of this process. After help, the version or an error, the process ends.
#[must_use]
pub fn parsed<T: Parser>() -> T {
    let words: Vec<OsString> = std::env::args_os().collect();
    T::try_parse_from(&words).unwrap_or_else(|error| match chosen(&words) {
        Language::English => error.exit(),
        Language::Korean => leave(&T::command(), &words, &error),
    })
}

/// Refuses an option that has no meaning for the command, and ends the process.
pub fn refuse_meaningless<T: CommandFactory>(option: &str) -> ! {
    let words: Vec<OsString> = std::env::args_os().collect();
    match chosen(&words) {
        Language::English => T::command()
            .error(
                ErrorKind::ArgumentConflict,
                format!("{option} has no meaning here"),
            )
            .exit(),
        Language::Korean => {
            let reason = format!("이 명령에는 '{option}' 옵션을 사용할 수 없습니다.");
            fail(&T::command(), &words, &reason)
        }
    }
}

/// Returns the language for help and errors: that of `--lang`, of the locale, or of the policy, in this order.
fn chosen(words: &[OsString]) -> Language {
    let given = |option: &str| value_of(words, option);
    let named = given("--lang").and_then(|tag| Language::from_tag(&tag));
    named
        .or_else(|| Locale::of_process().language)
        .or_else(|| {
            let file = given("--conf").unwrap_or_else(|| policy::DEFAULT_FILE.to_owned());
            let policies = policy::load(Path::new(&file)).ok()?;
            Some(policies.where_nothing_is_said().language)
        })
        .unwrap_or_default()
}

/// Returns the last value of an option in a command line that may be wrong.
fn value_of(words: &[OsString], option: &str) -> Option<String> {
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let apart = words.windows(2).filter(|pair| pair[0] == option);
    let joined = words.iter().filter_map(|word| {
        let value = word.strip_prefix(option)?.strip_prefix('=')?;
        Some(value.to_owned())
    });
    let apart = apart.map(|pair| pair[1].to_owned());
    joined.chain(apart).last()
}

/// Shows help in Korean, or an error, and ends the process with the exit status that clap has for it.
fn leave(command: &Command, words: &[OsString], error: &clap::Error) -> ! {
    match error.kind() {
        ErrorKind::DisplayVersion => error.exit(),
        ErrorKind::DisplayHelp => {
            let asks_for_all = words.iter().any(|word| word == "--help" || word == "help");
            let help = help(command, words, asks_for_all);
            print(&help, &mut io::stdout());
            exit(0)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            print(&help(command, words, false), &mut io::stderr());
            exit(2)
        }
        _ => fail(command, words, &told(error)),
    }
}

fn fail(command: &Command, words: &[OsString], reason: &str) -> ! {
    let usage = usage(command, words);
    let text = format!(
        "오류: {reason}\n\n{}: {usage}\n\n자세한 내용은 '--help' 옵션으로 확인하세요.\n",
        korean::USAGE
    );
    print(&text, &mut io::stderr());
    exit(2)
}

/// Writes a text. If nobody reads it, only the exit status is left.
fn print(text: &str, output: &mut impl Write) {
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .ok();
}

/// Returns the help of the command that the words name.
fn help(command: &Command, words: &[OsString], is_long: bool) -> String {
    let mut command = in_korean(command.clone(), "");
    command.build();
    let named = named(&mut command, words);
    let help = if is_long {
        named.render_long_help()
    } else {
        named.render_help()
    };
    help.to_string()
}

/// Returns the usage line of the command that the words name.
fn usage(command: &Command, words: &[OsString]) -> String {
    let mut command = in_korean(command.clone(), "");
    command.build();
    let usage = named(&mut command, words).render_usage().to_string();
    // clap puts its own title before the line.
    let line = usage.split_once(": ").map(|(_, line)| line.to_owned());
    line.unwrap_or(usage)
}

/// Finds the command that the words name: the values of options are left out, and so is `help`.
fn named<'c>(command: &'c mut Command, words: &[OsString]) -> &'c mut Command {
    let mut path: Vec<String> = Vec::new();
    let mut here: &Command = command;
    let mut words = words.iter().skip(1).filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let option = here
                .get_arguments()
                .find(|one| one.get_long() == Some(long));
            if option.is_some_and(takes_a_value) {
                words.next();
            }
        } else if word != "help"
            && let Some(next) = here.find_subcommand(word)
        {
            path.push(word.to_owned());
            here = next;
        }
    }
    path.iter().fold(command, |here, name| {
        here.find_subcommand_mut(name)
            .expect("it was found just now")
    })
}

fn takes_a_value(argument: &Arg) -> bool {
    argument.get_num_args().unwrap_or(ValueRange::SINGLE) != ValueRange::EMPTY
        && argument.get_action().takes_values()
}

/// Puts the Korean texts into a command and its subcommands. The result is only for showing help.
fn in_korean(command: Command, parent: &str) -> Command {
    let is_program = parent.is_empty();
    let path = format!("{parent} {}", command.get_name());
    let path = path.trim_start().to_owned();
    let template = format!(
        "{{about-with-newline}}\n{}: {{usage}}\n\n{{all-args}}{{after-help}}",
        korean::USAGE
    );
    let mut command = command
        .help_template(template)
        .subcommand_help_heading(korean::COMMANDS)
        .subcommand_value_name(korean::COMMAND)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true);
    if let Some((short, long)) = korean::about(&path) {
        command = command.about(short);
        if !long.is_empty() {
            command = command.long_about(format!("{short}\n\n{long}"));
        }
    }
    if is_program {
        command = command.after_help(korean::EXIT_STATUS);
    }
    command = command.mut_args(|argument| argument_in_korean(argument, &path));
    let has_commands = command.has_subcommands();
    command = command.mut_subcommands(|one| in_korean(one, &path));
    if has_commands {
        command = command.subcommand(Command::new("help").about(korean::HELP_COMMAND));
    }
    let flag = |name: &'static str, short, help: &'static str| {
        Arg::new(name)
            .short(short)
            .long(name)
            .help(help)
            .help_heading(korean::OPTIONS)
            .action(ArgAction::SetTrue)
    };
    command = command.arg(flag("help", 'h', korean::HELP));
    if is_program {
        command = command.arg(flag("version", 'V', korean::VERSION));
    }
    command
}

fn argument_in_korean(argument: Arg, path: &str) -> Arg {
    let Some(text) = korean::argument(path, argument.get_id().as_str()) else {
        return argument;
    };
    let usual: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    let shows_usual = !usual.is_empty() && takes_a_value(&argument);
    let text = if shows_usual {
        format!("{text} [{}: {}]", korean::DEFAULT, usual.join(", "))
    } else {
        text.to_owned()
    };
    let heading = if argument.is_positional() {
        korean::ARGUMENTS
    } else {
        korean::OPTIONS
    };
    let hides = takes_a_value(&argument);
    let argument = argument
        .help(text.clone())
        .long_help(text)
        .help_heading(heading);
    if hides {
        argument.hide_default_value(true).hide_possible_values(true)
    } else {
        argument
    }
}

/// Says what is wrong with a command line, by the kind of the error and its context.
fn told(error: &clap::Error) -> String {
    let context = |kind| error.get(kind).map(shown).unwrap_or_default();
    let argument = || context(ContextKind::InvalidArg);
    let mut text = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = context(ContextKind::InvalidSubcommand);
            format!("'{name}' 명령이 없습니다.")
        }
        ErrorKind::MissingSubcommand => "명령을 지정해야 합니다.".to_owned(),
        ErrorKind::UnknownArgument => format!("'{}' 인자를 사용할 수 없습니다.", argument()),
        ErrorKind::MissingRequiredArgument => format!("필요한 인자가 없습니다: {}", argument()),
        ErrorKind::ArgumentConflict => match error.get(ContextKind::PriorArg) {
            Some(prior) => {
                let prior = shown(prior);
                if prior == argument() {
                    format!("'{prior}' 인자는 한 번만 사용할 수 있습니다.")
                } else {
                    format!(
                        "'{}' 인자와 '{prior}' 인자는 함께 사용할 수 없습니다.",
                        argument()
                    )
                }
            }
            None => format!("'{}' 인자를 함께 사용할 수 없습니다.", argument()),
        },
        ErrorKind::InvalidValue if context(ContextKind::InvalidValue).is_empty() => {
            format!("'{}' 인자에 값이 필요합니다.", argument())
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = context(ContextKind::InvalidValue);
            let why = error.source().map(why).unwrap_or_default();
            format!(
                "'{}' 인자에 사용할 수 없는 값입니다({value}){why}",
                argument()
            )
        }
        ErrorKind::NoEquals => format!("'{}' 인자의 값은 '=' 뒤에 적어야 합니다.", argument()),
        ErrorKind::TooManyValues => format!(
            "'{}' 인자에 남는 값이 있습니다: {}",
            argument(),
            context(ContextKind::InvalidValue)
        ),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("'{}' 인자의 값의 수가 맞지 않습니다.", argument())
        }
        ErrorKind::InvalidUtf8 => "인자가 UTF-8이 아닙니다.".to_owned(),
        _ => "명령줄을 이해할 수 없습니다.".to_owned(),
    };
    let valid = error.get(ContextKind::ValidValue).map(shown);
    if let Some(valid) = valid.filter(|valid| !valid.is_empty()) {
        text.push_str("\n사용할 수 있는 값: ");
        text.push_str(&valid);
    }
    let suggested = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ];
    if let Some(one) = suggested.into_iter().find_map(|kind| error.get(kind)) {
        text.push_str("\n비슷한 이름: ");
        text.push_str(&shown(one));
    }
    text
}

/// A value is no number within its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfBounds {
    /// The least number.
    pub least: u64,
    /// The greatest number.
    pub most: u64,
}

impl OutOfBounds {
    fn text(self, language: Language) -> String {
        let Self { least, most } = self;
        match language {
            Language::English => format!("must be a number from {least} to {most}"),
            Language::Korean => format!("{least}부터 {most}까지의 숫자여야 합니다"),
        }
    }
}

impl std::fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl Error for OutOfBounds {}

/// Says why a value is refused, if its type says so in Korean; other reasons stay as they are.
fn why(source: &(dyn Error + 'static)) -> String {
    let unfit = source
        .downcast_ref::<OutOfRange>()
        .map(|reason| reason.0)
        .or_else(|| source.downcast_ref::<Unfit>().copied());
    let bounds = source.downcast_ref::<OutOfBounds>();
    match (unfit, bounds) {
        (Some(unfit), _) => format!(": {}", unfit.text(Language::Korean)),
        (None, Some(bounds)) => format!(": {}", bounds.text(Language::Korean)),
        (None, None) => format!(": {source}"),
    }
}

fn shown(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(all) => all.join(", "),
        ContextValue::None => String::new(),
        one => one.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Admin, Enroll};

    fn commands() -> Vec<(String, Command)> {
        fn add(command: &Command, parent: &str, all: &mut Vec<(String, Command)>) {
            let path = format!("{parent} {}", command.get_name());
            let path = path.trim_start().to_owned();
            for one in command.get_subcommands() {
                add(one, &path, all);
            }
            all.push((path, command.clone()));
        }
        let mut all = Vec::new();
        for command in [Enroll::command(), Admin::command()] {
            add(&command, "", &mut all);
        }
        all
    }

    fn is_korean(text: &str) -> bool {
        text.contains(|c| ('가'..='힣').contains(&c))
    }

    #[test]
    fn every_command_and_every_argument_has_its_help_in_korean() {
        let all = commands();
        assert!(all.len() > 30, "{}", all.len());
        for (path, command) in all {
            let (short, long) = korean::about(&path).unwrap_or_else(|| panic!("{path}"));
            assert!(is_korean(short) && !short.ends_with('.'), "{path}: {short}");
            let has_more = command.get_long_about().is_some();
            assert_eq!(!long.is_empty(), has_more, "{path}: {long}");
            assert!(long.is_empty() || long.ends_with('.'), "{path}: {long}");
            for argument in command.get_arguments().filter(|one| !one.is_hide_set()) {
                let id = argument.get_id().as_str();
                let text = korean::argument(&path, id);
                assert!(text.is_some_and(is_korean), "{path} {id}");
            }
        }
    }

    #[test]
    fn help_in_korean_has_every_command_and_option_and_no_english_word_of_clap() {
        for (path, command) in commands() {
            let words: Vec<OsString> = path.split(' ').map(OsString::from).collect();
            let root = if path.starts_with("otp-enroll") {
                Enroll::command()
            } else {
                Admin::command()
            };
            for is_long in [true, false] {
                let text = help(&root, &words, is_long);
                for word in [
                    "Usage",
                    "Options:",
                    "Commands:",
                    "Arguments:",
                    "[default",
                    "[possible",
                    "Print",
                ] {
                    assert!(!text.contains(word), "{path}: {text}");
                }
                assert!(
                    text.contains(&format!("{}: {path}", korean::USAGE)),
                    "{path}: {text}"
                );
                for one in command.get_subcommands() {
                    assert!(text.contains(one.get_name()), "{path}: {text}");
                }
                for long in command
                    .get_arguments()
                    .filter(|one| !one.is_hide_set())
                    .filter_map(Arg::get_long)
                {
                    assert!(text.contains(&format!("--{long}")), "{path} {long}: {text}");
                }
            }
        }
    }

    fn refused(line: &str) -> String {
        let words = line.split(' ');
        let error = if line.starts_with("otp-admin") {
            Admin::try_parse_from(words).err()
        } else {
            Enroll::try_parse_from(words).err()
        };
        told(&error.expect("it is refused"))
    }

    #[test]
    fn errors_of_the_command_line_are_told_in_korean_with_what_they_are_about() {
        for (line, said) in [
            ("otp-admin lst", "'lst' 명령이 없습니다.\n비슷한 이름: list"),
            (
                "otp-admin list --jsn",
                "'--jsn' 인자를 사용할 수 없습니다.\n비슷한 이름: --json",
            ),
            ("otp-admin show", "필요한 인자가 없습니다: <USER>"),
            (
                "otp-admin list --json --csv",
                "'--json' 인자와 '--csv' 인자는 함께 사용할 수 없습니다.",
            ),
            (
                "otp-enroll --qr round",
                "'--qr <STYLE>' 인자에 사용할 수 없는 값입니다(round)\n사용할 수 있는 값: unicode, ascii, none",
            ),
            (
                "otp-enroll --qr-file code.gif",
                "'--qr-file <PATH.svg|.png>' 인자에 사용할 수 없는 값입니다(code.gif): .svg 또는 .png로 끝나야 합니다",
            ),
            (
                "otp-admin provision alice --name a\"b",
                "'--name <LABEL>' 인자에 사용할 수 없는 값입니다(a\"b): 이름은 1자에서 32자까지이며 따옴표, 역슬래시, 제어 문자는 사용할 수 없습니다",
            ),
            (
                "otp-admin import oath x --window 1001",
                "'--window <NUMBER>' 인자에 사용할 수 없는 값입니다(1001): 0부터 1000까지의 숫자여야 합니다",
            ),
            (
                "otp-admin protect sshd --within 4",
                "'--within <SECONDS>' 인자에 사용할 수 없는 값입니다(4): 5부터 3600까지의 숫자여야 합니다",
            ),
            (
                "otp-admin import oath x --digits six",
                "'--digits <DIGITS>' 인자에 사용할 수 없는 값입니다(six): 6부터 8까지의 숫자여야 합니다",
            ),
            (
                "otp-enroll --save",
                "'--save <PATH>' 인자에 값이 필요합니다.",
            ),
            (
                "otp-admin show alice --lang ko --lang ko",
                "'--lang <en|ko>' 인자는 한 번만 사용할 수 있습니다.",
            ),
        ] {
            assert_eq!(refused(line), said, "{line}");
        }
    }

    #[test]
    fn the_command_that_help_is_for_is_found_among_options_and_their_values() {
        let mut command = in_korean(Admin::command(), "");
        command.build();
        for (line, name) in [
            ("otp-admin --help", "otp-admin"),
            ("otp-admin policy show --help", "show"),
            ("otp-admin help policy show", "show"),
            ("otp-admin --conf list policy --help", "policy"),
            ("otp-admin --lang ko --local fleet backup --help", "backup"),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(named(&mut command, &words).get_name(), name, "{line}");
        }
    }

    #[test]
    fn the_last_value_of_an_option_counts() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for (line, expected) in [
            ("otp-admin list", None),
            ("otp-admin --lang ko list", Some("ko")),
            ("otp-admin list --lang=ko", Some("ko")),
            ("otp-admin list --language ko", None),
        ] {
            let found = value_of(&words(line), "--lang");
            assert_eq!(found.as_deref(), expected, "{line}");
        }
    }
}
