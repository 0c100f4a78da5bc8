//! Every page of the portal, with usual and with hostile values in it.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

#[path = "pages/samples.rs"]
mod samples;

use otp_core::messages::enrol::Dialogue;
use otp_core::record::{Language, Name};
use otp_core::{Local, Zone, base32, otpauth, recovery_sheet};
use otp_helper::enrolment::{Block, KeyLine};
use otp_portal::pages::{Codes, Field, Frame, Html, Page, Path, Purpose, Question, assets, policy};
use roxmltree::{Document, Node};
use samples::{NOW, Shows, World, codes, device, each};
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

static UTC: Zone = Zone::UTC;

const CSRF: &str = "0123456789abcdef-csrf";

/// Renders every page: its name, what it shows, and the document.
fn rendered(world: &World, language: Language) -> Vec<(String, Shows, Html)> {
    let mut all = Vec::new();
    each(world, language, &mut |name, is_in, shows, page| {
        let here = format!("/{name}?a=b&c=\"d\"");
        let frame = Frame {
            language,
            site: &world.issuer,
            user: is_in.then_some(world.user.as_str()),
            csrf: CSRF,
            here: Some(&here),
            zone: &UTC,
            now: NOW,
        };
        all.push((name.to_owned(), shows, page.render(&frame)));
    });
    all
}

/// Renders every page in every language, once with usual and once with hostile values.
fn everything() -> Vec<(String, Language, Shows, Html)> {
    let mut all = Vec::new();
    for language in Language::ALL {
        for (kind, world) in [
            ("usual", World::usual(language)),
            ("hostile", World::hostile()),
        ] {
            for (name, shows, html) in rendered(&world, language) {
                all.push((
                    format!("{name} {kind} {}", language.tag()),
                    language,
                    shows,
                    html,
                ));
            }
        }
    }
    all
}

/// Parses a page. The pages are written so that a strict parser can read them.
fn parsed<'a>(name: &str, html: &'a str) -> Document<'a> {
    let document = html
        .strip_prefix("<!DOCTYPE html>\n")
        .unwrap_or_else(|| panic!("{name}: another kind of document"));
    Document::parse(document).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn elements<'a>(
    document: &'a Document<'_>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'a>> {
    document
        .descendants()
        .filter(move |node| node.is_element() && node.has_tag_name(name))
}

#[test]
fn every_page_is_well_formed_and_has_one_heading_and_its_landmarks() {
    for (name, language, _, html) in everything() {
        let document = parsed(&name, &html);
        let root = document.root_element();
        assert_eq!(root.attribute("lang"), Some(language.tag()), "{name}");
        for (element, count) in [
            ("main", 1),
            ("h1", 1),
            ("header", 1),
            ("title", 1),
            ("script", 1),
        ] {
            assert_eq!(
                elements(&document, element).count(),
                count,
                "{name}: {element}"
            );
        }
        let title = elements(&document, "title").next().unwrap();
        let heading = elements(&document, "h1").next().unwrap();
        let (title, heading) = (title.text().unwrap(), heading.text().unwrap());
        assert!(title.contains(heading), "{name}: {title}");
        // No level of heading is skipped.
        let mut last = 0;
        for node in document.descendants().filter(Node::is_element) {
            if let Some(level) = node
                .tag_name()
                .name()
                .strip_prefix('h')
                .and_then(|n| n.parse().ok())
            {
                assert!(level <= last + 1, "{name}: h{level} after h{last}");
                last = level;
            }
        }
    }
}

/// Values change texts and attributes, never the structure of a page.
#[test]
fn hostile_values_stay_values() {
    for language in Language::ALL {
        let usual = rendered(&World::usual(language), language);
        let hostile = rendered(&World::hostile(), language);
        assert_eq!(usual.len(), hostile.len());
        for ((name, _, usual), (_, _, hostile)) in usual.iter().zip(&hostile) {
            // The drawings differ, because the URIs do.
            let shape = |html: &str| -> Vec<String> {
                parsed(name, html)
                    .descendants()
                    .filter(Node::is_element)
                    .map(|node| {
                        let attributes: Vec<&str> =
                            node.attributes().map(|one| one.name()).collect();
                        format!("{} {}", node.tag_name().name(), attributes.join(" "))
                    })
                    .collect()
            };
            assert_eq!(shape(usual), shape(hostile), "{name}");
            assert!(!hostile.contains("<script>"), "{name}");
        }
    }
}

