//! Plays the script on a stage that asserts that every expected question came, and no other.

use super::*;
use otp_core::code::Ignored;
use otp_core::qr::Colours;
use otp_core::record::{Algorithm, Digits, Id, Kind, Period, Secret};
use otp_core::recovery::RecoveryCode;
use otp_core::{UnixTime, Zone};
use otp_store::change::Kept;
use std::collections::VecDeque;
use std::time::Duration;
use zeroize::Zeroizing;

const BEGIN: &str = "Press Enter to set it up: ";
const BEGIN_OR_LATER: &str = "Press Enter to set it up, or type \"later\": ";
const NEW_CODE: &str = "6-digit code that the device shows now: ";
const ARE_KEPT: &str = "Type \"kept\" when the recovery codes are kept: ";

/// The size that every terminal has.
const OLD_TERMINAL: Surface = Surface {
    columns: 80,
    lines: 24,
    is_measured: false,
    joins_lines: false,
    style: Style::Unicode,
    colours: Colours::None,
};

struct Played {
    replies: VecDeque<(&'static str, &'static str)>,
    surface: Surface,
    picture: Option<String>,
    /// The events so far, each beginning with a word for its kind.
    seen: Vec<String>,
    /// The call at which the stage stops, counted from 0.
    stops_at: Option<usize>,
    calls: usize,
}

#[derive(Debug, PartialEq)]
struct Stopped;

impl Played {
    fn new(replies: &[(&'static str, &'static str)]) -> Self {
        Self {
            replies: replies.iter().copied().collect(),
            surface: OLD_TERMINAL,
            picture: None,
            seen: Vec::new(),
            stops_at: None,
            calls: 0,
        }
    }

    fn see(&mut self, what: String) -> Result<(), Stopped> {
        self.calls += 1;
        if self.stops_at == Some(self.calls - 1) {
            self.replies.clear();
            return Err(Stopped);
        }
        self.seen.push(what);
        Ok(())
    }

    fn has(&self, what: &str) -> bool {
        self.seen.iter().any(|one| one.contains(what))
    }

    fn count(&self, what: &str) -> usize {
        self.seen.iter().filter(|one| one.contains(what)).count()
    }

    /// Whether an event of that kind happened.
    fn did(&self, kind: &str) -> bool {
        let first = |one: &String| one.split(' ').next() == Some(kind);
        self.seen.iter().any(first)
    }

    fn position(&self, what: &str) -> usize {
        let found = self.seen.iter().position(|one| one.contains(what));
        found.unwrap_or_else(|| panic!("{what}: {:?}", self.seen))
    }

    fn drawings(&self) -> Vec<&String> {
        let drawn = |one: &&String| one.starts_with("drawing");
        self.seen.iter().filter(drawn).collect()
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(
                self.replies.is_empty(),
                "not every expected question was asked"
            );
        }
    }
}

impl Stage for Played {
    type Stop = Stopped;

    fn tell(&mut self, sentence: Dialogue<'_>) -> Result<(), Stopped> {
        self.see(format!("told {}", sentence.text(Language::English)))
    }

    fn show(&mut self, block: &Block<'_>) -> Result<(), Stopped> {
        let kind = match block {
            Block::Opening(_) => "opening",
            Block::Key(_) => "key",
            Block::Drawing(_) => "drawing",
            Block::Sheet(_) => "sheet",
        };
        let text = block.reveal(Language::English, 1000);
        assert!(text.starts_with('\n') && text.ends_with('\n'));
        self.see(format!("{kind} {}", text.as_str()))
    }

    fn ask(&mut self, question: Dialogue<'_>) -> Result<Typed, Stopped> {
        let text = question.text(Language::English);
        self.see(format!("asked {text}"))?;
        let (expected, reply) = self.replies.pop_front().expect("an unexpected question");
        assert_eq!(text, expected);
        Ok(Zeroizing::new(reply.as_bytes().to_vec()))
    }

    fn surface(&self) -> Surface {
        self.surface
    }

    fn now(&mut self) -> Result<UnixTime, Stopped> {
        Ok(UnixTime::from_seconds(1_763_640_000))
    }

    fn zone(&self) -> Zone {
        Zone::UTC
    }

