//! What `otp-admin protect` and `unprotect` say.

mod refusal;

use crate::messages::korean::{Particle, with};
use crate::record::Language;

pub use refusal::Refusal;

/// The word that keeps a change, in every language; each word is accepted in any language.
pub const KEEP: [&str; 2] = ["keep", "유지"];

/// One note during the change, on lines of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The service already asks for a code.
    ProtectedAlready {
        /// Its name.
        service: String,
    },
    /// The service does not ask for a code.
    NotProtected {
        /// Its name.
        service: String,
    },
    /// Only the difference was asked for.
    DryRun,
    /// A change of an earlier run had not been confirmed, and was undone.
    UnconfirmedUndone {
        /// The service of that change.
        service: String,
    },
    /// The vendor's file is copied, so its later versions do not count.
    VendorCopied {
        /// The vendor's file.
        from: String,
        /// The copy.
        to: String,
    },
    /// The service asks for the code of the target account.
    RootNeedsOne {
        /// Its name.
        service: String,
    },
    /// sshd lets users with keys in without PAM's `auth` lines.
    KeysAlone,
    /// The policy does not name the account of the program as trusted.
    TrustCaller {
        /// That account.
        account: String,
    },
    /// The account of the program may not read password hashes.
    NeedsShadow {
        /// That account.
        account: String,
    },
    /// The program must be told the name of the service.
    NameTheService {
        /// Its name.
        service: String,
    },
    /// The trial begins.
    Trial {
        /// The service that it uses.
        service: String,
        /// The user whose password and code are asked for.
        user: String,
    },
    /// The program asks once.
    OneReply,
    /// The prompt for the one reply.
    OneReplyPrompt,
    /// The trial let the administrator in.
    Worked,
    /// The change is in place, and is undone unless it is confirmed.
    InPlace {
        /// How many seconds there are to confirm it.
        seconds: u64,
    },
    /// Asks for the word that keeps the change.
    KeepQuestion,
    /// sshd was told to read its configuration again.
    Reloaded,
    /// sshd could not be told to do so.
    ReloadYourself,
    /// The change stays.
    Protected {
        /// The service.
        service: String,
    },
    /// The change is taken back.
    Unprotected {
        /// The service.
        service: String,
    },
    /// The drop-in file has been changed by others, so it stays.
    DropInStays {
        /// Its path.
        path: String,
    },
}