/// The content policy forbids all of these, so they would not work.
#[test]
fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
    for (name, _, _, html) in everything() {
        let document = parsed(&name, &html);
        assert_eq!(elements(&document, "style").count(), 0, "{name}");
        for node in document.descendants().filter(Node::is_element) {
            let element = node.tag_name().name();
            for attribute in node.attributes() {
                let (key, value) = (attribute.name(), attribute.value());
                assert!(!key.starts_with("on") && key != "style", "{name}: {key}");
                let loads = element != "a" && matches!(key, "src" | "href") || key == "action";
                assert!(
                    !loads || value.starts_with('/') && !value.starts_with("//"),
                    "{name}: {value}"
                );
            }
            assert!(element != "script" || node.text().is_none(), "{name}");
        }
    }
    for asset in assets::ALL {
        let text = std::str::from_utf8(asset.bytes).unwrap();
        let without_namespace = text.replace("http://www.w3.org/2000/svg", "");
        for word in [
            "http:",
            "https:",
            "//cdn",
            "@import",
            "url(",
            "eval(",
            "innerHTML",
        ] {
            assert!(!without_namespace.contains(word), "{}: {word}", asset.path);
        }
    }
    let alone = policy::content_security_policy([]);
    assert!(alone.starts_with("default-src 'none';") && alone.ends_with("form-action 'self'"));
    assert!(!alone.contains("unsafe") && alone.contains("frame-ancestors 'none'"));
    let with = policy::content_security_policy(["https://wiki.example.org"]);
    assert_eq!(with, format!("{alone} https://wiki.example.org"));
}

#[test]
fn every_form_that_changes_something_carries_the_token_and_no_link_does() {
    for (name, _, _, html) in everything() {
        let document = parsed(&name, &html);
        let forms: Vec<_> = elements(&document, "form").collect();
        for form in &forms {
            assert_eq!(form.attribute("method"), Some("post"), "{name}");
            let fields = form.descendants().filter(|node| node.has_tag_name("input"));
            let tokens = fields.filter(|input| input.attribute("name") == Some(Field::CSRF));
            let values: Vec<_> = tokens.map(|input| input.attribute("value")).collect();
            assert_eq!(values, [Some(CSRF)], "{name}");
        }
        assert_eq!(html.matches(CSRF).count(), forms.len(), "{name}");
    }
}

#[test]
fn every_field_has_a_name_for_screen_readers_and_every_reference_leads_somewhere() {
    for (name, _, _, html) in everything() {
        let document = parsed(&name, &html);
        let ids: Vec<&str> = document
            .descendants()
            .filter_map(|node| node.attribute("id"))
            .collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{name}: {ids:?}");
        let labelled: BTreeSet<&str> = elements(&document, "label")
            .filter_map(|label| label.attribute("for"))
            .collect();
        for input in elements(&document, "input") {
            let is_seen =
                input.attribute("type") != Some("hidden") && input.attribute("hidden").is_none();
            let id = input.attribute("id");
            assert!(
                !is_seen || id.is_some_and(|id| labelled.contains(id)),
                "{name}: {id:?}"
            );
            let says_how = input.attribute("autocomplete").is_some()
                || input.attribute("type") == Some("checkbox");
            assert!(!is_seen || says_how, "{name}: {id:?}");
            let is_wrong = input.attribute("aria-invalid").is_some();
            assert!(
                !is_wrong || input.attribute("aria-describedby").is_some(),
                "{name}: {id:?}"
            );
        }
        for node in document.descendants().filter(Node::is_element) {
            for key in [
                "aria-describedby",
                "aria-labelledby",
                "for",
                "data-copy",
                "data-for",
            ] {
                for id in node
                    .attribute(key)
                    .into_iter()
                    .flat_map(str::split_whitespace)
                {
                    assert!(unique.contains(id), "{name}: {key}={id}");
                }
            }
        }
        let svgs = elements(&document, "svg");
        for svg in svgs {
            let is_named =
                svg.attribute("role") == Some("img") && svg.attribute("aria-label").is_some();
            assert!(
                is_named || svg.attribute("aria-hidden") == Some("true"),
                "{name}"
            );
        }
    }
}

