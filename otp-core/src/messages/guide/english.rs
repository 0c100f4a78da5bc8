//! The guide in English.

use super::{Begin, FOR_A_COMPUTER, FOR_A_PHONE, Lasts, Must, Sentence, address, typed};
use crate::messages::enrol::{KEPT, LATER};
use crate::messages::length;
use crate::record::Language;
use crate::time::UnixTime;
use crate::zone::Zone;
use std::time::Duration;

#[expect(clippy::too_many_lines, reason = "a sentence each")]
pub(super) fn text(sentence: Sentence<'_>) -> String {
    match sentence {
        Sentence::Title(site) => format!("Logging in to {site} with a code"),
        Sentence::AboutHeading => "What it is".to_owned(),
        Sentence::About {
            site,
            digits,
            seconds,
        } => format!(
            "To log in to {site} you type your password, and then a code of {digits} digits. An authenticator app on your phone or \
             computer shows the code. It shows a new one every {seconds} seconds, even without a network. So a stolen password \
             is not enough to log in as you."
        ),
        Sentence::Needed { must, zone } => needed(must, zone),
        Sentence::SomeAreExempt => {
            "Some accounts do not need one: ask your administrator.".to_owned()
        }
        Sentence::SomeProgramsExcuse => {
            "Some programs let you in without one until you have set it up.".to_owned()
        }
        Sentence::OnceForAll(site) => {
            format!("You set it up once, and it counts on all machines of {site}.")
        }
        Sentence::AppHeading => "Which app".to_owned(),
        Sentence::AnyApp => format!(
            "Any authenticator app works. On a phone, for example, use {} or {}.",
            FOR_A_PHONE[0], FOR_A_PHONE[1]
        ),
        Sentence::OnAComputer => format!(
            "Without a phone, use a password manager on your computer: {}, or {}, which is also a browser extension.",
            FOR_A_COMPUTER[0], FOR_A_COMPUTER[1]
        ),
        Sentence::NotEveryApp { settings, known } => format!(
            "Not every app can show the codes that are used here ({settings}). On a computer, {known} can. Ask your administrator \
             which app to use on a phone."
        ),
        Sentence::UnfitAppIsNoticed => {
            "Nothing is saved with an app that shows wrong codes: you would notice while setting it up."
                .to_owned()
        }
        Sentence::SetUpHeading => "Set it up (2 minutes)".to_owned(),
        Sentence::Begin { begin, command } => begin_with(begin, command),
        Sentence::TypeMailedCode => "Type the code that is mailed to your address.".to_owned(),
        Sentence::Scan { issuer } => format!(
            "In the app, add an entry and scan the QR code. The entry is called \"{issuer}\"."
        ),
        Sentence::TypeKey {
            settings,
            is_drawn: true,
        } => format!(
            "If the app cannot scan, type the key without its spaces. If the app asks for settings: {settings}."
        ),
        Sentence::TypeKey {
            settings,
            is_drawn: false,
        } => format!(
            "In the app, add an entry and type the key without its spaces. If the app asks for settings: {settings}."
        ),
        Sentence::TypeCode(digits) => format!("Type the {digits} digits that the app shows now."),
        Sentence::KeepCodes { codes, is_typed } => {
            let codes = match codes {
                1 => "recovery code. It is".to_owned(),
                codes => format!("{codes} recovery codes. They are"),
            };
            let then = if is_typed {
                format!("Then type {}.", typed(KEPT[0]))
            } else {
                "Then confirm it.".to_owned()
            };
            format!("Print or write down the {codes} shown only once. {then}")
        }
        Sentence::NothingSaved => {
            "Nothing is saved before the last step: you can stop and begin again at any time.".to_owned()
        }
        Sentence::EnrolmentCaption => {
            "Setting it up. This key and this QR code are an example: do not scan them.".to_owned()
        }
        Sentence::RecoveryCodesCaption => "The last screen. The recovery codes are examples.".to_owned(),
        Sentence::LoginHeading => "Log in".to_owned(),
        Sentence::LogIn { prompt } => format!(
            "Type your password. Where you are asked for \"{prompt}\", type the code that the app shows."
        ),
        Sentence::WorksOnce => {
            "Each code works once. To log in again at once, wait for the next one.".to_owned()
        }
        Sentence::Remembered { length, everywhere } => {
            let (who, at_most) = if everywhere {
                ("the same program does", "for")
            } else {
                ("some programs do", "for up to")
            };
            format!(
                "After a code, {who} not ask you for another {at_most} {}, if you come from the same address.",
                self::length(Language::English, length)
            )
        }
        Sentence::SomeNetworks => "From some networks, no code is asked for.".to_owned(),
        Sentence::LoginCaption => "A login. You may not see what you type.".to_owned(),
        Sentence::RecoveryHeading => "Recovery codes".to_owned(),
        Sentence::RecoveryUse(1) => {
            "The recovery code works once, in place of a code. Keep it apart from the phone.".to_owned()
        }
        Sentence::RecoveryUse(codes) => format!(
            "Each of the {codes} recovery codes works once, in place of a code. Keep them apart from the phone."
        ),
        Sentence::RecoveryNew { portal, codes } => {
            let few = if codes == 1 { "Is it used" } else { "Are few left" };
            let new = if codes == 1 { "a new one" } else { "new ones" };
            let old = if codes == 1 { "the old one stops" } else { "the old ones stop" };
            let how = at_portal_or(portal, "recovery-codes");
            format!("{few}, or has somebody else seen one? {how} to get {new}; {old} working.")
        }
        Sentence::NewHeading => "A new phone".to_owned(),
        Sentence::NewReplaces {
            portal,
            command,
            codes,
        } => {
            let begin = match portal {
                Some(url) => format!("log in to {} and add it there, or run {}", address(url), typed(command)),
                None => format!("log in and run {}", typed(command)),
            };
            let (or, and) = if codes > 0 {
                (" or a recovery code", ", and so do the old recovery codes")
            } else {
                ("", "")
            };
            format!(
                "While you have the old phone, {begin}. Type your password and a code{or}, and scan the new QR code. At the end \
                 the old phone stops working{and}."
            )
        }
        Sentence::NewIsAdded { portal, most, old } => {
            let begin = match portal {
                Some(url) => format!("log in to {} and add it there", address(url)),
                None => format!("log in and run {}; you choose the name", typed("otp-enroll add tablet")),
            };
            format!(
                "While you have the old phone, {begin}. You can have up to {most} devices. Then remove the old one: {}.",
                typed(&format!("otp-enroll remove {old}"))
            )
        }
        Sentence::KeepOldEntry => {
            "Do not delete the entry in the old app before the new one works.".to_owned()
        }
        Sentence::LostHeading => "A lost phone".to_owned(),
        Sentence::LostUseRecovery { replaces, old } => {
            let then = if replaces {
                "The lost phone then stops working.".to_owned()
            } else {
                format!("Then remove the lost one: {}.", typed(&format!("otp-enroll remove {old}")))
            };
            format!(
                "Log in with a recovery code: type it where you are asked for the code. Then set up another phone at once, as \
                 above; that takes another recovery code. {then}"
            )
        }
        Sentence::LostUseMail { is_first } => format!(
            "{} {} where you are asked for the code: a code of 8 digits comes by mail. It is valid for 10 minutes, and only \
             for this login.",
            if is_first { "Type" } else { "Or type" },
            typed("email")
        ),
        Sentence::LostAsk { is_only_way: true } => {
            "Ask your administrator to remove the lost phone. Then set up another one.".to_owned()
        }
        Sentence::LostAsk { is_only_way: false } => {
            "If you cannot log in any more, ask your administrator to remove the lost phone. Then set up another one."
                .to_owned()
        }
        Sentence::LockedHeading => "Locked".to_owned(),
        Sentence::Locks(1) => "1 wrong code locks the account.".to_owned(),
        Sentence::Locks(failures) => format!("{failures} wrong codes in a row lock the account."),
        Sentence::LockLasts(lasts) => locked(lasts),
        Sentence::OpensLock => {
            "A recovery code opens it at once. Without one, ask your administrator.".to_owned()
        }
        Sentence::AskToUnlock => "Your administrator can open it.".to_owned(),
        Sentence::Disables(1) => {
            "After 1 wrong code the account is disabled, and only your administrator can help.".to_owned()
        }
        Sentence::Disables(failures) => format!(
            "After {failures} wrong codes in a row the account is disabled, and only your administrator can help."
        ),
        Sentence::RefusedHeading => "The code is refused".to_owned(),
        Sentence::SetClock => {
            "Codes depend on the time. On the device with the app, switch on automatic date and time.".to_owned()
        }
        Sentence::RightEntry(issuer) => {
            format!("Then type the next code, of the entry \"{issuer}\".")
        }
        Sentence::NeverHeading => "Never".to_owned(),
        Sentence::NeverGive { codes } => {
            let recovery = if codes > 0 { ", a recovery code" } else { "" };
            format!(
                "Never give anybody a code{recovery}, the key or the QR code. Your administrator does not ask for them."
            )
        }
        Sentence::Made {
            date,
            machine,
            version,
        } => format!("Made on {date} from the policy of {machine} (pam_otp {version}, {}).", typed("otp-admin guide")),
        Sentence::Example => "EXAMPLE".to_owned(),
        Sentence::QrCode => "[QR code]".to_owned(),
    }
}

