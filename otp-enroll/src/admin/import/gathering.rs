//! Reads the files that a command names, into keys with their owners.

use super::people::{People, Person, not_looked_up, person};
use super::places::{self, Place};
use super::plan::{self, Found, Whose};
use super::reading::{self, Content, WithRightsOf};
use crate::cli::ImportCommand;
use crate::failure::{Failure, system};
use otp_core::messages::import::{Flaw, Obstacle};
use otp_core::messages::reason::{Unfit, Wording};
use otp_core::messages::trouble::Trouble;
use otp_core::record::{Digits, Kind, Language};
use otp_core::{Account, UnixTime};
use otp_import::{
    Entry, LIMIT, LIMIT_OF_USER, OathOptions, PskcOptions, Reach, TransportKey, Unreadable,
    google_authenticator, key_container, uris, users_oath,
};
use otp_site::users;
use std::path::{Path, PathBuf};
use std::{fs, io, thread};

/// The keys that were found, and where.
pub struct Gathered {
    /// The names of the files for messages; a place refers to one by its number.
    pub files: Vec<String>,
    pub found: Vec<Found>,
    pub people: People,
}

/// The largest size of a file with the key of a key container, in bytes.
const LIMIT_OF_KEY: u64 = 4096;

/// Reads the files that the command names.
///
/// # Errors
/// A file of many users cannot be read as a whole, or the name service cannot be listed. A fault in one user's file
/// is an obstacle of that user.
pub fn gather(command: ImportCommand, now: UnixTime) -> Result<Gathered, Failure> {
    match command {
        ImportCommand::GoogleAuthenticator { paths, user, .. } => of_users(&paths, user.as_deref()),
        ImportCommand::Oath {
            path,
            window,
            digits,
            ..
        } => {
            let options = OathOptions {
                window: window.map(u64::from),
                digits: digits.and_then(|digits| Digits::new(digits.into()).ok()),
            };
            let bytes = whole(&path, LIMIT)?;
            let entries: Vec<Entry> = users_oath(&bytes, options).collect();
            if entries.is_empty() {
                let flaw = Flaw::Empty;
                return Err(unreadable(&path, Unreadable { line: 1, flaw }));
            }
            of_one_file(&path, entries, None)
        }
        ImportCommand::Uris {
            path, user, window, ..
        } => {
            let bytes = whole(&path, LIMIT)?;
            let mut entries = uris(&bytes).map_err(|fault| unreadable(&path, fault))?;
            set_reach(&mut entries, window);
            of_one_file(&path, entries, user.as_deref())
        }
        ImportCommand::Pskc {
            path,
            user,
            window,
            key_file,
            without_mac,
            ..
        } => {
            let transport_key = key_file.as_deref().map(transport_key).transpose()?;
            let options = PskcOptions {
                transport_key: transport_key.as_ref(),
                without_mac,
                now,
            };
            let bytes = whole(&path, LIMIT)?;
            let mut entries =
                key_container(&bytes, &options).map_err(|fault| unreadable(&path, fault))?;
            set_reach(&mut entries, window);
            of_one_file(&path, entries, user.as_deref())
        }
    }
}

fn whole(path: &Path, limit: u64) -> Result<Content, Failure> {
    reading::read_of_root(path, limit).map_err(|reason| {
        let path = shown(path);
        Trouble::NotReadable {
            path,
            line: None,
            reason,
        }
        .into()
    })
}

fn transport_key(path: &Path) -> Result<TransportKey, Failure> {
    TransportKey::from_file(&whole(path, LIMIT_OF_KEY)?).ok_or_else(|| {
        let path = shown(path);
        Trouble::NotReadable {
            path,
            line: None,
            reason: Unfit::NoTransportKey.into(),
        }
        .into()
    })
}

/// Returns a path for messages, escaped: users choose the names of their directories.
fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}

fn unreadable(path: &Path, fault: Unreadable) -> Failure {
    Trouble::NotReadable {
        path: shown(path),
        line: Some(fault.line),
        reason: Wording::of(|language| fault.flaw.text(language)),
    }
    .into()
}

/// Sets the window of the command line for keys whose file does not state it.
fn set_reach(entries: &mut [Entry], window: Option<u16>) {
    let Some(window) = window.map(u64::from) else {
        return;
    };
    for device in entries
        .iter_mut()
        .filter_map(|entry| entry.device.as_mut().ok())
    {
        let before = match device.kind {
            Kind::Totp(_) => window,
            Kind::Hotp => 0,
        };
        device.reach = Some(Reach {
            before,
            after: window,
        });
        device.ahead = window;
    }
}