/// After a form with an error, the page says so in the title and beside the field.
#[test]
fn a_page_with_an_error_says_so_in_its_title() {
    for language in Language::ALL {
        for (name, _, html) in rendered(&World::usual(language), language) {
            let document = parsed(&name, &html);
            let says = ["error", "note bad"].iter().any(|class| {
                let mut nodes = document.descendants();
                nodes.any(|node| node.attribute("class") == Some(class))
            });
            let title = elements(&document, "title").next().unwrap().text().unwrap();
            let error = otp_core::messages::portal::Label::Error.text(language);
            // The standing of the account is not an error of the form.
            let is_about_a_form = !name.starts_with("home");
            assert_eq!(title.starts_with(error), says && is_about_a_form, "{name}");
        }
    }
}

#[test]
fn only_the_page_made_to_show_a_secret_holds_it() {
    for language in Language::ALL {
        let world = World::usual(language);
        let device = device(&world.name);
        let plain = base32::reveal(device.secret.reveal_bytes());
        let hexadecimal = data_encoding::HEXLOWER.encode(device.secret.reveal_bytes());
        for (name, shows, html) in rendered(&world, language) {
            let keys = html.matches(plain.as_str()).count();
            assert_eq!(keys > 0, shows == Shows::TheKey, "{name}");
            assert!(!html.contains(&hexadecimal), "{name}");
            let groups = &plain[..4];
            assert!(shows == Shows::TheKey || !html.contains(groups), "{name}");
            for code in codes() {
                let shown = html.matches(code.reveal().as_str()).count();
                assert_eq!(shown, usize::from(shows == Shows::RecoveryCodes), "{name}");
            }
        }
    }
}

/// Draws the path of a QR code, and reads it with a scanner.
fn scanned(document: &Document<'_>, name: &str) -> String {
    let svg = elements(document, "svg").find(|svg| svg.attribute("role") == Some("img"));
    let svg = svg.unwrap_or_else(|| panic!("{name}: no picture"));
    let side: usize = svg
        .attribute("viewBox")
        .unwrap()
        .rsplit(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let dark = svg
        .children()
        .find(|path| path.attribute("fill") == Some("#000"))
        .unwrap();
    let mut modules = BTreeSet::new();
    for run in dark.attribute("d").unwrap().split('M').skip(1) {
        let (x, rest) = run.split_once(' ').unwrap();
        let (y, rest) = rest.split_once('h').unwrap();
        let (length, _) = rest.split_once('v').unwrap();
        let [x, y, length]: [usize; 3] = [x, y, length].map(|number| number.parse().unwrap());
        modules.extend((x..x + length).map(|x| (x, y)));
    }
    let scale = 4;
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(side * scale, side * scale, |x, y| {
            if modules.contains(&(x / scale, y / scale)) {
                0
            } else {
                255
            }
        });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "{name}");
    grids[0].decode().unwrap().1
}

#[test]
fn the_qr_code_contains_the_uri_on_pages_of_the_portal_and_in_texts_of_a_module() {
    for language in Language::ALL {
        let world = World::usual(language);
        let device = device(&world.name);
        let of_the_portal = otpauth::reveal_uri(&device, &world.issuer, &world.user);
        let of_the_module = otpauth::reveal_uri(&device, "web1", "alice");
        for (name, shows, html) in rendered(&world, language) {
            if shows != Shows::TheKey {
                continue;
            }
            let document = parsed(&name, &html);
            let uri = if name.starts_with("enrol") {
                &of_the_portal
            } else {
                &of_the_module
            };
            assert_eq!(scanned(&document, &name), **uri, "{name}");
            let mut links = elements(&document, "a");
            assert!(
                links.any(|link| link.attribute("href") == Some(uri.as_str())),
                "{name}"
            );
            assert!(
                document
                    .descendants()
                    .any(|node| node.text().is_some_and(|text| text.contains(uri.as_str())))
            );
        }
    }
}

