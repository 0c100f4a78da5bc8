//! Which trouble is reported, and to whom.

use super::*;
use std::mem::discriminant;

#[test]
fn every_trouble_has_its_own_words() {
    for language in Language::ALL {
        let mut told: Vec<_> = all()
            .iter()
            .map(|one| (one.text(language), discriminant(one)))
            .collect();
        told.dedup();
        let troubles = told.len();
        let mut texts: Vec<_> = told.into_iter().map(|(text, _)| text).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), troubles, "{texts:?}");
    }
}

#[test]
fn only_root_is_told_to_unlock_an_account() {
    let user = "alice".to_owned();
    for trouble in [
        Trouble::Locked {
            user: user.clone(),
            opens: true,
        },
        Trouble::Locked {
            user: user.clone(),
            opens: false,
        },
        Trouble::Disabled { user: user.clone() },
    ] {
        for language in Language::ALL {
            let hint = |asker| trouble.hint(language, asker);
            assert!(hint(Asker::Root).contains("'otp-admin unlock alice'"));
            assert!(!hint(Asker::Owner).contains("otp-admin"), "{trouble:?}");
        }
    }
}

#[test]
fn each_trouble_has_its_own_hint() {
    for (trouble, english, korean) in [
        (
            Trouble::NotRoot {
                program: "otp-admin",
            },
            "run it as 'sudo otp-admin'",
            "'sudo otp-admin' 명령으로 실행하세요.",
        ),
        (
            Trouble::ForWhom {
                caller: Some("alice".to_owned()),
            },
            "add '--user alice', or '--user root' for root itself",
            "'--user alice'",
        ),
    ] {
        let hint = |language| trouble.hint(language, Asker::Root);
        assert_eq!(hint(Language::English), english);
        assert!(hint(Language::Korean).contains(korean), "{trouble:?}");
    }
}
