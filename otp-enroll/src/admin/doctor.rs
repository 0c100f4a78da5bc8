//! `otp-admin doctor`: finds faults around our lines in PAM's files, and says what to do about them.

use super::route;
use super::seal::HostKey;
use crate::certificate::Certificate;
use crate::cli::Common;
use crate::failure::{Failure, in_full, system};
use crate::locale::Locale;
use crate::output;
use nix::unistd::geteuid;
use otp_core::Zone;
use otp_core::messages::doctor::{Summary, Weight};
use otp_core::messages::fleet::Wrong;
use otp_core::messages::reason::Wording;
use otp_core::messages::trouble::Trouble;
use otp_core::record::{FleetPolicy, Language, Policies};
use otp_site::doctor::{Diagnosis, Files, Machine, Outside, Report};
use otp_site::{Error, clock, policy, zone};
use otp_store::sealed::NoKeyFile;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

const PROGRAM: &str = "otp-admin";
/// The heading of findings about no particular service.
const MACHINE: &str = "machine";
/// The heading if a sealing key is missing.
const SEAL: &str = "seal";

/// The heading of findings about the fleet that this machine belongs to.
const FLEET: &str = "fleet";
/// How long before its end a certificate is reported.
const SOON: Duration = Duration::from_secs(14 * 86_400);
/// The paths at which distributions install sshd.
const SSHD: [&str; 3] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"];

/// Examines this machine, or the one whose files are below `root`, and reports the findings.
///
/// Exit status 0: no problem. 1: a problem was found. 2: something could not be examined.
///
/// `identity`: the administrator's certificate and its key, with which the fleet of this machine is asked.
pub fn doctor(
    common: &Common,
    services: &[String],
    json: bool,
    root: &Path,
    identity: [&Path; 2],
) -> ExitCode {
    let locale = Locale::of_process();
    let chosen = common.lang.or(locale.language);
    if !geteuid().is_root() {
        let program = PROGRAM;
        let failure = Failure::from(Trouble::NotRoot { program });
        return failure.report(PROGRAM, chosen.unwrap_or_default());
    }
    let files = Files::below(root);
    let policies = load(&files, &common.conf);
    let language = chosen
        .or_else(|| {
            let policies = policies.as_ref().ok();
            policies.map(|policies| policies.where_nothing_is_said().language)
        })
        .unwrap_or_default();
    let fleet = policies
        .as_ref()
        .map(|policies| policies.for_account().fleet);
    let is_of_this_machine = root == Path::new("/") && services.is_empty();
    let key = policies.as_ref().ok().filter(|_| is_of_this_machine);
    let no_key = key.and_then(no_sealing_key);
    let fleet = if is_of_this_machine {
        // Programs are told UTC.
        let zone = if json {
            Zone::UTC
        } else {
            zone::of_this_machine()
        };
        Fleet::of(
            &fleet.unwrap_or_default(),
            common,
            identity,
            &zone,
            language,
        )
    } else {
        Fleet::default()
    };
    let told = examine(common, services, (files, policies)).and_then(|mut report| {
        report.unexamined.extend(fleet.unexamined);
        report.unexamined.extend(no_key);
        let text = if json {
            in_json(&report, &fleet.problems, language)
        } else {
            in_words(&report, &fleet.problems, language)
        };
        output::print(&text)?;
        Ok(report)
    });
    match told {
        Ok(report) => status(&report, fleet.problems.len(), language),
        Err(failure) => failure.report(PROGRAM, language),
    }
}

/// Returns why no user with a sealed record can log in, if the sealing key that the policy names cannot be read;
/// `None`: it can, or the policy names none.
fn no_sealing_key(policies: &Policies) -> Option<(String, Wording)> {
    let key = HostKey::at(&policies.for_account().seal.key)?;
    let reason = match key.read() {
        Ok(Some(_)) => return None,
        Ok(None) => {
            let path = key.file().to_owned();
            let missing = NoKeyFile::Missing { path };
            Wording::of(|language| missing.text(language))
        }
        Err(unsealed) => Wording::of(|language| unsealed.text(language)),
    };
    Some((SEAL.to_owned(), reason))
}

fn examine(
    common: &Common,
    services: &[String],
    (files, policies): (Files, Result<Policies, Error>),
) -> Result<Report, Failure> {
    let machine = Machine {
        files: &files,
        policies,
        records: &common.state_dir,
        outside: &Here {
            is_here: files.are_here(),
        },
        now: clock::now()?,
    };
    Ok(machine.examine(services)?)
}

