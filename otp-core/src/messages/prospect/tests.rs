use super::*;
use crate::messages::both;
use std::time::Duration;

pub(in crate::messages) const NOON: UnixTime = UnixTime::from_seconds(1_763_640_000);
pub(in crate::messages) const DAY: Duration = Duration::from_secs(86_400);

/// A line in each language that is no sentence: it ends without a full stop.
pub(in crate::messages) fn assert_same_in_both_languages(text: impl Fn(Language) -> String) {
    both::assert_same_in_both_languages(&text);
    for language in [Language::English, Language::Korean] {
        assert!(!text(language).ends_with('.'), "{}", text(language));
    }
}

pub(in crate::messages) fn exemptions() -> Vec<Exemption> {
    vec![
        Exemption::Nullok,
        Exemption::User,
        Exemption::Group("kiosk".to_owned()),
        Exemption::NotDemanded,
    ]
}

pub(in crate::messages) fn rules() -> Vec<Rule> {
    vec![
        Rule::Everybody,
        Rule::Group("staff".to_owned()),
        Rule::UnknownGroup("20".to_owned()),
    ]
}

pub(in crate::messages) fn prospects() -> Vec<Prospect> {
    let (deadline, now) = (NOON.after(DAY * 17), NOON);
    let timed = Standing::Locked {
        since: NOON,
        lasts: Duration::from_secs(900),
    };
    let mut all = vec![
        Prospect::Asked,
        Prospect::LetInUntil { deadline, now },
        Prospect::Offered { deadline, now },
        Prospect::SetsUp { lenient: true },
        Prospect::SetsUp { lenient: false },
    ];
    all.extend(
        [timed, Standing::Held, Standing::Disabled]
            .into_iter()
            .flat_map(|standing| [true, false].map(|opens| Prospect::Locked { standing, opens })),
    );
    all.extend(exemptions().into_iter().map(|why| Prospect::LetIn { why }));
    all.extend(rules().into_iter().flat_map(|rule| {
        [AtLogin::Off, AtLogin::Offer, AtLogin::Require].map(|at_login| Prospect::Refused {
            rule: rule.clone(),
            at_login,
        })
    }));
    all
}

#[test]
fn every_prospect_is_there_in_both_languages_with_the_same_figures() {
    for prospect in prospects() {
        assert_same_in_both_languages(|language| prospect.sentence("alice", language));
    }
}

#[test]
fn the_verdict_is_one_sentence_that_names_the_user() {
    let said = |prospect: Prospect| prospect.sentence("bobby", Language::English);
    let (deadline, now) = (NOON.after(DAY), NOON);
    assert_eq!(said(Prospect::Asked), "bobby would be asked for a code");
    assert_eq!(
        said(Prospect::LetInUntil { deadline, now }),
        "bobby would be let in without a code until 2025-11-21 12:00 UTC (1 day left)"
    );
    assert_eq!(
        said(Prospect::Refused {
            rule: Rule::Group("staff".to_owned()),
            at_login: AtLogin::Off
        }),
        "bobby would be refused: no authenticator, and one is demanded (group staff)"
    );
}