/// Every form of a sheet that a module writes is recognised, in the language of the page or another. A text about codes
/// is not.
#[test]
fn a_sheet_of_recovery_codes_is_known_and_can_be_kept() {
    let owner = ("alice", "web1");
    let codes = codes();
    let seoul = Zone::of_rule("KST-9").unwrap();
    for language in Language::ALL {
        for sheet in [
            recovery_sheet::reveal(owner, language, &codes, Local::utc(NOW)),
            recovery_sheet::reveal_in_one_line(owner, language, &codes, Local::utc(NOW)),
            recovery_sheet::reveal(owner, language, &codes, seoul.at(NOW)),
            recovery_sheet::reveal_in_one_line(owner, language, &codes, seoul.at(NOW)),
        ] {
            let texts = ["Hello".to_owned(), sheet.to_string()].map(Zeroizing::new);
            let question = question(&texts);
            assert_eq!(question.sheet(), Some(sheet.as_str()));
            let html = question.render(&frame(Language::English));
            assert!(html.contains("data-copy=\"sheet\""));
            // The codes keep their order, whatever columns they stood in.
            let document = parsed("sheet", &html);
            let shown: Vec<_> = elements(&document, "li")
                .filter_map(|item| item.first_element_child()?.text())
                .collect();
            let expected: Vec<_> = codes
                .iter()
                .map(otp_core::recovery::RecoveryCode::reveal)
                .collect();
            assert_eq!(
                shown,
                expected
                    .iter()
                    .map(|code| code.as_str())
                    .collect::<Vec<_>>()
            );
            assert!(html.contains(&format!("{}?{}=7", Path::LOGIN_SHEET, Field::CONVERSATION)));
        }
        let usage = otp_core::messages::enrol::Dialogue::CodesUse.text(language);
        let code = codes[0].reveal();
        for text in [
            usage.clone(),
            format!("Type one: {}", *code),
            format!("A code: (1) {}. {usage} And more.", *code),
            format!("A code: (1) of {}. {usage}", *code),
        ] {
            let texts = [Zeroizing::new(text)];
            assert_eq!(question(&texts).sheet(), None);
        }
    }
}

#[test]
fn the_activity_of_an_account_is_told_in_words_for_its_user() {
    for (language, what, service) in [
        (
            Language::English,
            "A right code was entered",
            "remote login",
        ),
        (Language::Korean, "올바른 인증 코드 입력", "원격 로그인"),
    ] {
        let pages = rendered(&World::usual(language), language);
        let (_, _, html) = pages.iter().find(|(name, ..)| name == "events").unwrap();
        let event = format!("<p class=\"event\">{what}</p>");
        assert!(html.contains(&event), "{}", **html);
        assert!(html.contains(&format!("<dd>{service} (sshd)</dd>")));
    }
}

/// A browser runs no command and has no keys of a terminal.
#[test]
fn no_page_tells_a_user_to_run_a_command() {
    for language in Language::ALL {
        for (name, _, html) in rendered(&World::usual(language), language) {
            for word in ["otp-enroll", "otp-admin", "Ctrl-C", "Enter"] {
                assert!(!html.contains(word), "{name}: {word}");
            }
        }
    }
}

/// A message that names a command to users of ssh leads users of the portal to a page.
#[test]
fn a_page_links_to_what_a_login_advises() {
    for language in Language::ALL {
        let world = World::usual(language);
        for (name, _, html) in rendered(&world, language) {
            let document = parsed(&name, &html);
            let links: Vec<_> = elements(&document, "a")
                .filter(|link| {
                    link.attribute("class")
                        .is_some_and(|it| it.contains("button"))
                })
                .filter_map(|link| link.attribute("href"))
                .collect();
            let expected = match name.as_str() {
                "said" => vec!["/"],
                "said-recovered" => vec!["/", Path::REPLACE],
                "said-demanded" => vec!["/", Path::SET_UP],
                _ => continue,
            };
            assert_eq!(links, expected, "{name}");
        }
    }
}