/// Loads the policy. If the default file is missing in another system too, the defaults apply, as they do here.
fn load(files: &Files, conf: &Path) -> Result<Policies, Error> {
    let place = files.place(conf);
    match policy::load(&place) {
        Err(Error::NoPolicy { .. }) if conf == Path::new(policy::DEFAULT_FILE) => {
            Ok(Policies::default())
        }
        read => read,
    }
}

/// The fleet's own report, if this machine belongs to a fleet.
#[derive(Default)]
struct Fleet {
    problems: Vec<OfFleet>,
    /// Why the fleet could not be asked.
    unexamined: Option<(String, Wording)>,
}

/// A problem of the fleet, in the form of `otp-admin fleet status --json`.
#[derive(serde::Deserialize)]
struct OfFleet {
    id: String,
    text: String,
}

#[derive(serde::Deserialize)]
struct Status {
    problems: Vec<OfFleet>,
}

impl Fleet {
    /// Examines the certificate of this machine, and asks the fleet if this machine can.
    fn of(
        fleet: &FleetPolicy,
        common: &Common,
        identity: [&Path; 2],
        zone: &Zone,
        language: Language,
    ) -> Self {
        let Some(program) = route::program_of(fleet) else {
            return Self::default();
        };
        // Most machines have no administrator's certificate; that is not a fault.
        let can_ask = program == route::FLEET_ADMIN || identity[0].exists();
        let mut found = if can_ask {
            of_fleet(program, common, identity, language)
        } else {
            Self::default()
        };
        let own = fleet.certificate.as_deref().filter(|_| fleet.is_used());
        let certificate = own.and_then(|path| Some((path, Certificate::in_file(path)?)));
        if let (Some((path, certificate)), Ok(now)) = (certificate, clock::now())
            && certificate.ends < now.after(SOON)
        {
            let path = path.display().to_string();
            let when = zone.at(certificate.ends).second(language);
            let wrong = Wrong::CertificateEnds {
                path: &path,
                when: &when,
            };
            found.problems.push(OfFleet {
                id: wrong.id().to_owned(),
                text: wrong.text(language),
            });
        }
        found
    }
}

/// Asks the fleet for its state, as `otp-admin fleet status` does.
fn of_fleet(
    program: &str,
    common: &Common,
    [certificate, key]: [&Path; 2],
    language: Language,
) -> Fleet {
    let mut command = route::command_of(program);
    let asked = command
        .args(["fleet", "status", "--json", "--lang", language.tag()])
        .arg("--conf")
        .arg(&common.conf)
        .arg("--certificate")
        .arg(certificate)
        .arg("--key")
        .arg(key)
        .stdin(Stdio::null())
        .output();
    let unexamined = |reason: Wording| Fleet {
        problems: Vec::new(),
        unexamined: Some((FLEET.to_owned(), reason)),
    };
    let output = match asked {
        Ok(output) => output,
        Err(error) => return unexamined(not_run(program, &error)),
    };
    if let Ok(Status { problems }) = serde_json::from_slice(&output.stdout) {
        return Fleet {
            problems,
            unexamined: None,
        };
    }
    let said = String::from_utf8_lossy(&output.stderr);
    unexamined(plain(said.lines().next().unwrap_or_default()).into())
}

/// Says that a program could not be run.
fn not_run(program: &str, error: &io::Error) -> Wording {
    Wording::of(|language| format!("{program}: {}", otp_file::told(error, language)))
}

fn status(report: &Report, of_fleet: usize, language: Language) -> ExitCode {
    for (what, reason) in &report.unexamined {
        let (what, reason) = (what.clone(), reason.clone());
        let said = Summary::Unexamined { what, reason }.text(language);
        let said = plain(&in_full(language, said));
        // The exit status shows this too.
        writeln!(io::stderr(), "{PROGRAM}: {said}").ok();
    }
    if !report.unexamined.is_empty() {
        ExitCode::from(2)
    } else if problems(report) + of_fleet > 0 {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    }
}

fn problems(report: &Report) -> usize {
    let weights = report.found.iter().map(|one| one.finding.weight());
    weights.filter(|one| *one == Weight::Problem).count()
}

