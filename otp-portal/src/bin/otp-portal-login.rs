//! The part of the portal that runs PAM, as root. See `otp-portal-login(8)`.

use clap::Parser;
use nix::unistd::geteuid;
use otp_core::record::Language;
use otp_helper::records::Installation;
use otp_portal::config::{DEFAULT_FILE, Logins};
use otp_portal::login::{From, Site, become_user, converse, log_out, privileges, serve};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Runs PAM for the portal, and has the helper do what users who have logged in may ask for
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Listen at this path. By default, use the socket that systemd hands over
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The account of the portal. The program serves no other
    #[arg(long, value_name = "NAME", default_value = "_pam-otp-portal")]
    account: String,
    /// The directory of the key
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/var/lib/pam_otp-portal-login"
    )]
    state: PathBuf,
    /// The configuration of the portal, which says how long a login lasts and whether root may log in
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    conf: PathBuf,
    /// Only check that the configuration can be used, and that the helper gets its group from running processes
    #[arg(long)]
    check: bool,
    /// The program that reads events back
    #[arg(long, value_name = "PATH", default_value = "/usr/sbin/otp-admin")]
    admin: PathBuf,
    /// The helper
    #[arg(long, value_name = "PATH", default_value = otp_helper::client::DEFAULT_HELPER)]
    helper: PathBuf,
    /// End every login of this user, and serve nothing
    #[arg(long, value_name = "USER")]
    log_out: Option<String>,
    /// Internal: serve the connection on standard input
    #[arg(long, hide = true)]
    conversation: bool,
    /// Internal: the configured time of a login
    #[arg(long, hide = true, value_name = "SECONDS")]
    lasts: Option<u64>,
    /// Internal: root may log in
    #[arg(long, hide = true)]
    root: bool,
    /// Internal: become this user and execute the helper
    #[arg(long, hide = true, value_name = "UID")]
    r#become: Option<u32>,
    /// Internal: the language of that user
    #[arg(long, hide = true, value_name = "TAG")]
    language: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !geteuid().is_root() {
        return failed("only root can run it");
    }
    if let Some(uid) = arguments.r#become {
        let language = arguments.language.and_then(|tag| Language::from_tag(&tag));
        return failed(&become_user(uid, &arguments.helper, language));
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return failed(&error),
    };
    let logins = match arguments.lasts {
        Some(seconds) if arguments.conversation => Ok(Logins {
            lasts: Duration::from_secs(seconds),
            root: arguments.root,
        }),
        // The configuration does not matter here, and a faulty one must not prevent this.
        _ if arguments.log_out.is_some() => Ok(Logins::usual()),
        _ => Logins::load(&arguments.conf),
    };
    let logins = match logins {
        Ok(logins) => logins,
        Err(error) => return failed(&error),
    };
    if arguments.check {
        return match privileges::of_those_that_run(&program) {
            Ok(()) => ExitCode::SUCCESS,
            Err(trouble) => failed(&trouble),
        };
    }
    let site = Site {
        account: arguments.account,
        state: arguments.state,
        lasts: logins.lasts,
        root_may: logins.root,
        at: Installation {
            helper: arguments.helper,
            ..Installation::default()
        },
        admin: arguments.admin,
        program,
    };
    if let Some(user) = arguments.log_out {
        return match log_out(&site, &user) {
            Ok(()) => ExitCode::SUCCESS,
            Err(trouble) => failed(&trouble),
        };
    }
    if arguments.conversation {
        return converse(&site);
    }
    let from = arguments.socket.map_or(From::Systemd, From::Path);
    privileges::look();
    // The arguments of a conversation: those of this process except for the socket, and the values from the
    // configuration.
    let passed_on: [OsString; 10] = [
        "--account".into(),
        site.account.clone().into(),
        "--state".into(),
        site.state.clone().into(),
        "--lasts".into(),
        site.lasts.as_secs().to_string().into(),
        "--admin".into(),
        site.admin.clone().into(),
        "--helper".into(),
        site.at.helper.clone().into(),
    ];
    let mut passed_on = passed_on.to_vec();
    if site.root_may {
        passed_on.push("--root".into());
    }
    match serve(&site, &from, &passed_on) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => failed(&trouble),
    }
}

fn failed(why: &(impl std::fmt::Display + ?Sized)) -> ExitCode {
    writeln!(io::stderr(), "otp-portal-login: {why}").ok();
    ExitCode::FAILURE
}