fn needed(must: Must, zone: &Zone) -> String {
    let minute = |moment: UnixTime| zone.at(moment).minute(Language::English);
    let until = |until: String| {
        format!("You can log in without a code {until}. Set up an app before then.")
    };
    let length = |wait: Duration| length(Language::English, wait);
    match must {
        Must::Never => {
            "You need not use it. Once you have set it up, you are asked for a code when you log in."
                .to_owned()
        }
        Must::Now => "You cannot log in without a code.".to_owned(),
        Must::From(moment) => until(format!("until {}", minute(moment))),
        Must::After(grace) => until(format!("for {} from your first login on", length(grace))),
        Must::Later(moment, grace) => until(format!(
            "until {}, or for {} from your first login on if that ends later",
            minute(moment),
            length(grace)
        )),
    }
}

fn begin_with(begin: Begin<'_>, command: &str) -> String {
    let command = typed(command);
    match begin {
        Begin::Portal(url) => format!(
            "Open {} and log in with your password. Or run {command} in a terminal.",
            address(url)
        ),
        Begin::Login { services, can_wait } => {
            let services = match services {
                [] => String::new(),
                [one] => format!(" through {one}"),
                [others @ .., last] => format!(" through {} or {last}", others.join(", ")),
            };
            let later = if can_wait {
                format!(", or type {} to put it off", typed(LATER[0]))
            } else {
                String::new()
            };
            format!("Log in with your password{services}. Press Enter to set it up{later}.")
        }
        Begin::Command { is_shut: false } => {
            format!("Log in as before, and run {command} in a terminal.")
        }
        Begin::Command { is_shut: true } => format!(
            "Where you are logged in already, run {command} in a terminal. If you cannot log in, ask your administrator."
        ),
    }
}

fn at_portal_or(portal: Option<&str>, command: &str) -> String {
    let command = typed(&format!("otp-enroll {command}"));
    match portal {
        Some(url) => format!("Use {} or {command}", address(url)),
        None => format!("Run {command}"),
    }
}

fn locked(lasts: Lasts) -> String {
    let length = |wait: Duration| length(Language::English, wait);
    match lasts {
        Lasts::Open => "The lock does not end by itself.".to_owned(),
        Lasts::Always(wait) => format!("The lock ends after {}.", length(wait)),
        Lasts::Doubling(first, longest) => format!(
            "The lock ends after {}. Each further lock in a row lasts twice as long, up to {}.",
            length(first),
            length(longest)
        ),
    }
}