    fn picture(&mut self, uri: &str) -> Result<Option<String>, Stopped> {
        self.see(format!("picture {uri}"))?;
        Ok(self.picture.clone())
    }

    fn save(&mut self, sheet: &Zeroizing<String>) -> Result<(), Stopped> {
        self.see(format!("saved {}", sheet.as_str()))
    }

    fn conclude(&mut self, result: Dialogue<'_>) -> Result<(), Stopped> {
        self.see(format!("concluded {}", result.text(Language::English)))
    }
}

/// A change that answers each code as planned.
struct Planned {
    device: Option<Authenticator>,
    goes: Vec<Name>,
    codes: Vec<RecoveryCode>,
    proofs: VecDeque<(Proof, u32)>,
    leaves_some: bool,
}

impl Planned {
    fn enrolment(proofs: &[(Proof, u32)]) -> Self {
        let codes = (0..10).map(|at| RecoveryCode::from_random([at; RecoveryCode::BYTES]));
        Self {
            device: Some(device(20)),
            goes: Vec::new(),
            codes: codes.collect(),
            proofs: proofs.iter().copied().collect(),
            leaves_some: true,
        }
    }

    fn without_device() -> Self {
        Self {
            device: None,
            ..Self::enrolment(&[])
        }
    }
}

impl Underway<Played> for Planned {
    fn goes(&self) -> &[Name] {
        &self.goes
    }

    fn device(&self) -> Option<&Authenticator> {
        self.device.as_ref()
    }

    fn prove(&mut self, typed: Typed, stage: &mut Played) -> Result<(Proof, u32), Stopped> {
        let typed = String::from_utf8_lossy(&typed).into_owned();
        stage.see(format!("proved {typed}"))?;
        Ok(self.proofs.pop_front().expect("one code too many"))
    }

    fn codes(&self) -> &[RecoveryCode] {
        &self.codes
    }

    fn keep(self, stage: &mut Played) -> Result<Kept, Stopped> {
        stage.see("kept".to_owned())?;
        Ok(Kept {
            enrolled: self.leaves_some,
        })
    }
}

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

fn device(key: usize) -> Authenticator {
    Authenticator {
        id: Id::from_random([0; 8]),
        name: name("phone"),
        kind: Kind::Totp(Period::THIRTY),
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        secret: Secret::new(Zeroizing::new(vec![0; key])).unwrap(),
        window: None,
        created: UnixTime::from_seconds(0),
    }
}

const RIGHT: (Proof, u32) = (Proof::Right, 2);
/// The purpose of the dialogue: a login, or a change.
#[derive(Clone, Copy)]
enum Purpose<'a> {
    Login { can_wait: bool },
    Change(&'a Change, &'a [Name], bool),
}

const LOGIN: Purpose<'_> = Purpose::Login { can_wait: false };
const OFFER: Purpose<'_> = Purpose::Login { can_wait: true };

fn play_as(purpose: Purpose<'_>, stage: &mut Played, change: Planned) -> Result<End, Stopped> {
    let script = Script {
        user: "alice",
        issuer: "web1",
        machine: "web1.example.org",
        language: Language::English,
    };
    let begin = |stage: &mut Played| {
        stage.see("began".to_owned())?;
        Ok(change)
    };
    match purpose {
        Purpose::Login { can_wait } => script.log_in(stage, can_wait, begin),
        Purpose::Change(wanted, authenticators, imported_codes) => {
            let goes = Goes {
                authenticators,
                imported_codes,
            };
            script.change(stage, (wanted, &goes), begin)
        }
    }
}

/// Enrols at a login that has begun, without the part before the key.
fn play(stage: &mut Played, change: Planned) -> Result<End, Stopped> {
    stage.replies.push_front((BEGIN, ""));
    play_as(LOGIN, stage, change)
}

fn assert_order(stage: &Played, expected: &[&str]) {
    assert_eq!(stage.seen.len(), expected.len(), "{:?}", stage.seen);
    for (seen, expected) in stage.seen.iter().zip(expected) {
        assert!(seen.starts_with(expected), "{seen} is not {expected}");
    }
}

// ------------------------------------------------------------------------------------------------------------ the order