fn of_one_file(path: &Path, entries: Vec<Entry>, user: Option<&str>) -> Result<Gathered, Failure> {
    let account = user.map(named).transpose()?;
    let people = listed(entries.len())?;
    let found = entries
        .into_iter()
        .map(|entry| {
            let whose = match (&account, &entry.owner) {
                (Some(account), _) => Whose::Account(account.clone()),
                (None, Some(owner)) => Whose::Named(owner.clone()),
                (None, None) => Whose::Unknown,
            };
            of_entry(entry, 0, whose)
        })
        .collect();
    Ok(Gathered {
        files: vec![shown(path)],
        found,
        people,
    })
}

fn of_entry(entry: Entry, file: usize, whose: Whose) -> Found {
    Found {
        place: plan::Place {
            file,
            line: entry.line,
        },
        whose,
        label: entry.label,
        device: entry.device,
    }
}

fn named(user: &str) -> Result<Account, Failure> {
    let account = users::account(user)?;
    account.ok_or_else(|| {
        let user = user.to_owned();
        Trouble::NoSuchUser { user }.into()
    })
}

fn listed(look_ups: usize) -> Result<People, Failure> {
    People::for_look_ups(look_ups).map_err(not_listed)
}

fn not_listed(error: io::Error) -> Failure {
    Failure::Site(otp_site::Error::NameService(error))
}

/// A file of one user, which must be read with that user's rights.
struct OfUser {
    path: PathBuf,
    who: Result<Person, (String, Obstacle)>,
    /// Whether root may own it.
    may_be_roots: bool,
    /// Whether it may be missing.
    may_be_missing: bool,
}

fn of_users(paths: &[PathBuf], user: Option<&str>) -> Result<Gathered, Failure> {
    let user = user.map(named).transpose()?;
    let places = Place::of(paths);
    let for_all = |place: &Place| matches!(place, Place::OfEverybody(_));
    let people = if user.is_none() && places.iter().any(for_all) {
        People::listed().map_err(not_listed)?
    } else {
        People::one_by_one()
    };
    let mut wanted = Vec::new();
    for place in &places {
        wanted.extend(files_of(place, user.as_ref(), &people)?);
    }
    // A thread of its own, which gives up its rights; no other thread works with what it opens.
    let read = thread::scope(|scope| scope.spawn(|| read_all(&wanted)).join());
    let read = read.unwrap_or_else(|_| Err(io::Error::other(Unfit::ReadingEnded)));
    let contents = read.map_err(|error| {
        let path = shown(
            &wanted
                .first()
                .map_or_else(PathBuf::new, |one| one.path.clone()),
        );
        Failure::from(Trouble::NotReadable {
            path,
            line: None,
            reason: no_rights(&error),
        })
    })?;
    let mut files = Vec::new();
    let mut found = Vec::new();
    for (of_user, content) in wanted.into_iter().zip(contents) {
        let (whose, content) = match (of_user.who, content) {
            (Ok(person), content) => (Whose::Account(person.account), content),
            (Err((name, obstacle)), _) => (
                Whose::Named(otp_import::Owner::exactly(name)),
                Err(obstacle),
            ),
        };
        let device = match content {
            Ok(Some(bytes)) => google_authenticator(&bytes).device,
            Ok(None) if of_user.may_be_missing => continue,
            Ok(None) => Err(Obstacle::File {
                reason: system(&io::ErrorKind::NotFound.into()),
            }),
            Err(obstacle) => Err(obstacle),
        };
        found.push(Found {
            place: plan::Place {
                file: files.len(),
                line: 1,
            },
            whose,
            label: None,
            device,
        });
        files.push(shown(&of_user.path));
    }
    Ok(Gathered {
        files,
        found,
        people,
    })
}

/// Says that this process cannot read files with the rights of their users.
fn no_rights(error: &io::Error) -> Wording {
    Wording::of(|language| {
        let reason = otp_file::told(error, language);
        match language {
            Language::English => format!("this process cannot take a user's rights: {reason}"),
            Language::Korean => {
                format!("이 프로세스의 권한을 사용자의 권한으로 바꿀 수 없습니다: {reason}")
            }
        }
    })
}

type Read = Result<Option<Content>, Obstacle>;

fn read_all(wanted: &[OfUser]) -> io::Result<Vec<Read>> {
    let rights = WithRightsOf::begin()?;
    let read = |one: &OfUser| match &one.who {
        Ok(person) => rights
            .read(person, &one.path, one.may_be_roots, LIMIT_OF_USER)
            .map_err(|reason| Obstacle::File { reason }),
        Err(_) => Ok(None),
    };
    Ok(wanted.iter().map(read).collect())
}