/// Writes a line for each finding, and a summary.
fn in_words(report: &Report, of_fleet: &[OfFleet], language: Language) -> String {
    let line = |one: &Diagnosis| {
        let (id, said) = (one.finding.id(), plain(&one.finding.text(language)));
        let service = plain(one.service.as_deref().unwrap_or(MACHINE));
        let weight = match one.finding.weight() {
            Weight::Problem => "",
            Weight::Note => " (note)",
        };
        format!("{service}: {id}{weight}: {said}\n")
    };
    let mut text: String = report.found.iter().map(line).collect();
    let of_all = |one: &OfFleet| format!("{FLEET}: {}: {}\n", plain(&one.id), plain(&one.text));
    text.extend(of_fleet.iter().map(of_all));
    let services = report.examined.join(", ");
    let problems = problems(report) + of_fleet.len();
    let mut say = |summary: Summary| {
        text += &plain(&summary.text(language));
        text.push('\n');
    };
    if report.examined.is_empty() {
        say(Summary::NoLines);
    } else if problems == 0 {
        say(Summary::Sound { services });
    } else {
        say(Summary::Found { services, problems });
    }
    if !report.unprotected.is_empty() {
        let services = report.unprotected.join(", ");
        say(Summary::Unprotected { services });
    }
    text
}

/// Replaces characters that a terminal would act on: names and lines may come from another system.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "?")
}

fn in_json(report: &Report, of_fleet: &[OfFleet], language: Language) -> String {
    let finding = |one: &Diagnosis| {
        let when: Vec<_> = one
            .when
            .iter()
            .map(|given| {
                serde_json::json!({
                    "line": given.line, "module": given.module, "answer": given.answer,
                })
            })
            .collect();
        serde_json::json!({
            "service": one.service,
            "id": one.finding.id(),
            "weight": one.finding.weight().word(),
            "text": one.finding.text(language),
            "when": when,
        })
    };
    let of_all = |one: &OfFleet| {
        serde_json::json!({
            "service": FLEET,
            "id": one.id,
            "weight": Weight::Problem.word(),
            "text": one.text,
            "when": [],
        })
    };
    let unexamined = |(what, reason): &(String, Wording)| serde_json::json!({ "what": what, "reason": reason.text(language) });
    let object = serde_json::json!({
        "examined": report.examined,
        "unprotected": report.unprotected,
        "findings": report.found.iter().map(finding).chain(of_fleet.iter().map(of_all)).collect::<Vec<_>>(),
        "unexamined": report.unexamined.iter().map(unexamined).collect::<Vec<_>>(),
    });
    format!("{object}\n")
}

/// The programs of this machine; the programs of another system are not run.
struct Here {
    is_here: bool,
}

impl Outside for Here {
    fn sshd(&self, connection: Option<&str>) -> Result<Option<String>, Wording> {
        let program = SSHD.iter().find(|one| Path::new(one).exists());
        let (Some(program), true) = (program, self.is_here) else {
            return Ok(None);
        };
        let mut command = Command::new(program);
        command.arg("-T");
        if let Some(connection) = connection {
            command.args(["-C", connection]);
        }
        let output = command
            .stdin(Stdio::null())
            .output()
            .map_err(|error| system(&error))?;
        if output.status.success() {
            return Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or_default().trim();
        Err(format!("{program}: {last}").into())
    }

    fn keeps_clock(&self) -> Option<bool> {
        if !self.is_here {
            return None;
        }
        let output = Command::new("timedatectl")
            .args(["show", "--property=NTPSynchronized", "--value"])
            .stdin(Stdio::null())
            .output()
            .ok()?;
        match output.stdout.trim_ascii() {
            b"yes" => Some(true),
            b"no" => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::tests::assert_is_told;

    #[test]
    fn a_program_that_does_not_run_is_told_in_every_language() {
        let error = io::Error::from_raw_os_error(13);
        let english = "otp-fleet: Permission denied (os error 13)";
        assert_is_told(&not_run("otp-fleet", &error), english);
    }

    #[test]
    fn the_doctor_looks_for_the_helper_that_the_module_starts() {
        assert_eq!(
            otp_site::doctor::service::HELPER,
            otp_helper::client::DEFAULT_HELPER
        );
    }

    #[test]
    fn the_doctor_looks_at_the_records_that_the_module_uses() {
        assert_eq!(
            otp_site::doctor::records::DIRECTORY,
            otp_store::files::DEFAULT_DIRECTORY
        );
    }
}