#[test]
fn login_and_change_follow_the_same_order() {
    let shown = [
        "began",
        "picture otpauth://totp/web1:alice?secret=AAAA",
        "key \nScan the QR code",
        "told The QR code is also in /tmp/code.png",
        "drawing ",
        "told If the app sees no QR code",
        "asked 6-digit code",
        "proved 123456",
        "told The code is right.",
        "sheet \nRecovery codes of alice at web1.example.org, 2025-11-20",
        "told They are shown only now.",
        "saved Recovery codes of alice at web1.example.org, 2025-11-20",
        "asked Type \"kept\"",
        "kept",
        "concluded alice: authenticator \"phone\" is enrolled, with 10 recovery codes",
    ];
    let (old, wanted) = ([name("old"), name("tablet")], Change::Enrol(name("phone")));
    let (add, end) = (
        Change::Add(name("phone")),
        [(NEW_CODE, "123456"), (ARE_KEPT, "kept")],
    );
    for (purpose, opening) in [
        (
            LOGIN,
            vec!["opening \nLogging in to web1 takes", "asked Press Enter"],
        ),
        (
            Purpose::Change(&wanted, &[], false),
            vec!["opening \nA new authenticator for alice at web1."],
        ),
        (
            Purpose::Change(&add, &old, false),
            vec![
                "opening \nA new authenticator for alice at web1.",
                "told There is one already (old, tablet).",
            ],
        ),
    ] {
        let mut stage = Played::new(&end);
        stage.picture = Some("/tmp/code.png".to_owned());
        if matches!(purpose, Purpose::Login { .. }) {
            stage.replies.push_front((BEGIN, ""));
        }
        let ended = play_as(purpose, &mut stage, Planned::enrolment(&[RIGHT]));
        assert_eq!(ended, Ok(End::Done));
        assert_order(&stage, &[opening.as_slice(), &shown].concat());
    }
}

#[test]
fn removing_shows_no_key_or_codes_and_says_whether_it_was_the_last_authenticator() {
    for (leaves_some, said) in [
        (true, "\"phone\" is removed"),
        (
            false,
            "\"phone\" is removed, and the recovery codes with it",
        ),
    ] {
        let mut stage = Played::new(&[]);
        let goes = [name("phone")];
        let change = Planned {
            goes: goes.to_vec(),
            codes: Vec::new(),
            leaves_some,
            ..Planned::without_device()
        };
        let wanted = Change::Remove(None);
        let ended = play_as(Purpose::Change(&wanted, &goes, false), &mut stage, change);
        assert_eq!(ended, Ok(End::Done));
        let concluded = format!("concluded alice: authenticator {said}");
        let opening = "opening \nThe authenticator \"phone\" of alice will be removed";
        assert_order(&stage, &[opening, "began", "kept", &concluded]);
        assert_eq!(stage.seen[3], concluded);
    }
}

#[test]
fn the_end_of_imported_recovery_codes_is_announced_unless_another_sentence_says_so() {
    let phone = [name("phone")];
    let (add, enrol) = (Change::Add(name("new")), Change::Enrol(name("new")));
    let (remove, codes) = (Change::Remove(None), Change::RecoveryCodes);
    let replaced =
        "told The recovery codes of 8 digits, from before the move to pam_otp, stop working";
    let gone =
        "told The recovery codes of 8 digits, from before the move to pam_otp, are removed too.";
    for (change, goes, said) in [
        (&add, &[][..], Some(replaced)),
        (&remove, &phone[..], Some(gone)),
        (&enrol, &phone[..], None),
        (&codes, &[][..], None),
    ] {
        for imported in [true, false] {
            let mut stage = Played::new(&[(NEW_CODE, "123456"), (ARE_KEPT, "kept")]);
            let device = matches!(change, Change::Add(_) | Change::Enrol(_));
            let planned = if device {
                Planned::enrolment(&[RIGHT])
            } else {
                stage.replies.pop_front();
                Planned::without_device()
            };
            play_as(Purpose::Change(change, goes, imported), &mut stage, planned).unwrap();
            let told = |start: &str| stage.seen.iter().any(|seen| seen.starts_with(start));
            let expected = said.filter(|_| imported);
            assert_eq!(told(replaced), expected == Some(replaced), "{change:?}");
            assert_eq!(told(gone), expected == Some(gone), "{change:?}");
        }
    }
}