/// Every form and language of a new key in an enrolment at login looks like the page of a change: each form appears
/// once, and the words fit a page with a QR code.
#[test]
fn a_key_told_in_a_login_is_shown_once_beside_its_picture() {
    let name = Name::new("phone").unwrap();
    let device = device(&name);
    let uri = otpauth::reveal_uri(&device, "web1", "alice");
    let key = device.secret.reveal_bytes();
    let (lines, plain) = (base32::reveal_in_groups(key), base32::reveal(key));
    let lines: Vec<&str> = lines.iter().map(|line| line.as_str()).collect();
    let two_lines: Vec<&str> = [&lines[0][..19], &lines[0][20..]].to_vec();
    for said in Language::ALL {
        for (lead, groups) in [(Dialogue::GiveKey, &lines), (Dialogue::Scan, &two_lines)] {
            let block = [
                KeyLine::Sentence(lead),
                KeyLine::Secret(Dialogue::Key, groups),
                KeyLine::Secret(Dialogue::PlainKey, &[&plain]),
                KeyLine::Secret(Dialogue::Uri, &[&uri]),
                KeyLine::Sentence(Dialogue::Settings(&device)),
            ];
            let block = Block::Key(&block);
            for text in [
                block.reveal(said, 79),
                block.reveal(said, 20),
                block.reveal_in_one_line(said),
            ] {
                let texts = [text];
                for language in Language::ALL {
                    let html = question(&texts).render(&frame(language));
                    let document = parsed("key", &html);
                    assert_eq!(elements(&document, "pre").count(), 0, "{}", *html);
                    assert_eq!(elements(&document, "svg").filter(is_picture).count(), 1);
                    // Each form appears once: in groups, in one piece, and as a URI; and there is the link to an app.
                    assert_eq!(
                        html.matches(&*plain).count(),
                        3,
                        "once, and in URI and link"
                    );
                    for group in lines[0].split(' ') {
                        assert_eq!(html.matches(&format!("<code>{group}</code>")).count(), 1);
                    }
                    assert!(html.contains(&Dialogue::Settings(&device).text(said)));
                    assert!(html.contains(&Dialogue::Scan.text(language)));
                    assert!(!html.contains(&Dialogue::GiveKey.text(language)));
                }
            }
        }
        // A text that only resembles a key is shown unchanged. Nothing that a module says is left out.
        let whole = Block::Key(&[
            KeyLine::Sentence(Dialogue::GiveKey),
            KeyLine::Secret(Dialogue::Key, &lines),
            KeyLine::Secret(Dialogue::PlainKey, &[&plain]),
            KeyLine::Secret(Dialogue::Uri, &[&uri]),
            KeyLine::Sentence(Dialogue::Settings(&device)),
        ])
        .reveal(said, 79);
        let other = plain.replace(&plain[..4], "ABCD");
        for text in [
            format!("Please note.\n{}", *whole),
            whole.replacen(&*plain, &other, 1),
            whole.replacen(&lines[0][..4], "ABCD", 1),
            whole.replace("otpauth://", "https://"),
        ] {
            let texts = [Zeroizing::new(text)];
            let html = question(&texts).render(&frame(said));
            assert!(html.contains("<pre class=\"spoken\""), "{}", *texts[0]);
        }
        // The second of two keys is shown unchanged too.
        let texts = [whole.clone(), whole];
        let html = question(&texts).render(&frame(said));
        assert_eq!(html.matches("id=\"scan\"").count(), 1);
        assert!(html.contains("<pre class=\"spoken\""));
    }
}

fn is_picture(svg: &Node<'_, '_>) -> bool {
    let parent = svg.parent_element().unwrap();
    parent.attribute("class") == Some("qr")
}

fn question(texts: &[Zeroizing<String>]) -> Question<'_> {
    Question {
        conversation: "7",
        purpose: Purpose::Login { user: "alice" },
        texts,
        prompt: "Go on: ",
        echo: true,
    }
}

fn frame(language: Language) -> Frame<'static> {
    Frame {
        language,
        site: "login.example.org",
        user: None,
        csrf: CSRF,
        here: None,
        zone: &UTC,
        now: NOW,
    }
}

