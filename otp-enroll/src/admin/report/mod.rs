//! `otp-admin report`: which users must have an authenticator, which have one or none, and by which rule.
//!
//! The code that a login uses decides this ([`Case::under`](super::policy::ruling::Case)). The report is written
//! while it is read, like the list.

mod names;
mod row;
mod sheet;
mod summary;

use super::cells::Format;
use super::in_order::in_order;
use super::policy::Services;
use super::progress::Progress;
use super::roster::{Known, Which};
use super::sight::Sight;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::output::Stream;
use crate::site::Site;
use clap::ValueEnum;
use names::Asked;
use otp_core::messages::report::{Roll, Unasked};
use otp_core::names::Gathering;
use otp_core::record::{Groups, ServiceName};
use otp_core::{Names, Policy};
use otp_site::clock;
use otp_site::people::{Memberships, People};
use row::{Judge, Row};
use sheet::{Sheet, Whole};
use std::io::{self, Write};
use std::path::PathBuf;
use summary::Summary;

/// The contents of a report.
pub struct Options {
    pub format: Format,
    /// A file of names, or `-`; `None`: all users.
    pub users: Option<PathBuf>,
    /// Only members of one of these groups; none: all users.
    pub groups: Vec<String>,
    /// Only these rows; the summary still counts all.
    pub only: Option<Only>,
    /// Whether to include accounts of programs.
    pub system: bool,
    /// The service whose rules apply; `None`: the rules of services without a section.
    pub service: Option<ServiceName>,
}

/// Which rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// Users who must have an authenticator, now or later, and have none
    Missing,
    /// Users without an authenticator
    Unenrolled,
    /// Accounts that are locked or disabled
    Locked,
    /// Records that cannot be read, or that nobody has any more, and names that are nobody's
    Problem,
}

/// Writes the report.
pub fn report(site: &Site<impl Engine>, options: &Options) -> Result<(), Failure> {
    let now = clock::now()?;
    let policy = options.service.as_ref().map_or_else(
        || site.policies.where_nothing_is_said().clone(),
        |service| site.policies.clone().for_service(service.as_str()),
    );
    let services = Services::of_machine();
    let doors = match &options.service {
        Some(service) => vec![services.door(service, policy.enroll)],
        None => services.doors(&site.policies),
    };
    let asked = options.users.as_deref().map(names::read).transpose()?;
    let store = site.keeper()?;
    let known = Known::read(&store)?;
    let memberships = memberships(known.people(), &policy, &options.groups);
    for group in &options.groups {
        if !memberships.is_known(group) {
            let group = group.clone();
            return Err(Unasked::NoSuchGroup { group }.into());
        }
    }
    let are_all = options.users.is_some() || known.people().unlisted().is_empty();
    let notes = notes(site, options, known.people(), &policy, &memberships);
    let which = match &asked {
        Some(Asked { names, .. }) => Which::Named(names),
        None => Which::Everybody {
            system: options.system || !options.groups.is_empty(),
            besides: besides(known.people(), &memberships),
        },
    };
    let roster = known.roster(&which);
    let sight = Sight::of(site, &store, &roster);
    let judge = Judge {
        policy: &policy,
        doors: &doors,
        people: roster.people(),
        memberships: &memberships,
        asked_groups: &options.groups,
        now,
    };
    let mut summary = Summary::of(&memberships);
    let mut sheet = Sheet::of(options.format, site.language, &memberships);
    let mut output = Stream::begin()?;
    output.write(&sheet.begin(now))?;
    if options.format != Format::Json {
        // A reader of the result must not take it for complete. JSON has the notes in the result.
        for note in &notes {
            writeln!(io::stderr(), "otp-admin: {note}").ok();
        }
    }
    let mut progress = Progress::of(roster.len(), site.language);
    let mut tell = |row: &Row, output: &mut Stream| {
        summary.add(row);
        let is_wanted = options.only.is_none_or(|only| row.is(only));
        if is_wanted {
            output.write(&sheet.row(row))
        } else {
            Ok(())
        }
    };
    let wrong = asked.iter().flat_map(|asked| asked.wrong.iter());
    let mut done = wrong.into_iter().try_for_each(|(line, why)| {
        let why = why.text(site.language);
        let problem = Roll::NoName { why }.text(site.language);
        tell(&Row::wrong(line.clone(), problem), &mut output)
    });
    if done.is_ok() {
        done = in_order(
            roster.len(),
            |at| {
                let whom = roster.at(at);
                Ok(sight.look(&whom)?.and_then(|found| judge.row(found, &whom)))
            },
            |row| {
                progress.step();
                row.map_or(Ok(()), |row| tell(&row, &mut output))
            },
        );
    }
    drop(progress);
    let whole = Whole {
        is_read: done.is_ok(),
        are_all,
    };
    output.write(&sheet.end(&summary, &notes, whole))?;
    output.end()?;
    done
}

/// Reads the groups that the report depends on.
fn memberships(people: &People, policy: &Policy, asked: &[String]) -> Memberships {
    let demanding = match &policy.enforce.groups {
        Groups::Everybody => &[],
        Groups::Named(names) => names.as_slice(),
    };
    let exempt = policy.enforce.exempt_groups.iter();
    let mut names: Vec<&str> = Vec::new();
    for name in demanding.iter().chain(exempt).chain(asked) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    Memberships::of(people, &names)
}

/// Returns members of these groups whom no service lists, if there may be such users.
fn besides(people: &People, memberships: &Memberships) -> Names {
    let mut names = Gathering::default();
    if !people.are_all() {
        for name in memberships.unlisted() {
            // These were names already; together they need no more room than the groups do.
            names.add(name).ok();
        }
    }
    names.sorted()
}

/// Returns what a reader must know about the whole report.
fn notes(
    site: &Site<impl Engine>,
    options: &Options,
    people: &People,
    policy: &Policy,
    memberships: &Memberships,
) -> Vec<String> {
    let mut notes = Vec::new();
    if options.users.is_none() {
        for one in people.unlisted() {
            let service = &*one.service;
            notes.push(if one.lists_some {
                Roll::MayListSome { service }
            } else {
                Roll::ListsNobody { service }
            });
        }
    }
    let in_policy = policy.enforce.exempt_groups.iter();
    let in_policy = in_policy.chain(match &policy.enforce.groups {
        Groups::Everybody => &[],
        Groups::Named(names) => names.as_slice(),
    });
    for group in in_policy {
        if !memberships.is_known(group) {
            notes.push(Roll::UnknownGroup { group });
        }
    }
    notes.iter().map(|note| note.text(site.language)).collect()
}