#[test]
fn new_recovery_codes_too_are_confirmed_by_the_word_kept() {
    let wanted = Change::RecoveryCodes;
    let mut stage = Played::new(&[(ARE_KEPT, "kept")]);
    let purpose = Purpose::Change(&wanted, &[], false);
    let ended = play_as(purpose, &mut stage, Planned::without_device());
    assert_eq!(ended, Ok(End::Done));
    assert_order(
        &stage,
        &[
            "opening \nNew recovery codes for alice.",
            "began",
            "sheet",
            "told They are shown only now.",
            "saved",
            "asked",
            "kept",
            "concluded alice: 10 new recovery codes",
        ],
    );
}

#[test]
fn no_question_about_recovery_codes_is_asked_if_none_are_issued() {
    let mut stage = Played::new(&[(NEW_CODE, "123456")]);
    let mut change = Planned::enrolment(&[RIGHT]);
    change.codes.clear();
    assert_eq!(play(&mut stage, change), Ok(End::Done));
    assert!(stage.did("kept") && !stage.did("sheet") && !stage.did("saved"));
    assert_eq!(
        stage.seen.last().unwrap(),
        "concluded alice: authenticator \"phone\" is enrolled"
    );
}

#[test]
fn a_dialogue_stopped_at_any_point_stores_nothing() {
    let replies = [
        (NEW_CODE, "000000"),
        (NEW_CODE, "123456"),
        (ARE_KEPT, "kept"),
    ];
    let played_until = |at| {
        let mut stage = Played::new(&replies);
        stage.stops_at = at;
        let change = Planned::enrolment(&[(Proof::NoMatch, 2), RIGHT]);
        let ended = play(&mut stage, change);
        (stage, ended)
    };
    let (whole, ended) = played_until(None);
    assert_eq!(ended, Ok(End::Done));
    let conclusion = whole.seen.len() - 1;
    assert_eq!(whole.seen[conclusion - 1], "kept");
    for at in 0..conclusion {
        let (stage, ended) = played_until(Some(at));
        assert_eq!(ended, Err(Stopped));
        assert_eq!(stage.seen, whole.seen[..at], "nothing follows");
    }
}

// ------------------------------------------------------------------------------------------------- the opening of a login

#[test]
fn no_key_is_made_before_the_user_begins() {
    for (purpose, question) in [(LOGIN, BEGIN), (OFFER, BEGIN_OR_LATER)] {
        let mut stage = Played::new(&[(question, "")]);
        stage.stops_at = Some(1);
        let ended = play_as(purpose, &mut stage, Planned::enrolment(&[]));
        assert_eq!(ended, Err(Stopped));
        assert!(!stage.did("began"));
    }
}

#[test]
fn later_or_five_invalid_answers_postpone_an_enrolment_that_can_wait() {
    for answers in [
        &["later"][..],
        &[" LATER "],
        &["나중에"],
        &["no", "latter", "q", "x", "later"],
        &["no", "latter", "q", "x", "banana"],
    ] {
        let replies: Vec<_> = answers.iter().map(|one| (BEGIN_OR_LATER, *one)).collect();
        let mut stage = Played::new(&replies);
        let ended = play_as(OFFER, &mut stage, Planned::enrolment(&[]));
        assert_eq!(ended, Ok(End::Later));
        assert!(!stage.did("began"));
    }
    let begun = ["no", "latter", "q", "x", " "];
    let mut replies: Vec<_> = begun.map(|one| (BEGIN_OR_LATER, one)).to_vec();
    replies.extend([(NEW_CODE, "123456"), (ARE_KEPT, "kept")]);
    let mut stage = Played::new(&replies);
    let ended = play_as(OFFER, &mut stage, Planned::enrolment(&[RIGHT]));
    assert_eq!(ended, Ok(End::Done));
}

#[test]
fn the_answer_later_begins_an_enrolment_that_cannot_wait() {
    let mut stage = Played::new(&[(BEGIN, "later"), (NEW_CODE, "123456"), (ARE_KEPT, "kept")]);
    let ended = play_as(LOGIN, &mut stage, Planned::enrolment(&[RIGHT]));
    assert_eq!(ended, Ok(End::Done));
}

// ------------------------------------------------------------------------------------------------------------- the proof