#[test]
fn the_file_of_recovery_codes_is_the_sheet_of_the_terminal() {
    let codes = codes();
    let page = Codes {
        conversation: "7",
        user: "alice",
        machine: "web1",
        codes: &codes,
        issued: NOW,
        unticked: false,
        with_device: true,
    };
    for language in Language::ALL {
        let expected = recovery_sheet::reveal(("alice", "web1"), language, &codes, Local::utc(NOW));
        assert_eq!(page.sheet(&UTC, language), expected);
        let html = page.render(&frame(language));
        // The text to copy has the title, the codes, and what they are for.
        let document = parsed("codes", &html);
        let lines = document
            .descendants()
            .filter(|node| node.attribute("data-line").is_some());
        let lines: Vec<_> = lines.filter_map(|line| line.text()).collect();
        assert_eq!(lines.len(), codes.len() + 2);
        for line in lines {
            assert!(expected.contains(line), "{line}");
        }
    }
}

/// Sentences that a module broke for a terminal are joined. A text with lines of its own keeps them.
#[test]
fn texts_of_modules_are_shown_unchanged() {
    let sentence = "one two three four five six seven eight nine ten ".repeat(4);
    let sentence = sentence.trim();
    let broken = otp_core::layout::wrap(sentence, 79);
    assert!(broken.contains('\n'));
    let texts = [
        broken,
        "a list:\n  - <one>\n  - two".to_owned(),
        "\n".to_owned(),
    ]
    .map(Zeroizing::new);
    let html = question(&texts).render(&frame(Language::English));
    let document = parsed("texts", &html);
    let spoken = document
        .descendants()
        .filter(|node| node.attribute("class") == Some("spoken"));
    let spoken: Vec<_> = spoken
        .map(|node| (node.tag_name().name(), node.text().unwrap()))
        .collect();
    assert_eq!(
        spoken,
        [("p", sentence), ("pre", "a list:\n  - <one>\n  - two")]
    );
}

/// The enrolment at login asks for words, because a terminal has nothing else. A page has buttons and a box.
#[test]
fn words_that_the_enrolment_at_login_asks_for_are_buttons_and_a_box() {
    let shown = |dialogue: Dialogue<'_>, said, language, texts: &[Zeroizing<String>]| {
        let prompt = dialogue.text(said);
        let page = Question {
            prompt: &prompt,
            ..question(texts)
        };
        let html = page.render(&frame(language));
        let document = parsed("question", &html);
        let answers = document
            .descendants()
            .filter(|node| node.attribute("name") == Some(Field::ANSWER));
        let answers: Vec<_> = answers
            .map(|node| {
                let what = [node.attribute("type"), node.attribute("value")];
                (
                    node.tag_name().name().to_owned(),
                    what.map(|it| it.unwrap_or("").to_owned()),
                )
            })
            .collect();
        assert!(!html.contains("Enter") && !html.contains("&#34;") && !html.contains("Ctrl"));
        let form = elements(&document, "form").find(|form| form.attribute("class") == Some("card"));
        let buttons = form
            .unwrap()
            .descendants()
            .filter(|node| node.has_tag_name("button"));
        (answers, buttons.count())
    };
    let one = |name: &str, kind: &str, value: &str| {
        vec![(name.to_owned(), [kind.to_owned(), value.to_owned()])]
    };
    for said in Language::ALL {
        for language in Language::ALL {
            let begin = shown(Dialogue::BeginQuestion, said, language, &[]);
            assert_eq!(begin, (vec![], 1));
            let later = shown(Dialogue::BeginOrLaterQuestion, said, language, &[]);
            assert_eq!(later, (one("button", "", "later"), 2));
            let reminded = [Zeroizing::new(Dialogue::NotKept.text(said))];
            let kept = shown(Dialogue::KeptQuestion, said, language, &reminded);
            assert_eq!(kept, (one("input", "checkbox", "kept"), 1));
        }
    }
}

