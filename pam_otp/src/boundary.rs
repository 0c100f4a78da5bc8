//! The C side: the entry points that PAM calls, and what they call of PAM. The only file with `unsafe`.
//!
//! Contract with PAM (`pam_sm_authenticate(3)`): the handle is valid for the time of the call, one thread at a time;
//! strings that PAM hands out are NUL-terminated and live until the item is set again. Nothing unwinds out of here.

use crate::host::{
    Disposition, Host, HostFault, OneFactor, Origin, Passed, SplitCode, Tone, Typed,
};
use crate::{account, login, password};
use libc::{c_char, c_int, c_uint, c_void};
use otp_core::enforce::Belongs;
use otp_core::event::{Entry, Event, Phase, Severity, Text, Value};
use otp_core::login::AccountLine;
use otp_core::mail::Address;
use otp_core::{Before1970, UnixTime, UserName};
use otp_helper::mail::{self, NotTaken, Outgoing};
use otp_log::Program;
use otp_site::stack::Stacks;
use otp_site::{Error, Named, clock, groups, host, users};
use pam::constants::{
    PAM_ERROR_MSG, PAM_ESTABLISH_CRED, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_SILENT,
    PAM_TEXT_INFO, PamFlag, PamResultCode,
};
use pam::items::{AuthTok, ItemType, RHost, Service, Tty};
use pam::module::{PamHandle, PamHooks};
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{ptr, slice};
use zeroize::{Zeroize, Zeroizing};

/// How long a refusal takes, in microseconds; PAM varies it by a half and sleeps in the application.
const FAILURE_DELAY: c_uint = 2_000_000;

/// The name of the kept code among the data of a PAM handle; the version stands for the layout of what is kept.
const KEPT: &str = concat!("pam_otp_kept_code_", env!("CARGO_PKG_VERSION"));

/// The name of what is noted for the account phase, likewise.
const PASSED: &str = concat!("pam_otp_passed_", env!("CARGO_PKG_VERSION"));

/// The name of what is told at the end, likewise.
const WATCHED: &str = concat!("pam_otp_watched_", env!("CARGO_PKG_VERSION"), "\0");

/// `PAM_DATA_REPLACE` of `_pam_types.h`: what a module has kept gives way to something else, and nothing has ended.
const PAM_DATA_REPLACE: c_int = 0x2000_0000;

/// `PAM_DATA_SILENT`: says nothing of the status.
const PAM_DATA_SILENT: c_int = 0x4000_0000;

// What pam-bindings has no function for.
unsafe extern "C" {
    fn pam_fail_delay(pamh: *mut PamHandle, microseconds: c_uint) -> c_int;
    fn pam_get_item(pamh: *const PamHandle, item: c_int, value: *mut *const c_void) -> c_int;
    fn pam_set_item(pamh: *mut PamHandle, item: c_int, value: *const c_void) -> c_int;
    fn pam_syslog(pamh: *const PamHandle, priority: c_int, format: *const c_char, ...);
    fn pam_set_data(
        pamh: *mut PamHandle,
        name: *const c_char,
        data: *mut c_void,
        cleanup: Option<unsafe extern "C" fn(*mut PamHandle, *mut c_void, c_int)>,
    ) -> c_int;
    fn pam_get_data(pamh: *const PamHandle, name: *const c_char, data: *mut *const c_void)
    -> c_int;
    // Of libc, whose crate lacks both.
    static program_invocation_short_name: *const c_char;
    fn pthread_setcancelstate(state: c_int, old_state: *mut c_int) -> c_int;
}

/// `PTHREAD_CANCEL_DISABLE` of `pthread.h`.
const PTHREAD_CANCEL_DISABLE: c_int = 1;

/// While it lives, `pthread_cancel` does not end this thread: the unwinding that it begins would come through here and
/// abort the whole program. A cancellation that was asked for meanwhile comes about once PAM has the thread again. That
/// holds for the program's conversation too, which is called from here: one that waits for somebody goes on waiting.
struct Uncancelled {
    state_before: c_int,
}

impl Uncancelled {
    fn begin() -> Self {
        let mut state_before = PTHREAD_CANCEL_DISABLE;
        // SAFETY: takes a plain value and a place for another, and fails only for a value that is not one of the two.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut state_before) };
        Self { state_before }
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        // SAFETY: the value is the one that the function gave; the old state may go nowhere (pthread_setcancelstate(3)).
        unsafe { pthread_setcancelstate(self.state_before, ptr::null_mut()) };
    }
}

