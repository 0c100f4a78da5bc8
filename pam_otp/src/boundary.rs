//! The C side: the entry points that PAM calls, and what they call of PAM. The only file with `unsafe`.
//!
//! Contract with PAM (`pam_sm_authenticate(3)`): the handle is valid for the time of the call, one thread at a time;
//! strings that PAM hands out are NUL-terminated and live until the item is set again. Nothing unwinds out of here.

use crate::host::{Answer, Host, HostFault, Kept, Origin, Priority, Reply, Tone};
use crate::login;
use libc::{c_char, c_int, c_uint, c_void};
use otp_core::UnixTime;
use otp_store::{Account, Error, clock, directory};
use pam::constants::{
    PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_SILENT, PAM_TEXT_INFO, PamFlag,
    PamResultCode,
};
use pam::conv::Conv;
use pam::items::{AuthTok, ItemType, RHost, Service, Tty};
use pam::module::{PamHandle, PamHooks};
use std::cell::RefCell;
use std::ffi::{CStr, CString};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use zeroize::Zeroizing;

/// How long a refusal takes, in microseconds; PAM varies it by a half and sleeps in the application.
const FAILURE_DELAY: c_uint = 2_000_000;

/// The name of the kept code among the data of a PAM handle; the version stands for the layout of what is kept.
const KEPT: &str = concat!("pam_otp_kept_code_", env!("CARGO_PKG_VERSION"));

// What pam-bindings has no function for.
unsafe extern "C" {
    fn pam_fail_delay(pamh: *mut PamHandle, microseconds: c_uint) -> c_int;
    fn pam_set_item(pamh: *mut PamHandle, item: c_int, value: *const c_void) -> c_int;
    fn pam_syslog(pamh: *const PamHandle, priority: c_int, format: *const c_char, ...);
}

struct PamOtp;
pam::pam_hooks!(PamOtp);

impl PamHooks for PamOtp {
    fn sm_authenticate(
        handle: &mut PamHandle,
        arguments: Vec<&CStr>,
        flags: PamFlag,
    ) -> PamResultCode {
        let arguments: Vec<&[u8]> = arguments
            .iter()
            .map(|argument| argument.to_bytes())
            .collect();
        let answer = refuse_on_panic(handle, |host| {
            login::authenticate(host, &arguments, flags & PAM_SILENT != 0)
        });
        match answer {
            Answer::Success => PamResultCode::PAM_SUCCESS,
            Answer::Ignore => PamResultCode::PAM_IGNORE,
            Answer::Refused => PamResultCode::PAM_AUTH_ERR,
            Answer::Locked => PamResultCode::PAM_MAXTRIES,
            Answer::Unavailable => PamResultCode::PAM_AUTHINFO_UNAVAIL,
        }
    }

    /// There are no credentials to set. A module that is alone in its stack must not answer "ignore" here.
    fn sm_setcred(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }
}

/// Runs a login; a panic is logged by its line in this source and refuses.
fn refuse_on_panic(handle: &mut PamHandle, login: impl FnOnce(&mut Pam<'_>) -> Answer) -> Answer {
    static SILENCE: Once = Once::new();
    static LINE: AtomicU32 = AtomicU32::new(0);
    // The standard hook writes the panic's text to the application's stderr. The hook belongs to this library's own
    // copy of the standard library, not to the application.
    SILENCE.call_once(|| {
        panic::set_hook(Box::new(|panic| {
            LINE.store(
                panic.location().map_or(0, panic::Location::line),
                Ordering::Relaxed,
            );
        }));
    });
    let mut host = Pam(handle);
    match panic::catch_unwind(AssertUnwindSafe(|| login(&mut host))) {
        Ok(answer) => answer,
        Err(payload) => {
            // Dropping a payload can panic again.
            std::mem::forget(payload);
            let line = format!(
                "otp.unavailable reason=\"internal error, line {}\"",
                LINE.load(Ordering::Relaxed)
            );
            host.log(Priority::Error, &line);
            Answer::Unavailable
        }
    }
}

/// The application, seen through its PAM handle.
struct Pam<'h>(&'h mut PamHandle);

impl Pam<'_> {
    fn say(&self, style: c_int, text: &str) -> Result<Option<Reply>, HostFault> {
        let conversation = self
            .0
            .get_item::<Conv>()
            .ok()
            .flatten()
            .ok_or(HostFault::Conversation)?;
        match conversation.send(style, text) {
            Ok(reply) => Ok(reply.map(|reply| Zeroizing::new(reply.as_bytes().to_vec()))),
            Err(_) => Err(HostFault::Conversation),
        }
    }
}