#[test]
fn a_question_offers_the_keyboard_and_what_the_browser_has_kept() {
    let attributes = |prompt, echo| {
        let page = Question {
            prompt,
            echo,
            ..question(&[])
        };
        let html = page.render(&frame(Language::English));
        let document = parsed("question", &html);
        let input =
            elements(&document, "input").find(|input| input.attribute("id") == Some("answer"));
        let input = input.unwrap();
        let attribute = |name| input.attribute(name).map(str::to_owned);
        let user = elements(&document, "input")
            .any(|one| one.attribute("autocomplete") == Some("username"));
        let others = elements(&document, "details").count();
        (
            ["type", "autocomplete", "inputmode"].map(attribute),
            user,
            others,
        )
    };
    for (prompt, echo, expected, user, others) in [
        (
            "Password: ",
            false,
            ["password", "current-password", ""],
            true,
            0,
        ),
        (
            "Retype new password: ",
            false,
            ["password", "new-password", ""],
            true,
            0,
        ),
        (
            "Verification code: ",
            false,
            ["text", "one-time-code", "numeric"],
            false,
            1,
        ),
        (
            "Code from the email: ",
            false,
            ["text", "one-time-code", "numeric"],
            false,
            0,
        ),
        ("Favourite colour? ", true, ["text", "off", ""], false, 0),
        (
            "Favourite colour? ",
            false,
            ["password", "off", ""],
            false,
            0,
        ),
    ] {
        let expected = expected.map(|value| (!value.is_empty()).then(|| value.to_owned()));
        assert_eq!(
            attributes(prompt, echo),
            (expected, user, others),
            "{prompt}"
        );
    }
}

#[test]
fn the_other_language_is_one_link_away_and_comes_back_to_the_page() {
    for (language, link, name) in [
        (
            Language::English,
            "/language?to=ko&back=%2Fevents%3Fa%3Db%26c",
            "한국어",
        ),
        (
            Language::Korean,
            "/language?to=en&back=%2Fevents%3Fa%3Db%26c",
            "English",
        ),
    ] {
        let page = question(&[]);
        let with = Frame {
            here: Some("/events?a=b&c"),
            ..frame(language)
        };
        let html = page.render(&with);
        let document = parsed("question", &html);
        let found = elements(&document, "a")
            .find(|one| one.attribute("class") == Some("language"))
            .unwrap();
        assert_eq!(
            (found.attribute("href"), found.text()),
            (Some(link), Some(name))
        );
        assert_eq!(found.attribute("lang"), found.attribute("hreflang"));
        let html = page.render(&frame(language));
        assert_eq!(
            elements(&parsed("question", &html), "a")
                .filter(|one| one.attribute("class") == Some("language"))
                .count(),
            0
        );
    }
}

#[test]
fn a_browser_is_answered_in_the_language_that_it_prefers() {
    use otp_portal::pages::preferred;
    for (asked, language) in [
        (None, Language::English),
        (Some(""), Language::English),
        (Some("*"), Language::English),
        (Some("ko"), Language::Korean),
        (
            Some("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7"),
            Language::Korean,
        ),
        (Some("en-US,en;q=0.9,ko;q=0.8"), Language::English),
        (Some("de, ko;q=0.3, en;q=0.2"), Language::Korean),
        (Some("KO ; q=0.5 , en;q=0.4"), Language::Korean),
        (Some("ko;q=0, en;q=0.1"), Language::English),
        (Some("ko;q=NaN"), Language::English),
        (Some("ko;q=9"), Language::English),
        (Some("kok"), Language::English),
    ] {
        assert_eq!(preferred(asked), language, "{asked:?}");
    }
}

/// English text on a Korean page, or the reverse, can only be a user's value or a name.
#[test]
fn every_page_speaks_its_language() {
    let mut pages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for language in Language::ALL {
        let world = World::usual(language);
        for (name, _, html) in rendered(&world, language) {
            let document = parsed(&name, &html);
            let texts = document.descendants().filter(Node::is_text);
            let texts = texts.filter(|node| {
                node.parent()
                    .is_none_or(|parent| parent.attribute("lang").is_none())
            });
            let texts: Vec<String> = texts
                .filter_map(|node| node.text())
                .map(|text| text.trim().to_owned())
                .collect();
            let hangul = |text: &String| text.contains(|c| ('가'..='힣').contains(&c));
            if language == Language::English {
                assert!(!texts.iter().any(hangul), "{name}: {texts:?}");
            }
            pages
                .entry(name)
                .or_default()
                .push(format!(" {} ", texts.join(" ")));
        }
    }
    for (name, texts) in pages {
        assert_ne!(texts[0], texts[1], "{name}");
        // Every English sentence has one of these small words, and no value on these pages has one.
        for word in [" the ", " is ", " a "] {
            let korean = texts[1].replace("Verification", "");
            assert!(!korean.contains(word), "{name}: {word}: {korean}");
        }
    }
}