#[test]
fn each_kind_of_wrong_code_gets_its_own_message_and_stores_nothing() {
    let hash = Ignored::ALL
        .into_iter()
        .find(|one| one.algorithm() && !one.digits() && !one.period())
        .unwrap();
    let minutes = Duration::from_secs(300);
    for (proof, said) in [
        (Proof::Behind(minutes), "was right 5 minutes ago"),
        (Proof::Ahead(minutes), "will be right in 5 minutes"),
        (Proof::Ignores(hash), "the app ignores the hash SHA-1"),
        (Proof::NoMatch, "does not match"),
        (Proof::NotACode, "That is not a code: 6 digits"),
    ] {
        let mut stage = Played::new(&[(NEW_CODE, "1"), (NEW_CODE, "2"), (NEW_CODE, "3")]);
        let change = Planned::enrolment(&[(proof, 2), (proof, 1), (proof, 0)]);
        assert_eq!(play(&mut stage, change), Ok(End::NotProven));
        assert_eq!(stage.count(said), 3, "{:?}", stage.seen);
        let (two, one) = (
            stage.position("2 tries are left"),
            stage.position("One try"),
        );
        assert!(stage.position("proved 1") < two && two < stage.position("proved 2"));
        assert!(stage.position("proved 2") < one && one < stage.position("proved 3"));
        assert_eq!(stage.count("left"), 2, "and nothing of none");
        assert!(!stage.did("kept") && !stage.did("sheet") && !stage.has("The code is right"));
    }
}

#[test]
fn a_right_code_on_the_last_try_is_accepted() {
    let mut stage = Played::new(&[(NEW_CODE, "1"), (NEW_CODE, "2"), (ARE_KEPT, "kept")]);
    let change = Planned::enrolment(&[(Proof::NoMatch, 1), (Proof::Right, 0)]);
    assert_eq!(play(&mut stage, change), Ok(End::Done));
}

// ---------------------------------------------------------------------------------------------------- the recovery codes

#[test]
fn the_word_kept_is_recognised_in_any_case_and_in_either_language() {
    for word in ["kept", " KEPT\n", "보관"] {
        let mut stage = Played::new(&[(NEW_CODE, "123456"), (ARE_KEPT, word)]);
        let ended = play(&mut stage, Planned::enrolment(&[RIGHT]));
        assert_eq!(ended, Ok(End::Done));
    }
}

#[test]
fn five_answers_other_than_the_word_kept_store_nothing() {
    let others = ["", "y", "yes", "kep", "keptt", "later", "inverted", "copy"];
    for answers in others.windows(5) {
        for (fifth, ended) in [(answers[4], End::NotKept), ("kept", End::Done)] {
            let four = answers[..4].iter().map(|one| (ARE_KEPT, *one));
            let mut replies = vec![(NEW_CODE, "123456")];
            replies.extend(four.chain([(ARE_KEPT, fifth)]));
            let mut stage = Played::new(&replies);
            let change = Planned::enrolment(&[RIGHT]);
            assert_eq!(play(&mut stage, change), Ok(ended));
            let is_kept = stage.did("kept");
            assert_eq!(is_kept, ended == End::Done);
            let reminded = stage.count("Nothing is saved before you type");
            assert_eq!(reminded, if is_kept { 4 } else { 5 });
        }
    }
}

// ----------------------------------------------------------------------------------------------------------- the QR code

/// Swaps ink and background of a drawing.
fn swapped(drawing: &str) -> String {
    let swap = |c| match c {
        '█' | '@' => ' ',
        '▀' => '▄',
        '▄' => '▀',
        ' ' => '█',
        other => other,
    };
    drawing.chars().map(swap).collect()
}

