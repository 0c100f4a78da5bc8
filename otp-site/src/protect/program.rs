//! The programs that `otp-admin protect` has lines for.
//!
//! A test compares each with its row in `conf/programs.toml`, the table of measurements.

use otp_core::every;

/// A program that uses PAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The SSH server.
    Sshd,
    /// `sudo`, and `sudo -i`.
    Sudo,
    /// `su`, and `su -`.
    Su,
    /// The console.
    Login,
    /// The web console.
    Cockpit,
    /// The program that asks before privileged actions of a desktop and of systemd.
    Polkit,
    /// The mail server.
    Dovecot,
    /// The FTP server.
    Vsftpd,
    /// The VPN server, with its plugin auth-pam.
    OpenVpn,
    /// The web server, with `auth_pam`.
    Nginx,
    /// The web server, with `authnz_pam`.
    Apache,
    /// The RADIUS server, with `rlm_pam`.
    FreeRadius,
    /// The database server.
    PostgreSql,
    /// A screen locker.
    I3lock,
    /// A screen locker.
    Swaylock,
    /// A screen locker.
    Gtklock,
    /// A screen locker.
    Xscreensaver,
}

/// How a program answers the questions of modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Each question separately.
    Each,
    /// All questions with one reply.
    Once,
}

/// The user ids of a program while it uses PAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsAs {
    /// Root's.
    Root,
    /// Root's by a set-user-ID bit.
    SetUid,
    /// The ids of the user who is asked.
    User,
    /// The ids of a service account, whose name in distributions is one of these.
    Account(&'static [&'static str]),
}

impl Program {
    /// All variants.
    pub const ALL: [Self; 17] = every!(
        Program: Sshd, Sudo, Su, Login, Cockpit, Polkit, Dovecot, Vsftpd, OpenVpn, Nginx, Apache, FreeRadius, PostgreSql, I3lock, Swaylock, Gtklock, Xscreensaver,
    );