impl Host for Pam<'_> {
    fn user(&mut self) -> Result<String, HostFault> {
        self.0.get_user(None).map_err(|_| HostFault::User)
    }

    fn origin(&self) -> Origin {
        let text = |value: Option<&CStr>| {
            value
                .map(|value| value.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        Origin {
            service: text(
                self.0
                    .get_item::<Service>()
                    .ok()
                    .flatten()
                    .map(|item| item.0),
            ),
            host: text(self.0.get_item::<RHost>().ok().flatten().map(|item| item.0)),
            terminal: text(self.0.get_item::<Tty>().ok().flatten().map(|item| item.0)),
        }
    }

    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Option<Reply>, HostFault> {
        self.say(
            if echo {
                PAM_PROMPT_ECHO_ON
            } else {
                PAM_PROMPT_ECHO_OFF
            },
            prompt,
        )
    }

    fn tell(&mut self, text: &str, tone: Tone) {
        let style = match tone {
            Tone::Information => PAM_TEXT_INFO,
            Tone::Refusal => PAM_ERROR_MSG,
        };
        // The answer stands already; a message that does not get through changes nothing about it.
        self.say(style, text).ok();
    }

    fn password(&mut self) -> Result<Option<Reply>, HostFault> {
        match self.0.get_item::<AuthTok>() {
            Ok(password) => {
                Ok(password.map(|password| Zeroizing::new(password.as_bytes().to_vec())))
            }
            Err(_) => Err(HostFault::Item),
        }
    }

    fn hand_on_password(&mut self, password: &[u8]) -> Result<(), HostFault> {
        let mut text = Zeroizing::new(Vec::with_capacity(password.len() + 1));
        text.extend_from_slice(password);
        text.push(0);
        let text = CStr::from_bytes_with_nul(&text).map_err(|_| HostFault::Item)?;
        // SAFETY: the handle is valid (a live reference), the item takes a NUL-terminated string, and PAM copies it
        // before it returns (pam_set_item(3)).
        let result =
            unsafe { pam_set_item(self.0, ItemType::AuthTok as c_int, text.as_ptr().cast()) };
        if result == PamResultCode::PAM_SUCCESS as c_int {
            Ok(())
        } else {
            Err(HostFault::Item)
        }
    }

    fn keep(&mut self, kept: Kept) -> Result<(), HostFault> {
        self.0
            .set_data(KEPT, Box::new(RefCell::new(Some(kept))))
            .map_err(|_| HostFault::Item)
    }

    fn take_kept(&mut self) -> Result<Option<Kept>, HostFault> {
        // SAFETY: data of this name is only ever set by `keep`, with this type: the name holds the version, and PAM
        // loads every line of a stack that names this file as one and the same library.
        match unsafe { self.0.get_data::<RefCell<Option<Kept>>>(KEPT) } {
            Ok(cell) => Ok(cell.try_borrow_mut().map_err(|_| HostFault::Item)?.take()),
            Err(PamResultCode::PAM_NO_MODULE_DATA) => Ok(None),
            Err(_) => Err(HostFault::Item),
        }
    }

    fn delay_failure(&mut self) {
        // SAFETY: the handle is valid (a live reference); the function takes two plain values.
        // It fails only without a handle, and a shorter delay is no reason to refuse.
        let _ = unsafe { pam_fail_delay(self.0, FAILURE_DELAY) };
    }

    fn log(&mut self, priority: Priority, line: &str) {
        let priority = match priority {
            Priority::Error => libc::LOG_ERR,
            Priority::Warning => libc::LOG_WARNING,
            Priority::Notice => libc::LOG_NOTICE,
            Priority::Info => libc::LOG_INFO,
            Priority::Debug => libc::LOG_DEBUG,
        };
        // A line has no NUL: values are escaped. Should one ever have, the line is cut there rather than lost.
        let cut = line.split('\0').next().unwrap_or_default();
        let Ok(text) = CString::new(cut) else { return };
        // SAFETY: the handle is valid (a live reference); the format takes exactly one NUL-terminated string, which
        // lives until after the call, and is fixed, so nothing in the line is read as a format.
        unsafe { pam_syslog(self.0, priority, c"%s".as_ptr(), text.as_ptr()) };
    }

    fn account(&mut self, name: &str) -> Result<Option<Account>, Error> {
        directory::account(name)
    }

    fn is_root(&self) -> bool {
        nix::unistd::geteuid().is_root()
    }

    fn now(&mut self) -> Result<UnixTime, Error> {
        clock::now()
    }
}