#[test]
fn the_word_inverted_inverts_the_drawing_and_costs_no_try() {
    for (style, ink, hint) in [
        (
            Style::Unicode,
            "█",
            "type \"inverted\" to swap light and dark.",
        ),
        (
            Style::Ascii,
            "[",
            "move the phone back, or type \"inverted\".",
        ),
    ] {
        let mut stage = Played::new(&[
            (NEW_CODE, " Inverted\n"),
            (NEW_CODE, "반전"),
            (NEW_CODE, "000"),
            (NEW_CODE, "inverted"),
            (NEW_CODE, "123456"),
            (ARE_KEPT, "kept"),
        ]);
        stage.surface.style = style;
        let change = Planned::enrolment(&[(Proof::NotACode, 2), RIGHT]);
        assert_eq!(play(&mut stage, change), Ok(End::Done));
        let drawn = stage.drawings();
        assert_eq!(drawn.len(), 4);
        let drawing = |at: usize| drawn[at].strip_prefix("drawing ").unwrap();
        assert_eq!(swapped(drawing(0)).replace('█', ink), drawing(1));
        assert_eq!([drawing(0), drawing(1)], [drawing(2), drawing(3)]);
        for (at, seen) in stage.seen.iter().enumerate() {
            let is_hint = stage
                .seen
                .get(at + 1)
                .is_some_and(|next| *next == format!("told If the app sees no QR code, {hint}"));
            assert_eq!(is_hint, seen.starts_with("drawing"), "right below each");
        }
    }
}

#[test]
fn the_word_inverted_is_a_wrong_code_after_five_inversions() {
    let mut stage = Played::new(&[(NEW_CODE, "inverted"); 6]);
    let change = Planned::enrolment(&[(Proof::NotACode, 0)]);
    assert_eq!(play(&mut stage, change), Ok(End::NotProven));
    assert_eq!(stage.drawings().len(), 6);
    assert_eq!(stage.count("proved inverted"), 1);
}

#[test]
fn the_word_inverted_is_a_wrong_code_without_a_drawing_or_with_colours() {
    let painted = Surface {
        colours: Colours::Cube,
        ..OLD_TERMINAL
    };
    let none = Surface {
        style: Style::None,
        ..OLD_TERMINAL
    };
    for (surface, drawings) in [(painted, 1), (none, 0)] {
        let mut stage = Played::new(&[(NEW_CODE, "inverted")]);
        stage.surface = surface;
        let change = Planned::enrolment(&[(Proof::NotACode, 0)]);
        assert_eq!(play(&mut stage, change), Ok(End::NotProven));
        assert_eq!(stage.drawings().len(), drawings);
        assert!(stage.has("proved inverted") && !stage.has("\"inverted\""));
    }
}

#[test]
fn the_warning_about_a_tall_drawing_precedes_it_if_the_size_is_unknown_and_else_follows_it() {
    for (is_measured, said) in [
        (false, "make the terminal taller or scroll back"),
        (true, "make it taller"),
    ] {
        let mut stage = Played::new(&[(NEW_CODE, "1")]);
        stage.surface.style = Style::Ascii;
        stage.surface.is_measured = is_measured;
        let change = Planned::enrolment(&[(Proof::NoMatch, 0)]);
        assert_eq!(play(&mut stage, change), Ok(End::NotProven));
        let (drawn, told) = (stage.position("drawing "), stage.position(said));
        assert_eq!(told > drawn, is_measured);
        assert_eq!(
            stage.count("take"),
            2,
            "the opening and this: {:?}",
            stage.seen
        );
    }
}

#[test]
fn no_remark_is_made_about_a_drawing_that_fits() {
    for is_measured in [false, true] {
        let mut stage = Played::new(&[(NEW_CODE, "1")]);
        stage.surface.is_measured = is_measured;
        let change = Planned::enrolment(&[(Proof::NoMatch, 0)]);
        assert_eq!(play(&mut stage, change), Ok(End::NotProven));
        let drawn = stage.position("drawing ");
        assert!(stage.seen[drawn - 1].starts_with("key"));
        assert!(stage.seen[drawn + 1].contains("sees no QR code"));
        assert!(stage.seen[drawn + 2].starts_with("asked"));
        assert!(stage.seen[drawn].lines().count() - 1 + 2 <= 24);
    }
}

#[test]
fn a_drawing_that_is_too_wide_is_left_out_and_the_message_gives_the_known_size() {
    for (is_measured, style, said) in [
        (false, Style::Unicode, "does not fit into 20 columns"),
        (
            true,
            Style::Unicode,
            "takes 41 columns and this terminal has 20",
        ),
        (
            true,
            Style::Ascii,
            "takes 82 columns and this terminal has 20",
        ),
    ] {
        let mut stage = Played::new(&[(NEW_CODE, "1")]);
        stage.surface = Surface {
            columns: 20,
            is_measured,
            style,
            ..OLD_TERMINAL
        };
        let change = Planned::enrolment(&[(Proof::NoMatch, 0)]);
        assert_eq!(play(&mut stage, change), Ok(End::NotProven));
        assert!(stage.has(said), "{:?}", stage.seen);
        assert!(stage.drawings().is_empty() && stage.has("URI: otpauth://"));
    }
}