    /// Returns the name that `protect` uses: that of the first service.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.services()[0]
    }

    /// Returns the program of that name, of one of its services, or of a common name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let is = |one: &Self| one.services().contains(&name) || one.also().contains(&name);
        Self::ALL.into_iter().find(is)
    }

    /// Returns its PAM services. The first must exist; the others are changed if they exist.
    #[must_use]
    pub const fn services(self) -> &'static [&'static str] {
        match self {
            Self::Sshd => &["sshd"],
            Self::Sudo => &["sudo", "sudo-i"],
            Self::Su => &["su", "su-l"],
            Self::Login => &["login"],
            Self::Cockpit => &["cockpit"],
            Self::Polkit => &["polkit-1"],
            Self::Dovecot => &["dovecot"],
            Self::Vsftpd => &["vsftpd"],
            Self::OpenVpn => &["openvpn"],
            Self::Nginx => &["nginx"],
            Self::Apache => &["apache2"],
            Self::FreeRadius => &["radiusd"],
            Self::PostgreSql => &["postgresql"],
            Self::I3lock => &["i3lock"],
            Self::Swaylock => &["swaylock"],
            Self::Gtklock => &["gtklock"],
            Self::Xscreensaver => &["xscreensaver"],
        }
    }

    const fn also(self) -> &'static [&'static str] {
        match self {
            Self::Sshd => &["ssh"],
            Self::Polkit => &["polkit"],
            Self::Apache => &["apache", "httpd"],
            Self::FreeRadius => &["freeradius"],
            Self::PostgreSql => &["postgres"],
            _ => &[],
        }
    }

    /// Returns how the program answers questions.
    #[must_use]
    pub const fn asks(self) -> Asks {
        match self {
            Self::Sshd
            | Self::Sudo
            | Self::Su
            | Self::Login
            | Self::Cockpit
            | Self::Polkit
            | Self::Xscreensaver => Asks::Each,
            Self::Dovecot
            | Self::Vsftpd
            | Self::OpenVpn
            | Self::Nginx
            | Self::Apache
            | Self::FreeRadius
            | Self::PostgreSql
            | Self::I3lock
            | Self::Swaylock
            | Self::Gtklock => Asks::Once,
        }
    }

    /// Returns the user ids that the program has.
    #[must_use]
    pub const fn runs_as(self) -> RunsAs {
        match self {
            Self::Sshd
            | Self::Login
            | Self::Cockpit
            | Self::Dovecot
            | Self::Vsftpd
            | Self::OpenVpn => RunsAs::Root,
            Self::Sudo | Self::Su | Self::Polkit => RunsAs::SetUid,
            Self::Nginx => RunsAs::Account(&["www-data", "nginx"]),
            Self::Apache => RunsAs::Account(&["www-data", "apache"]),
            Self::FreeRadius => RunsAs::Account(&["freerad", "radiusd"]),
            Self::PostgreSql => RunsAs::Account(&["postgres"]),
            Self::I3lock | Self::Swaylock | Self::Gtklock | Self::Xscreensaver => RunsAs::User,
        }
    }

    /// Whether no package has a file for its service, since its configuration names the service.
    #[must_use]
    pub const fn brings_no_file(self) -> bool {
        matches!(
            self,
            Self::OpenVpn | Self::Nginx | Self::Apache | Self::PostgreSql
        )
    }

    /// Whether it asks for the code of the target account, which often is root's.
    #[must_use]
    pub const fn asks_root(self) -> bool {
        matches!(self, Self::Su | Self::Login)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml::de::{DeTable, DeValue};

    /// The rows of the table of measurements: name, services, how it asks, its user.
    fn measured() -> Vec<(Vec<String>, String, String)> {
        let table = DeTable::parse(include_str!("../../../conf/programs.toml")).unwrap();
        let text = |value: &DeValue| value.as_str().unwrap().to_owned();
        let rows = table.get_ref()["program"].get_ref().as_array().unwrap();
        rows.iter()
            .map(|row| {
                let row = row.get_ref();
                let services = row["services"].get_ref().as_array().unwrap().iter();
                let services = services.map(|one| text(one.get_ref()));
                let of = |key: &str| text(row[key].get_ref());
                (services.collect(), of("asks"), of("runs_as"))
            })
            .collect()
    }

    #[test]
    fn each_program_agrees_with_the_measured_table() {
        let rows = measured();
        for program in Program::ALL {
            let is_its = |row: &&(Vec<String>, String, String)| {
                row.0.iter().any(|one| one == program.name()) && row.1 != "by text"
            };
            let its: Vec<_> = rows.iter().filter(is_its).collect();
            // Programs that were not measured get the lines that work for both ways of asking.
            assert!(
                !its.is_empty() || program.asks() == Asks::Once,
                "{program:?}"
            );
            let in_one_row = |row: &&(Vec<String>, String, String)| row.0 == program.services();
            assert!(its.is_empty() || its.iter().any(in_one_row), "{program:?}");
            for (services, asks, runs_as) in its {
                // One of several programs may have its own file where another shares one.
                let is_known = |one: &String| program.services().contains(&one.as_str());
                assert!(services.iter().all(is_known), "{program:?}: {services:?}");
                let asks_so = match program.asks() {
                    Asks::Each => "each",
                    Asks::Once => "once",
                };
                assert_eq!(asks, asks_so, "{program:?}");
                let runs_so = match program.runs_as() {
                    RunsAs::Root | RunsAs::SetUid => "root",
                    RunsAs::User => "user",
                    RunsAs::Account(names) => names[0],
                };
                assert_eq!(runs_as, runs_so, "{program:?}");
            }
        }
    }

    #[test]
    fn a_program_is_known_by_its_services_and_its_usual_names() {
        for (name, program) in [
            ("ssh", Program::Sshd),
            ("sudo-i", Program::Sudo),
            ("polkit", Program::Polkit),
            ("httpd", Program::Apache),
        ] {
            assert_eq!(Program::named(name), Some(program));
        }
        for name in ["", "cron", "common-auth", "other"] {
            assert_eq!(Program::named(name), None, "{name}");
        }
        for program in Program::ALL {
            assert_eq!(Program::named(program.name()), Some(program));
        }
    }
}
