use super::*;
use crate::every;
use crate::messages::in_all::assert_same_in_every_language;
use crate::record::Language;

fn lines() -> Vec<Line<'static>> {
    let (user, name, host, issuer, when) = (
        "alice",
        "phone",
        "wiki.example.org",
        "web1",
        "2026-12-24 09:00 KST (00:00 UTC)",
    );
    every!(Line {
        Onwards => [Line::Onwards { host }],
        LoggingInAs => [Line::LoggingInAs { user }],
        LoggedInAs => [Line::LoggedInAs { user }],
        RemoveThis => [Line::RemoveThis { name }],
        CodesLeft => [Line::CodesLeft { left: 7, issued: 10 }],
        CodesLeftOnly => [Line::CodesLeftOnly { left: 7 }],
        Deadline => [1, 2].map(|days| Line::Deadline { when, days }),
        Enrolled => [0, 10].map(|codes| Line::Enrolled { name, codes }),
        Removed => [true, false].map(|last| Line::Removed { name, last }),
        CodesMade => [Line::CodesMade { codes: 10 }],
        Removes => [true, false].map(|last| Line::Removes { name, last }),
        Opening => [Line::Opening { user, issuer }],
    })
}

fn notices() -> Vec<Notice<'static>> {
    let (name, host) = ("phone", "wiki.example.org");
    every!(Notice {
        Unavailable => [Notice::Unavailable],
        Idle => [Notice::Idle],
        Absolute => [Notice::Absolute],
        LoginTooOld => [Notice::LoginTooOld { minutes: 15 }],
        AccountChanged => [Notice::AccountChanged],
        LockedMeanwhile => [Notice::LockedMeanwhile],
        AuthenticatorsGone => [Notice::AuthenticatorsGone],
        EndedEverywhere => [Notice::EndedEverywhere],
        EndedUnproven => [Notice::EndedUnproven { times: 5 }],
        EndedSomehow => [Notice::EndedSomehow],
        TooManyAttempts => [1, 2].map(|minutes| Notice::TooManyAttempts { minutes }),
        NotFound => [Notice::NotFound],
        WrongSite => [Notice::WrongSite { host }],
        NotForYou => [Notice::NotForYou { host }],
        FormTooOld => [Notice::FormTooOld],
        BadRequest => [Notice::BadRequest],
        ChangeLocked => [true, false].map(|opens| Notice::ChangeLocked { opens }),
        ChangeDisabled => [Notice::ChangeDisabled],
        NoDevice => [Notice::NoDevice],
        NameTaken => [Notice::NameTaken { name }],
        Full => [Notice::Full { most: 5 }],
        NoSuchName => [Notice::NoSuchName { name }],
        WhichOne => [Notice::WhichOne],
        Demanded => [Notice::Demanded],
        NoCodes => [Notice::NoCodes],
        NotProven => [Notice::NotProven],
        ChangedMeanwhile => [Notice::ChangedMeanwhile],
        NotAuthenticated => [Notice::NotAuthenticated],
        TimeIsOver => [Notice::TimeIsOver],
        Unknown => [Notice::Unknown],
        Uncertain => [Notice::Uncertain],
        LoggedOut => [Notice::LoggedOut],
        LoggedOutEverywhere => [Notice::LoggedOutEverywhere],
    })
}

#[test]
fn every_label_exists_in_every_language_with_the_same_figures() {
    for label in Label::ALL {
        assert_same_in_every_language(|language| label.text(language).to_owned());
    }
}

#[test]
fn every_line_exists_in_every_language_with_the_same_figures_and_values() {
    for line in lines() {
        assert_same_in_every_language(|language| line.text(language));
    }
    for language in Language::ALL {
        for line in lines() {
            let said = line.text(language);
            let values = [
                "alice",
                "phone",
                "wiki.example.org",
                "2026-12-24",
                "7",
                "10",
                "1",
                "2",
            ];
            let debugged = format!("{line:?}");
            for value in values {
                if debugged.contains(&format!("\"{value}")) {
                    assert!(said.contains(value), "{said}: {value}");
                }
            }
        }
    }
}

#[test]
fn every_notice_has_a_title_without_a_full_stop_and_sentences_with_one() {
    for notice in notices() {
        assert_same_in_every_language(|language| notice.title(language));
        assert_same_in_every_language(|language| notice.text(language));
        for language in Language::ALL {
            assert!(!notice.title(language).ends_with('.'), "{notice:?}");
            assert!(notice.text(language).ends_with('.'), "{notice:?}");
        }
    }
}

/// A browser has no Ctrl-C, no Enter key to press, and no command line.
#[test]
fn no_page_speaks_of_a_terminal() {
    let all = |language| {
        let labels = Label::ALL.map(|label| label.text(language).to_owned());
        let lines = lines().into_iter().map(move |line| line.text(language));
        let notices = notices()
            .into_iter()
            .map(move |notice| notice.text(language));
        labels.into_iter().chain(lines).chain(notices)
    };
    for said in Language::ALL.into_iter().flat_map(all) {
        for word in ["Ctrl", "Enter", "otp-", "terminal", "터미널", "명령"] {
            assert!(!said.contains(word), "{said}");
        }
    }
}

/// Each thing has one word, from the glossary of the Korean texts.
#[test]
fn korean_pages_say_authenticator_and_code_by_one_word() {
    let labels = Label::ALL.map(|label| label.text(Language::Korean).to_owned());
    let lines = lines().into_iter().map(|line| line.text(Language::Korean));
    let notices = notices()
        .into_iter()
        .map(|notice| notice.text(Language::Korean));
    for said in labels.into_iter().chain(lines).chain(notices) {
        for word in ["인증번호", "새로 만", "이전 ", "여기서", "쓸 수"] {
            assert!(!said.contains(word), "{said}");
        }
    }
}