fn files_of(
    place: &Place,
    user: Option<&Account>,
    people: &People,
) -> Result<Vec<OfUser>, Failure> {
    match place {
        Place::OfEverybody(pattern) => {
            let one = user
                .map(|account| person(account.clone()).map_err(|_| no_such(account)))
                .transpose()?;
            let everybody = match &one {
                Some(person) => vec![person],
                None => people.everybody(),
            };
            let is_in_homes = places::is_in_homes(pattern);
            let of_user = |person: &Person| OfUser {
                path: places::expanded(pattern, person),
                who: Ok(person.clone()),
                may_be_roots: !is_in_homes,
                may_be_missing: one.is_none(),
            };
            Ok(everybody.into_iter().map(of_user).collect())
        }
        Place::Directory(path) => in_directory(path, people),
        Place::File(path) => {
            let path = absolute(path);
            let who = match user {
                Some(account) => person(account.clone())
                    .map_err(|obstacle| (account.name.as_str().to_owned(), obstacle)),
                None => owner(&path),
            };
            Ok(vec![OfUser {
                path,
                who,
                may_be_roots: user.is_some(),
                may_be_missing: false,
            }])
        }
    }
}

fn no_such(account: &Account) -> Failure {
    let user = account.name.as_str().to_owned();
    Trouble::NoSuchUser { user }.into()
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Finds the user of a file by its owner. A file of root's could be any user's, unless it is in root's own home.
fn owner(path: &Path) -> Result<Person, (String, Obstacle)> {
    let nobody = |obstacle| (String::new(), obstacle);
    let uid = reading::owner_of(path).map_err(|reason| nobody(Obstacle::File { reason }))?;
    let account = users::account_of(uid).map_err(|error| nobody(not_looked_up(&error)))?;
    let account = account.ok_or_else(|| nobody(Obstacle::UnknownUser))?;
    let name = account.name.as_str().to_owned();
    let found = person(account).map_err(|obstacle| (name, obstacle))?;
    if uid == 0 && path.parent() != Some(&*found.home) {
        return Err(nobody(Obstacle::Unreadable(Flaw::NoUser)));
    }
    Ok(found)
}

/// Lists the files of a directory, each named after its user. Hidden files are skipped.
fn in_directory(path: &Path, people: &People) -> Result<Vec<OfUser>, Failure> {
    let path = absolute(path);
    let failed = |error: io::Error| {
        let path = shown(&path);
        Failure::from(Trouble::NotReadable {
            path,
            line: None,
            reason: system(&error),
        })
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(&path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let who = people.account(&name).and_then(person);
        files.push(OfUser {
            path: entry.path(),
            who: who.map_err(|obstacle| (name, obstacle)),
            may_be_roots: true,
            may_be_missing: false,
        });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::tests::{assert_has_no_english_reason, assert_is_told};

    fn told(failure: &Failure, language: Language) -> String {
        match failure {
            Failure::Trouble(trouble) => trouble.text(language),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_or_directory_that_is_not_read_is_told_in_every_language() {
        let missing = Path::new("/nonexistent/x");
        let fault = Unreadable {
            line: 7,
            flaw: Flaw::Json,
        };
        let unread = in_directory(missing, &People::one_by_one()).err().unwrap();
        for (failure, english) in [
            (unreadable(missing, fault), "/nonexistent/x:7: is not JSON"),
            (
                whole(missing, LIMIT).err().unwrap(),
                "/nonexistent/x: cannot open: No such file or directory",
            ),
            (
                unread,
                "/nonexistent/x: No such file or directory (os error 2)",
            ),
        ] {
            assert_eq!(told(&failure, Language::English), english);
            assert_has_no_english_reason(&told(&failure, Language::Korean));
        }
        let Err((_, obstacle)) = owner(missing) else {
            panic!("there is such a file");
        };
        let english = "the file is not read: No such file or directory";
        assert_eq!(obstacle.text(Language::English), english);
        assert_has_no_english_reason(&obstacle.text(Language::Korean));
    }

    #[test]
    fn a_process_without_the_rights_of_users_is_told_in_every_language() {
        let reading = io::Error::other(Unfit::ReadingEnded);
        let denied = io::Error::from_raw_os_error(1);
        let english = "this process cannot take a user's rights: ";
        assert_is_told(
            &no_rights(&reading),
            &format!("{english}reading has failed"),
        );
        let denial = "Operation not permitted (os error 1)";
        assert_is_told(&no_rights(&denied), &format!("{english}{denial}"));
    }
}
