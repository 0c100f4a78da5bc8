//! Reports after a change that have several sentences.

use super::*;

#[expect(
    clippy::needless_pass_by_value,
    reason = "each report is made in place"
)]
fn said(report: Report<'_>) -> [String; 2] {
    [Language::English, Language::Korean].map(|language| report.text(language))
}

#[test]
fn a_record_bound_to_a_new_user_id_is_not_reported_as_another_users() {
    let [english, korean] = said(Report::Moved {
        old: "alice",
        new: "bobby",
    });
    let kept = "devices and recovery codes stay";
    assert_eq!(
        english,
        format!("bobby has the record of alice now; {kept}")
    );
    assert!(korean.starts_with("alice 이름의 등록 정보를 bobby 계정으로 옮겼습니다."));
    let [english, korean] = said(Report::Moved {
        old: "alice",
        new: "alice",
    });
    let bound = "the record is now bound to the present user id";
    assert_eq!(english, format!("alice: {bound}; {kept}"));
    assert!(korean.starts_with("alice 계정의 등록 정보를 현재 사용자 ID에 맞췄습니다."));
}

#[test]
fn the_report_of_an_unlock_says_whether_the_account_was_locked_or_disabled() {
    let unlocked = |standing| {
        said(Report::Unlocked {
            user: "alice",
            standing,
            zone: &UTC,
            failures: 5,
        })
    };
    let forgotten = "failures in a row forgotten: 5";
    let [english, korean] = unlocked(Standing::Disabled);
    assert_eq!(english, format!("alice is no longer disabled; {forgotten}"));
    assert!(korean.starts_with("alice 계정의 사용 중지를 해제했습니다."));
    let [english, korean] = unlocked(Standing::Held);
    assert_eq!(english, format!("alice is no longer locked; {forgotten}"));
    assert!(korean.starts_with("alice 계정의 잠금을 해제했습니다."));
    let [english, _] = unlocked(Standing::Locked {
        since: NOON,
        lasts: Duration::from_secs(900),
    });
    let until = "it was until 2025-11-20 12:15 UTC";
    assert_eq!(
        english,
        format!("alice is no longer locked ({until}); {forgotten}")
    );
}