/// `PAM_REINITIALIZE_CRED` of `_pam_types.h`.
const PAM_REINITIALIZE_CRED: PamFlag = 0x0008;

/// `PAM_PRELIM_CHECK` of `pam_modules.h`: the first of the two calls that change a password.
const PAM_PRELIM_CHECK: PamFlag = 0x4000;

/// `struct pam_message`.
#[repr(C)]
struct ConvMessage {
    style: c_int,
    text: *const c_char,
}

/// `struct pam_response`.
#[repr(C)]
struct ConvResponse {
    text: *mut c_char,
    unused: c_int,
}

/// `struct pam_conv`.
#[repr(C)]
struct Conversation {
    call: Option<
        unsafe extern "C" fn(
            c_int,
            *mut *const ConvMessage,
            *mut *mut ConvResponse,
            *mut c_void,
        ) -> c_int,
    >,
    data: *mut c_void,
}

struct PamOtp;
pam::pam_hooks!(PamOtp);

impl PamHooks for PamOtp {
    fn sm_authenticate(
        handle: &mut PamHandle,
        arguments: Vec<&CStr>,
        flags: PamFlag,
    ) -> PamResultCode {
        let arguments = bytes_of(&arguments);
        let answer = refuse_on_panic(handle, Phase::Authentication, |host| {
            login::authenticate(host, &arguments, flags & PAM_SILENT != 0)
        });
        match answer {
            Disposition::Success => PamResultCode::PAM_SUCCESS,
            Disposition::Ignore => PamResultCode::PAM_IGNORE,
            Disposition::Refused => PamResultCode::PAM_AUTH_ERR,
            Disposition::Locked => PamResultCode::PAM_MAXTRIES,
            Disposition::Unavailable => PamResultCode::PAM_AUTHINFO_UNAVAIL,
        }
    }

    fn acct_mgmt(handle: &mut PamHandle, arguments: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        let arguments = bytes_of(&arguments);
        let answer = refuse_on_panic(handle, Phase::Account, |host| {
            host.goes_on();
            account::manage(host, &arguments, flags & PAM_SILENT != 0)
        });
        match answer {
            Disposition::Success => PamResultCode::PAM_SUCCESS,
            // Nothing is left to other modules here.
            Disposition::Ignore | Disposition::Refused | Disposition::Locked => {
                PamResultCode::PAM_PERM_DENIED
            }
            Disposition::Unavailable => PamResultCode::PAM_AUTHINFO_UNAVAIL,
        }
    }

    /// There are no credentials to set, and nothing can be refused here: libpam takes the answer of the first phase for
    /// the one that counts. A module that is alone in its stack must not answer "ignore".
    fn sm_setcred(handle: &mut PamHandle, arguments: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        let establishes = flags & PAM_ESTABLISH_CRED != 0;
        Pam(handle, Phase::Credentials).goes_on();
        // sudo says "again", after it has become somebody else.
        if establishes || flags & PAM_REINITIALIZE_CRED != 0 {
            let arguments = bytes_of(&arguments);
            refuse_on_panic(handle, Phase::Credentials, |host| {
                account::begin_grace(host, &arguments, establishes);
                Disposition::Success
            });
        }
        PamResultCode::PAM_SUCCESS
    }

    /// There is no password of ours to change. Leaves that to others, and says so in the log at the first of the two calls.
    fn sm_chauthtok(handle: &mut PamHandle, _: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        if flags & PAM_PRELIM_CHECK != 0 {
            refuse_on_panic(handle, Phase::Password, |host| {
                password::warn_of_line(host);
                Disposition::Ignore
            });
        }
        PamResultCode::PAM_IGNORE
    }
}

fn bytes_of<'a>(arguments: &[&'a CStr]) -> Vec<&'a [u8]> {
    arguments.iter().map(|one| one.to_bytes()).collect()
}

