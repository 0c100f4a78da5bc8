//! The facts about the programs that use PAM: `conf/programs.toml`, as it was at build time.

use otp_file::{text, texts, truth};
use toml::de::{DeTable, DeValue};

const TABLE: &str = include_str!("../../../conf/programs.toml");

/// How a program answers the questions of modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Each question separately.
    Each,
    /// All questions with one reply.
    Once,
    /// By the words of the question.
    ByText,
    /// The program asks for no authentication.
    Never,
}

/// One program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The name of the program.
    pub name: String,
    /// The services that it uses.
    pub services: Vec<String>,
    /// How it answers questions.
    pub asks: Asks,
    /// The effective user: "root", "user" for the user who authenticates, or an account.
    pub runs_as: String,
    /// Whether an authenticator may be set up in a login.
    pub enrols: bool,
}

impl Program {
    /// Reads a row; `None`: it does not say what it must, which a test rules out.
    fn read(row: &DeValue<'_>) -> Option<Self> {
        let value = |key: &str| Some(row.as_table()?.get(key)?.get_ref());
        Some(Self {
            name: text(value("name")?).ok()?.to_owned(),
            services: texts(value("services")?).ok()?,
            asks: match text(value("asks")?).ok()? {
                "each" => Asks::Each,
                "once" => Asks::Once,
                "by text" => Asks::ByText,
                "never" => Asks::Never,
                _ => return None,
            },
            runs_as: text(value("runs_as")?).ok()?.to_owned(),
            enrols: truth(value("enrols")?).ok()?,
        })
    }
}

/// All programs.
#[must_use]
pub fn programs() -> Vec<Program> {
    rows().unwrap_or_default()
}

fn rows() -> Option<Vec<Program>> {
    let table = DeTable::parse(TABLE).ok()?;
    let rows = table.get_ref().get("program")?.get_ref().as_array()?;
    rows.iter()
        .map(|row| Program::read(row.get_ref()))
        .collect()
}

/// Returns the programs that use a service.
#[must_use]
pub fn of_service(service: &str) -> Vec<Program> {
    let mut programs = programs();
    programs.retain(|one| one.services.iter().any(|name| name == service));
    programs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let written = TABLE.lines().filter(|line| *line == "[[program]]").count();
        assert!(written > 20);
        assert_eq!(programs().len(), written);
    }

    #[test]
    fn a_service_asks_in_the_way_that_the_table_says() {
        let asks = |service| -> Vec<Asks> {
            let programs = of_service(service);
            programs.into_iter().map(|one| one.asks).collect()
        };
        assert_eq!(asks("i3lock"), [Asks::Once]);
        assert_eq!(asks("cron"), [Asks::Never]);
        assert!(asks("openvpn").contains(&Asks::ByText));
        assert!(asks("no-such-service").is_empty());
    }
}