#[test]
fn a_uri_too_long_for_a_qr_code_can_still_be_typed() {
    let mut stage = Played::new(&[]);
    let uri = "x".repeat(5000);
    assert!(matches!(Drawing::show_first(&mut stage, &uri), Ok(None)));
    assert_order(&stage, &["told The QR code does not fit into 80 columns"]);
}

// ------------------------------------------------------------------------------------------------------------- the texts

#[test]
fn a_key_is_shown_beside_its_label_and_a_long_one_below_it_in_memory_of_the_exact_size() {
    let text = Block::Key(&[
        KeyLine::Sentence(Dialogue::Scan),
        KeyLine::Secret(Dialogue::Key, &["AAAA BBBB"]),
        KeyLine::Secret(Dialogue::Key, &["AAAA", "BBBB"]),
        KeyLine::Secret(
            Dialogue::Uri,
            &["otpauth://totp/a-uri-that-is-longer-than-the-screen"],
        ),
    ])
    .reveal(Language::English, 40);
    assert_eq!(
        text.as_str(),
        "\nScan the QR code with an authenticator\napp, or give the app the key.\n\
         Key to type (leave out spaces): AAAA BBBB\n\
         Key to type (leave out spaces):\n    AAAA\n    BBBB\n\
         URI: otpauth://totp/a-uri-that-is-longer-than-the-screen\n"
    );
    assert_eq!(
        text.capacity(),
        text.len(),
        "growing would leave a copy behind"
    );
}

#[test]
fn a_key_on_one_line_stays_with_its_label_in_memory_of_the_exact_size() {
    let text = Block::Key(&[
        KeyLine::Sentence(Dialogue::GiveKey),
        KeyLine::Secret(Dialogue::Key, &["AAAA", "BBBB"]),
        KeyLine::Secret(Dialogue::PlainKey, &["AAAABBBB"]),
    ])
    .reveal_in_one_line(Language::English);
    assert_eq!(
        text.as_str(),
        "Give the key to an authenticator app. | Key to type (leave out spaces): AAAA BBBB | Key to copy: AAAABBBB"
    );
    assert_eq!(
        text.capacity(),
        text.len(),
        "growing would leave a copy behind"
    );
}

#[test]
fn the_text_asks_for_scanning_only_if_a_qr_code_is_drawn_or_written() {
    for (style, sentence) in [
        (Style::None, "key \nGive the key"),
        (Style::Ascii, "key \nScan the QR code"),
    ] {
        let mut stage = Played::new(&[(NEW_CODE, "1")]);
        stage.surface = Surface {
            style,
            ..OLD_TERMINAL
        };
        let change = Planned::enrolment(&[(Proof::NoMatch, 0)]);
        assert_eq!(play(&mut stage, change), Ok(End::NotProven));
        assert!(stage.seen[stage.position("key ")].starts_with(sentence));
    }
}

#[test]
fn a_long_key_is_shown_in_groups_to_type_and_in_one_line_to_copy() {
    let mut stage = Played::new(&[(NEW_CODE, "1")]);
    let change = Planned {
        device: Some(device(32)),
        ..Planned::enrolment(&[(Proof::NoMatch, 0)])
    };
    assert_eq!(play(&mut stage, change), Ok(End::NotProven));
    let key = &stage.seen[stage.position("key ")];
    let lines: Vec<_> = key.lines().skip(1).collect();
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert_eq!(lines[1], "Key to type (leave out spaces):");
    assert!(lines[2].starts_with("    AAAA AAAA") && lines[3].starts_with("    AAAA AAAA"));
    assert_eq!(lines[4], format!("Key to copy: {}", "A".repeat(52)));
    assert!(lines[5].starts_with("URI: otpauth://totp/web1:alice?secret=AAAA"));
    assert_eq!(lines[6], "Settings: time-based, 6 digits, 30 s, SHA-1");
}
