use super::*;
use crate::every;
use crate::messages::in_all;
use std::time::Duration;

pub(in crate::messages) const NOON: UnixTime = UnixTime::from_seconds(1_763_640_000);
pub(in crate::messages) const DAY: Duration = Duration::from_secs(86_400);

/// Asserts that there is a line in each language, without a full stop in English; a full sentence in Korean has one.
pub(in crate::messages) fn assert_same_in_every_language(text: impl Fn(Language) -> String) {
    in_all::assert_same_in_every_language(&text);
    for language in Language::ALL {
        in_all::assert_ends_well(language, &text(language));
    }
}

pub(in crate::messages) fn standings() -> Vec<Standing> {
    every!(Standing {
        Open => [Standing::Open],
        Locked => [Standing::Locked {
            since: NOON,
            lasts: Duration::from_secs(900),
        }],
        Held => [Standing::Held],
        Disabled => [Standing::Disabled],
    })
}

pub(in crate::messages) fn exemptions() -> Vec<Exemption> {
    every!(Exemption {
        Nullok => [Exemption::Nullok],
        User => [Exemption::User],
        Group => [Exemption::Group("kiosk".to_owned())],
        NotDemanded => [Exemption::NotDemanded],
    })
}

pub(in crate::messages) fn rules() -> Vec<Rule> {
    every!(Rule {
        Everybody => [Rule::Everybody],
        Group => [Rule::Group("staff".to_owned())],
        UnknownGroup => [Rule::UnknownGroup("20".to_owned())],
    })
}

pub(in crate::messages) fn prospects() -> Vec<Prospect> {
    let (deadline, now) = (NOON.after(DAY * 17), NOON);
    let locked = standings()
        .into_iter()
        .flat_map(|standing| [true, false].map(|opens| Prospect::Locked { standing, opens }));
    let let_in = exemptions().into_iter().map(|why| Prospect::LetIn { why });
    let refused = rules().into_iter().flat_map(|rule| {
        AtLogin::ALL.map(|at_login| Prospect::Refused {
            rule: rule.clone(),
            at_login,
        })
    });
    every!(Prospect {
        Asked => [Prospect::Asked],
        Locked => locked.collect::<Vec<_>>(),
        LetIn => let_in.collect::<Vec<_>>(),
        LetInUntil => [Prospect::LetInUntil { deadline, now }],
        Offered => [Prospect::Offered { deadline, now }],
        SetsUp => [true, false].map(|lenient| Prospect::SetsUp { lenient }),
        Refused => refused.collect::<Vec<_>>(),
    })
}

#[test]
fn every_prospect_exists_in_every_language_with_the_same_figures() {
    for prospect in prospects() {
        assert_same_in_every_language(|language| prospect.sentence("alice", &Zone::UTC, language));
    }
}

#[test]
fn the_verdict_is_one_sentence_that_names_the_user() {
    let said = |prospect: Prospect| prospect.sentence("bobby", &Zone::UTC, Language::English);
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

#[test]
fn every_exemption_and_every_rule_has_its_name() {
    assert_eq!(
        exemptions()
            .iter()
            .map(english_exemption)
            .collect::<Vec<_>>(),
        [
            "nullok",
            "exempt user",
            "exempt group kiosk",
            "in no group that must"
        ]
    );
    assert_eq!(
        exemptions()
            .iter()
            .map(korean_exemption)
            .collect::<Vec<_>>(),
        [
            "nullok 옵션",
            "면제된 사용자",
            "면제된 kiosk 그룹",
            "의무 대상 그룹에 속하지 않음"
        ]
    );
    assert_eq!(
        rules().iter().map(english_rule).collect::<Vec<_>>(),
        ["everybody", "group staff", "group 20 cannot be looked up"]
    );
    assert_eq!(
        rules().iter().map(korean_rule).collect::<Vec<_>>(),
        ["모든 사용자", "staff 그룹", "20 그룹을 찾을 수 없음"]
    );
}

#[test]
fn every_prospect_has_a_sentence_of_its_own() {
    let (deadline, now) = (NOON.after(DAY), NOON);
    let refused = |at_login| Prospect::Refused {
        rule: Rule::Everybody,
        at_login,
    };
    let locked = |opens| Prospect::Locked {
        standing: Standing::Held,
        opens,
    };
    let why = Exemption::User;
    let met = [
        Prospect::Asked,
        locked(true),
        locked(false),
        Prospect::LetIn { why },
        Prospect::LetInUntil { deadline, now },
        Prospect::Offered { deadline, now },
        Prospect::SetsUp { lenient: true },
        Prospect::SetsUp { lenient: false },
        refused(AtLogin::Off),
        refused(AtLogin::Offer),
    ];
    for told in [english_login, korean_login] {
        let mut words: Vec<_> = met.iter().map(told).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), met.len(), "{words:?}");
    }
    assert_eq!(english_login(&Prospect::Asked), "asks for a code");
    assert_eq!(korean_login(&Prospect::Asked), "인증 코드를 요구함");
}
