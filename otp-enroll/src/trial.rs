//! `otp-enroll test`: makes one attempt as a login does, and shows what a login would have answered.

use crate::failure::Failure;
use crate::output;
use crate::site::Site;
use crate::terminal::{Echo, Terminal};
use otp_core::messages::Message;
use otp_core::messages::enrol::Dialogue;
use otp_core::messages::trouble::Trouble;
use otp_core::{Account, Verdict};
use otp_site::{clock, zone};

/// Asks for a code and makes the attempt, which counts like any other. It fails if a login would have been refused.
pub fn attempt_once(site: &Site, account: &Account, terminal: &Terminal) -> Result<(), Failure> {
    if !site.status(account)?.enrolled {
        let user = account.name.as_str().to_owned();
        return Err(Trouble::NotEnrolled { user }.into());
    }
    let typed = terminal.ask(&Message::CodePrompt.text(site.language), Echo::Off)?;
    let verdict = site.attempt(account, &typed)?;
    output::print(&told(site, &verdict)?)?;
    match verdict {
        Verdict::Accepted { .. } | Verdict::Recovered { .. } => Ok(()),
        _ => Err(Failure::Refused),
    }
}

/// Describes the verdict: the result of the login, and what the person would have been told.
fn told(site: &Site, verdict: &Verdict) -> Result<String, Failure> {
    let mut sentences = match verdict {
        Verdict::Accepted {
            authenticator,
            resynchronised,
        } => {
            let name = authenticator.as_str();
            let mut sentences = vec![Dialogue::TestAccepted { name }];
            sentences.extend(resynchronised.map(|_| Dialogue::TestResynchronised));
            sentences
        }
        Verdict::Recovered { .. } => vec![Dialogue::TestRecovered],
        _ => vec![Dialogue::TestRefused],
    }
    .into_iter()
    .map(|sentence| sentence.text(site.language))
    .collect::<Vec<_>>();
    sentences.extend(
        Message::about(verdict, &site.policy, clock::now()?, |moment| {
            zone::of_this_machine().at(moment)
        })
        .map(|message| message.text(site.language)),
    );
    if let Verdict::Rejected { left } = verdict {
        sentences.push(Dialogue::TestLeft(*left).text(site.language));
    }
    Ok(sentences.join("\n") + "\n")
}