/// Runs a login; a panic is logged by its line in this source and refuses.
fn refuse_on_panic(
    handle: &mut PamHandle,
    phase: Phase,
    login: impl FnOnce(&mut Pam<'_>) -> Disposition,
) -> Disposition {
    let answer = answer_or_refuse(handle, phase, login);
    wipe_dead_stack();
    answer
}

/// In a frame of its own, which is dead when it returns.
#[inline(never)]
fn answer_or_refuse(
    handle: &mut PamHandle,
    phase: Phase,
    login: impl FnOnce(&mut Pam<'_>) -> Disposition,
) -> Disposition {
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
    let _uncancelled = Uncancelled::begin();
    let mut host = Pam(handle, phase);
    let answered = panic::catch_unwind(AssertUnwindSafe(|| login(&mut host)));
    match answered {
        Ok(answer) => answer,
        Err(payload) => {
            // Dropping a payload can panic again.
            std::mem::forget(payload);
            let reason = format!("internal error, line {}", LINE.load(Ordering::Relaxed));
            let entry = Entry::new(Event::Unavailable, Severity::Error);
            host.log(&entry.with(Value::Reason(Text::escaped(&reason))));
            Disposition::Unavailable
        }
    }
}

/// Overwrites what the calls of a login have left on the stack.
///
/// Where a program is bound lazily, the first call of each function of its has the loader save the registers, and a reply
/// that was just copied is in one: in the application's own conversation, too. What is called later may happen to lie over
/// it, or may not.
#[inline(never)]
fn wipe_dead_stack() {
    let mut space = [0_u8; DEAD_STACK_BYTES];
    std::hint::black_box(&mut space);
}

/// Deeper than a conversation goes.
const DEAD_STACK_BYTES: usize = 16 * 1024;

/// A code that was right on this handle, until the program goes on or ends.
struct Watched {
    told: OneFactor,
    goes_on: Cell<bool>,
    /// A child may end PAM as well, which says nothing of the login.
    process: u32,
}

impl Watched {
    /// Whether the login came to nothing, by the status that the program ends PAM with.
    fn is_refused(&self, status: c_int) -> bool {
        status & PAM_DATA_REPLACE == 0
            && status & !PAM_DATA_SILENT != PamResultCode::PAM_SUCCESS as c_int
            && !self.goes_on.get()
            && self.process == std::process::id()
    }
}

/// What PAM calls when the program ends, or when something else takes the place of what was kept.
///
/// # Safety
/// PAM's: the handle is valid for the time of the call, and `data` is what `watch_the_end` gave for the name.
unsafe extern "C" fn end_of_what_is_watched(
    handle: *mut PamHandle,
    data: *mut c_void,
    status: c_int,
) {
    // SAFETY: `data` is a box that `watch_the_end` has let go of, of this type; PAM calls this once for it and forgets it.
    let watched = unsafe { Box::from_raw(data.cast::<Watched>()) };
    if !watched.is_refused(status) {
        return;
    }
    // SAFETY: the handle is valid until pam_end returns, which has called this, and nobody else uses it meanwhile.
    let Some(handle) = (unsafe { handle.as_mut() }) else {
        return;
    };
    refuse_on_panic(handle, Phase::Authentication, |host| {
        let OneFactor { entry, hooks } = watched.told;
        let number = status & !PAM_DATA_SILENT;
        let reason = format!("the rest of the login was refused: PAM status {number}");
        let entry = entry.with(Value::Reason(Text::escaped(&reason)));
        host.log_at_the_end(&entry);
        if let Some(dropped) = hooks.and_then(|hooks| hooks.hand_on(&entry)) {
            host.log_at_the_end(&dropped);
        }
        Disposition::Ignore
    });
}

/// The application, seen through its PAM handle, and the part of PAM that it has called.
struct Pam<'h>(&'h mut PamHandle, Phase);

impl Pam<'_> {
    /// Has the application show a text, and gives back what was typed. Not through pam-bindings, which leaves a copy of
    /// the text in memory: a text may hold a key.
    fn say(&self, style: c_int, text: &str) -> Result<Option<Typed>, HostFault> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 1));
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        let text = CStr::from_bytes_with_nul(&bytes).map_err(|_| HostFault::Conversation)?;
        let mut item: *const c_void = ptr::null();
        // SAFETY: the handle is valid (a live reference), and `item` is a place for a pointer.
        let found = unsafe { pam_get_item(self.0, ItemType::Conv as c_int, &raw mut item) };
        if found != PamResultCode::PAM_SUCCESS as c_int || item.is_null() {
            return Err(HostFault::Conversation);
        }
        // SAFETY: PAM hands out a `struct pam_conv` for this item; it lives until the item is set again, which nobody
        // does before this function returns.
        let conversation = unsafe { &*item.cast::<Conversation>() };
        let call = conversation.call.ok_or(HostFault::Conversation)?;
        let message = ConvMessage {
            style,
            text: text.as_ptr(),
        };
        let mut messages = &raw const message;
        let mut responses: *mut ConvResponse = ptr::null_mut();
        // SAFETY: one message, which lives until after the call, and a place for the answer, as pam_conv(3) has it.
        let result = unsafe { call(1, &raw mut messages, &raw mut responses, conversation.data) };
        if result != PamResultCode::PAM_SUCCESS as c_int || responses.is_null() {
            return Err(HostFault::Conversation);
        }
        // SAFETY: after a success the application has allocated one response with malloc, and its text is NULL or a
        // string allocated with malloc (pam_conv(3)). Both are the module's to free, and nobody else has them.
        unsafe {
            let typed = (*responses).text;
            let reply = if typed.is_null() {
                None
            } else {
                let length = CStr::from_ptr(typed).count_bytes();
                let theirs = slice::from_raw_parts_mut(typed.cast::<u8>(), length);
                let reply = Zeroizing::new(theirs.to_vec());
                theirs.zeroize();
                libc::free(typed.cast());
                Some(reply)
            };
            libc::free(responses.cast());
            Ok(reply)
        }
    }
}