impl Note {
    /// Returns the text in this language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::ProtectedAlready { service } => {
                format!("{service} is protected already; nothing was changed")
            }
            Self::NotProtected { service } => {
                format!("{service} is not protected; nothing was changed")
            }
            Self::DryRun => "This was a dry run; nothing was changed.".to_owned(),
            Self::UnconfirmedUndone { service } => format!(
                "An earlier change for {service} was never confirmed. It has been undone."
            ),
            Self::VendorCopied { from, to } => format!(
                "{to} is a copy of {from}. Later versions of that file have no effect while the copy exists."
            ),
            Self::RootNeedsOne { service } => format!(
                "Through {service}, root has to enter a code too: enrol root first (otp-enroll --user root), unless the policy excuses root."
            ),
            Self::KeysAlone => {
                "A public key still logs in without a code, unless AuthenticationMethods in sshd's configuration asks for more."
                    .to_owned()
            }
            Self::TrustCaller { account } => format!(
                "The program runs as {account}. Add \"{account}\" to trusted_callers in section [helper] of the policy: it may then check anybody's code."
            ),
            Self::NeedsShadow { account } => format!(
                "The program runs as {account}, who may not read /etc/shadow. Run 'usermod --append --groups shadow {account}' and restart the program: it can then read everybody's hash."
            ),
            Self::NameTheService { service } => {
                format!("The program has to use the PAM service \"{service}\"; its own configuration says so.")
            }
            Self::Trial { service, user } => format!(
                "Before anything is changed: log in as {user} through {service} with the new lines."
            ),
            Self::OneReply => {
                "The program asks once. Type the login secret and the code, with nothing in between.".to_owned()
            }
            Self::OneReplyPrompt => "Both in one: ".to_owned(),
            Self::Worked => "That login was accepted.".to_owned(),
            Self::InPlace { seconds } => format!(
                "The change is in place now. Try a real login in another window. Without an answer it is undone in {seconds} seconds."
            ),
            Self::KeepQuestion => format!("Type \"{}\" to keep it: ", KEEP[0]),
            Self::Reloaded => "sshd has been reloaded.".to_owned(),
            Self::ReloadYourself => {
                "Reload sshd now, so that it reads its configuration again (systemctl reload ssh; Fedora: sshd).".to_owned()
            }
            Self::Protected { service } => format!("{service} asks for a code from now on"),
            Self::Unprotected { service } => format!("{service} asks for no code from now on"),
            Self::DropInStays { path } => {
                format!("{path} stays: it is not what 'otp-admin protect' wrote. Remove it yourself if you do not need it.")
            }
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::ProtectedAlready { service } => {
                format!("{service} 서비스는 이미 보호되어 있어 변경한 내용이 없습니다.")
            }
            Self::NotProtected { service } => {
                format!("{service} 서비스는 보호되어 있지 않아 변경한 내용이 없습니다.")
            }
            Self::DryRun => "시험 실행이므로 변경한 내용이 없습니다.".to_owned(),
            Self::UnconfirmedUndone { service } => format!(
                "{service} 서비스의 이전 변경이 확정되지 않아 되돌렸습니다."
            ),
            Self::VendorCopied { from, to } => format!(
                "{to} 파일은 {from} 파일의 사본입니다. 사본이 있는 동안 원본의 새 버전은 적용되지 않습니다."
            ),
            Self::RootNeedsOne { service } => format!(
                "{service} 서비스에서는 root도 인증 코드를 입력해야 합니다. 정책에서 root를 제외하지 않았다면 먼저 root를 등록하세요(otp-enroll --user root)."
            ),
            Self::KeysAlone => {
                "sshd 설정의 AuthenticationMethods에서 더 요구하지 않는 한, 공개 키로는 여전히 인증 코드 없이 로그인할 수 있습니다."
                    .to_owned()
            }
            Self::TrustCaller { account } => format!(
                "프로그램이 {account} 계정으로 실행됩니다. 정책의 [helper] 섹션에 있는 trusted_callers 목록에 \"{account}\" 계정을 추가하세요. 그러면 모든 사용자의 인증 코드를 확인할 수 있습니다."
            ),
            Self::NeedsShadow { account } => format!(
                "프로그램이 {account} 계정으로 실행되며 이 계정은 /etc/shadow 파일을 읽을 수 없습니다. 'usermod --append --groups shadow {account}' 명령을 실행하고 프로그램을 다시 시작하세요. 그러면 모든 해시를 읽을 수 있습니다."
            ),
            Self::NameTheService { service } => {
                format!("프로그램이 PAM 서비스로 \"{service}\" 서비스를 사용하도록 프로그램의 설정에 지정해야 합니다.")
            }
            Self::Trial { service, user } => format!(
                "아직 변경한 내용은 없습니다. 새 설정의 {service} 서비스로 {user} 계정에 로그인해 보세요."
            ),
            Self::OneReply => {
                "이 프로그램은 한 번만 입력을 요구합니다. 비밀번호와 인증 코드를 붙여서 입력하세요.".to_owned()
            }
            Self::OneReplyPrompt => "비밀번호와 인증 코드를 한 번에: ".to_owned(),
            Self::Worked => "로그인이 허용되었습니다.".to_owned(),
            Self::InPlace { seconds } => format!(
                "변경을 적용했습니다. 다른 창에서 실제로 로그인해 보세요. {seconds}초 안에 입력하지 않으면 되돌립니다."
            ),
            Self::KeepQuestion => format!(
                "유지하려면 {} {} 입력하세요: ",
                with(&format!("\"{}\"", KEEP[0]), Particle::Or),
                with(&format!("\"{}\"", KEEP[1]), Particle::Object)
            ),
            Self::Reloaded => "sshd가 설정을 다시 읽었습니다.".to_owned(),
            Self::ReloadYourself => {
                "sshd가 설정을 다시 읽도록 지금 다시 불러오세요(systemctl reload ssh, Fedora에서는 sshd).".to_owned()
            }
            Self::Protected { service } => {
                format!("{service} 서비스는 이제부터 인증 코드를 요구합니다.")
            }
            Self::Unprotected { service } => {
                format!("{service} 서비스는 이제부터 인증 코드를 요구하지 않습니다.")
            }
            Self::DropInStays { path } => {
                format!("{path} 파일은 'otp-admin protect' 명령이 저장한 내용과 달라 그대로 두었습니다. 필요 없으면 직접 삭제하세요.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::every;
    use crate::messages::in_all::assert_same_in_every_language;

    fn all() -> Vec<Note> {
        let (service, account) = ("sshd".to_owned(), "postgres".to_owned());
        let (from, to) = ("/usr/lib/x".to_owned(), "/etc/x".to_owned());
        every!(Note {
            ProtectedAlready => [Note::ProtectedAlready { service: service.clone() }],
            NotProtected => [Note::NotProtected { service: service.clone() }],
            DryRun => [Note::DryRun],
            UnconfirmedUndone => [Note::UnconfirmedUndone { service: service.clone() }],
            VendorCopied => [Note::VendorCopied { from, to: to.clone() }],
            RootNeedsOne => [Note::RootNeedsOne { service: service.clone() }],
            KeysAlone => [Note::KeysAlone],
            TrustCaller => [Note::TrustCaller { account: account.clone() }],
            NeedsShadow => [Note::NeedsShadow { account: account.clone() }],
            NameTheService => [Note::NameTheService { service: service.clone() }],
            Trial => [Note::Trial { service: service.clone(), user: account }],
            OneReply => [Note::OneReply],
            OneReplyPrompt => [Note::OneReplyPrompt],
            Worked => [Note::Worked],
            InPlace => [Note::InPlace { seconds: 120 }],
            KeepQuestion => [Note::KeepQuestion],
            Reloaded => [Note::Reloaded],
            ReloadYourself => [Note::ReloadYourself],
            Protected => [Note::Protected { service: service.clone() }],
            Unprotected => [Note::Unprotected { service }],
            DropInStays => [Note::DropInStays { path: to }],
        })
    }

    #[test]
    fn every_note_says_the_same_in_every_language() {
        for note in all() {
            assert_same_in_every_language(|language| note.text(language));
        }
    }
}