/// What the C library takes for the name of the program in the system log, where the program has chosen none.
fn invocation_name() -> Vec<u8> {
    // SAFETY: the C library sets this before `main`, and it points to a NUL-terminated string for as long as the process
    // lives; a program that sets another points it to another such string (`program_invocation_name(3)`).
    let name = unsafe {
        let name = program_invocation_short_name;
        (!name.is_null()).then(|| CStr::from_ptr(name).to_bytes().to_vec())
    };
    name.unwrap_or_default()
}

impl Pam<'_> {
    /// What stands before a line, as `pam_syslog` has it.
    fn prefix(&self) -> String {
        let service = self.origin().service;
        let service = if service.is_empty() {
            "<unknown>"
        } else {
            &service
        };
        format!(
            "pam_otp({}:{}): ",
            Text::escaped(service).as_str(),
            match self.1 {
                Phase::Authentication => "auth",
                Phase::Account => "account",
                Phase::Credentials => "setcred",
                Phase::Password => "chauthtok",
            }
        )
    }

    /// Logs an entry while the program ends PAM: `pam_syslog` has forgotten by then whose line it is.
    fn log_at_the_end(&self, entry: &Entry) {
        let (prefix, name) = (self.prefix(), invocation_name());
        let program = Program {
            identifier: &name,
            prefix: &prefix,
        };
        otp_log::tell_by(entry, &program, |entry, line| {
            let priority = libc::LOG_AUTHPRIV | c_int::from(entry.severity().number());
            let Ok(text) = CString::new(format!("{prefix}{line}").replace('\0', "")) else {
                return;
            };
            // SAFETY: the format takes exactly one NUL-terminated string, which lives until after the call, and is fixed,
            // so nothing in the line is read as a format.
            unsafe { libc::syslog(priority, c"%s".as_ptr(), text.as_ptr()) };
        });
    }

    /// Gives a line to the system log of the program.
    fn syslog(&self, entry: &Entry, line: &str) {
        let priority = c_int::from(entry.severity().number());
        // A line has no NUL: values are escaped. Should one ever have, the line is cut there rather than lost.
        let cut = line.split('\0').next().unwrap_or_default();
        let Ok(text) = CString::new(cut) else { return };
        // SAFETY: the handle is valid (a live reference); the format takes exactly one NUL-terminated string, which
        // lives until after the call, and is fixed, so nothing in the line is read as a format.
        unsafe { pam_syslog(self.0, priority, c"%s".as_ptr(), text.as_ptr()) };
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

    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Option<Typed>, HostFault> {
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

    fn password(&mut self) -> Result<Option<Typed>, HostFault> {
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

    fn keep(&mut self, kept: SplitCode) -> Result<(), HostFault> {
        self.0
            .set_data(KEPT, Box::new(RefCell::new(Some(kept))))
            .map_err(|_| HostFault::Item)
    }

    fn take_kept(&mut self) -> Result<Option<SplitCode>, HostFault> {
        // SAFETY: data of this name is only ever set by `keep`, with this type: the name holds the version, and PAM
        // loads every line of a stack that names this file as one and the same library.
        match unsafe { self.0.get_data::<RefCell<Option<SplitCode>>>(KEPT) } {
            Ok(cell) => Ok(cell.try_borrow_mut().map_err(|_| HostFault::Item)?.take()),
            Err(PamResultCode::PAM_NO_MODULE_DATA) => Ok(None),
            Err(_) => Err(HostFault::Item),
        }
    }

    fn pass(&mut self, passed: Option<Passed>) -> Result<(), HostFault> {
        self.0
            .set_data(PASSED, Box::new(passed))
            .map_err(|_| HostFault::Item)
    }

    fn passed(&mut self) -> Result<Option<Passed>, HostFault> {
        // SAFETY: data of this name is only ever set by `pass`, with this type; as for `take_kept`.
        match unsafe { self.0.get_data::<Option<Passed>>(PASSED) } {
            Ok(passed) => Ok(passed.clone()),
            Err(PamResultCode::PAM_NO_MODULE_DATA) => Ok(None),
            Err(_) => Err(HostFault::Item),
        }
    }

    fn watch_the_end(&mut self, told: OneFactor) {
        let watched = Box::into_raw(Box::new(Watched {
            told,
            goes_on: Cell::new(false),
            process: std::process::id(),
        }));
        // SAFETY: the handle is valid (a live reference), the name ends in NUL and is copied by PAM, and the cleanup
        // function takes what is given here. What was kept under the name before goes to that function first.
        let result = unsafe {
            pam_set_data(
                self.0,
                WATCHED.as_ptr().cast(),
                watched.cast(),
                Some(end_of_what_is_watched),
            )
        };
        if result != PamResultCode::PAM_SUCCESS as c_int {
            // SAFETY: PAM has not taken it, so it is still ours, and nobody else has it.
            drop(unsafe { Box::from_raw(watched) });
        }
    }

    fn goes_on(&mut self) {
        let mut data: *const c_void = ptr::null();
        // SAFETY: the handle is valid (a live reference), the name ends in NUL, and `data` is a place for a pointer.
        let found = unsafe { pam_get_data(self.0, WATCHED.as_ptr().cast(), &raw mut data) };
        if found != PamResultCode::PAM_SUCCESS as c_int {
            return;
        }
        // SAFETY: data of this name is only ever set by `watch_the_end`, with this type; it lives until PAM ends or it is
        // replaced, neither of which happens before this function returns. Nobody has a mutable reference to it.
        if let Some(watched) = unsafe { data.cast::<Watched>().as_ref() } {
            watched.goes_on.set(true);
        }
    }

    fn delay_failure(&mut self) {
        // SAFETY: the handle is valid (a live reference); the function takes two plain values.
        // It fails only without a handle, and a shorter delay is no reason to refuse.
        let _ = unsafe { pam_fail_delay(self.0, FAILURE_DELAY) };
    }

    fn log(&mut self, entry: &Entry) {
        let (prefix, name) = (self.prefix(), invocation_name());
        let program = Program {
            identifier: &name,
            prefix: &prefix,
        };
        otp_log::tell_by(entry, &program, |entry, line| self.syslog(entry, line));
    }

    fn account(&mut self, name: &str) -> Result<Option<Named>, Error> {
        users::named(name)
    }

    fn belongs(&mut self, user: &UserName, group: &str) -> Belongs {
        groups::belongs(user, group)
    }

    fn account_line(&mut self, service: &str) -> Result<AccountLine, Error> {
        Stacks::default().account_line(service)
    }

    fn proves_identity(&mut self, service: &str) -> Result<bool, Error> {
        Stacks::default().proves_identity(service)
    }

    fn hand_over(&mut self, program: &Path, outgoing: &Outgoing) -> Result<(), NotTaken> {
        mail::hand_over(program, outgoing)
    }

    fn hand_over_and_hear(
        &mut self,
        program: &Path,
        outgoing: &Outgoing,
    ) -> Result<Address, NotTaken> {
        mail::hand_over_and_hear(program, outgoing)
    }

    fn machine(&self) -> String {
        host::name()
    }

    fn is_root(&self) -> bool {
        nix::unistd::geteuid().is_root()
    }

    fn now(&mut self) -> Result<UnixTime, Before1970> {
        clock::now()
    }
}
