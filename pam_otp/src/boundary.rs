//! The C side: the entry points that PAM calls, and the calls back to PAM. The only file of this crate with `unsafe`.
//!
//! Contract with PAM (`pam_sm_authenticate(3)`): the handle is valid during the call, for one thread at a time. Strings
//! from PAM are NUL-terminated and live until the item is set again. Nothing unwinds out of here.

use crate::host::{
    Disposition, Host, HostFault, OneFactor, Origin, Passed, SplitCode, Tone, Typed,
};
use crate::{account, login, password};
use libc::{c_char, c_int, c_uint, c_void};
use otp_core::enforce::Belongs;
use otp_core::event::{Entry, Event, Phase, Severity, Text, Value};
use otp_core::login::{AccountLine, LANGUAGE};
use otp_core::mail::Address;
use otp_core::record::Language;
use otp_core::{Before1970, UnixTime, UserName, Zone};
use otp_helper::mail::{self, NotTaken, Outgoing};
use otp_log::Program;
use otp_site::stack::Stacks;
use otp_site::{Error, Named, clock, groups, host, users, zone};
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

/// How long a refusal takes, in microseconds; PAM varies this by up to a half, and sleeps in the application.
const FAILURE_DELAY: c_uint = 2_000_000;

/// The name of the kept code among the data of a PAM handle; the version in it stands for the layout of the data.
const KEPT: &str = concat!("pam_otp_kept_code_", env!("CARGO_PKG_VERSION"));

/// The name of the note for the account phase, made in the same way.
const PASSED: &str = concat!("pam_otp_passed_", env!("CARGO_PKG_VERSION"));

/// The name of the data that is told at the end, made in the same way.
const WATCHED: &str = concat!("pam_otp_watched_", env!("CARGO_PKG_VERSION"), "\0");

/// `PAM_DATA_REPLACE` of `_pam_types.h`: the data of a module is replaced by other data, and the login has not ended.
const PAM_DATA_REPLACE: c_int = 0x2000_0000;

/// `PAM_DATA_SILENT`: a flag that does not belong to the status.
const PAM_DATA_SILENT: c_int = 0x4000_0000;

// Functions that pam-bindings lacks.
unsafe extern "C" {
    fn pam_getenv(pamh: *mut PamHandle, name: *const c_char) -> *const c_char;
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
    // Parts of libc that its crate lacks.
    static program_invocation_short_name: *const c_char;
    fn pthread_setcancelstate(state: c_int, old_state: *mut c_int) -> c_int;
}

/// `PTHREAD_CANCEL_DISABLE` of `pthread.h`.
const PTHREAD_CANCEL_DISABLE: c_int = 1;

/// While this lives, `pthread_cancel` does not end this thread: its unwinding would come through here and abort the
/// whole program. A cancellation requested meanwhile happens once PAM has the thread again. This also holds for the
/// program's conversation, which is called from here: a conversation that waits for somebody goes on waiting.
struct Uncancelled {
    state_before: c_int,
}

impl Uncancelled {
    fn begin() -> Self {
        let mut state_before = PTHREAD_CANCEL_DISABLE;
        // SAFETY: this takes a plain value and a place for another, and fails only for a value that is not one of the
        // two.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut state_before) };
        Self { state_before }
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        // SAFETY: the value is the one that the function returned; the place for the old state may be null
        // (pthread_setcancelstate(3)).
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

    /// There are no credentials to set, and nothing can be refused here: for libpam, the answer of the first phase
    /// counts. A module that is alone in its stack must not answer "ignore".
    fn sm_setcred(handle: &mut PamHandle, arguments: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        let establishes = flags & PAM_ESTABLISH_CRED != 0;
        Pam(handle, Phase::Credentials).goes_on();
        // sudo uses this flag, after it has become another user.
        if establishes || flags & PAM_REINITIALIZE_CRED != 0 {
            let arguments = bytes_of(&arguments);
            refuse_on_panic(handle, Phase::Credentials, |host| {
                account::begin_grace(host, &arguments, establishes);
                Disposition::Success
            });
        }
        PamResultCode::PAM_SUCCESS
    }

    /// There is no password of ours to change. Leaves that to other modules, and logs this at the first of the two
    /// calls.
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

/// Runs a login; a panic is logged with its line in this source, and refuses.
fn refuse_on_panic(
    handle: &mut PamHandle,
    phase: Phase,
    login: impl FnOnce(&mut Pam<'_>) -> Disposition,
) -> Disposition {
    let answer = answer_or_refuse(handle, phase, login);
    wipe_dead_stack();
    answer
}

/// Runs a login in its own stack frame, which is dead when this returns.
#[inline(never)]
fn answer_or_refuse(
    handle: &mut PamHandle,
    phase: Phase,
    login: impl FnOnce(&mut Pam<'_>) -> Disposition,
) -> Disposition {
    static SILENCE: Once = Once::new();
    static LINE: AtomicU32 = AtomicU32::new(0);
    // The standard hook writes the panic's text to the application's stderr. The hook belongs to this library's copy of
    // the standard library, not to the application.
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
/// If a program is bound lazily, the loader saves the registers at the first call of each of its functions. A reply
/// that was just copied is in one of them, even inside the application's own conversation. Later calls may overwrite
/// it, or may not.
#[inline(never)]
fn wipe_dead_stack() {
    let mut space = [0_u8; DEAD_STACK_BYTES];
    std::hint::black_box(&mut space);
}

/// More than a conversation uses.
const DEAD_STACK_BYTES: usize = 16 * 1024;

/// A code that was right on this handle, until the program goes on or ends.
struct Watched {
    told: OneFactor,
    goes_on: Cell<bool>,
    /// A child may also end PAM, which says nothing about the login.
    process: u32,
}

impl Watched {
    /// Whether the login failed, according to the status with which the program ends PAM.
    fn is_refused(&self, status: c_int) -> bool {
        status & PAM_DATA_REPLACE == 0
            && status & !PAM_DATA_SILENT != PamResultCode::PAM_SUCCESS as c_int
            && !self.goes_on.get()
            && self.process == std::process::id()
    }
}

/// PAM calls this when the program ends, or when other data replaces what was kept.
///
/// # Safety
/// The caller is PAM: the handle is valid during the call, and `data` is what `watch_the_end` gave for the name.
unsafe extern "C" fn end_of_what_is_watched(
    handle: *mut PamHandle,
    data: *mut c_void,
    status: c_int,
) {
    // SAFETY: `data` is a box of this type that `watch_the_end` has released; PAM calls this once for it and forgets
    // it.
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

/// The application, through its PAM handle, and the phase that it has called.
struct Pam<'h>(&'h mut PamHandle, Phase);

impl Pam<'_> {
    /// Makes the application show a text, and returns what was typed. Does not use pam-bindings, which leaves a copy of
    /// the text in memory: a text may contain a key.
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
        // SAFETY: for this item PAM returns a `struct pam_conv`; it lives until the item is set again, which nobody
        // does before this function returns.
        let conversation = unsafe { &*item.cast::<Conversation>() };
        let call = conversation.call.ok_or(HostFault::Conversation)?;
        let message = ConvMessage {
            style,
            text: text.as_ptr(),
        };
        let mut messages = &raw const message;
        let mut responses: *mut ConvResponse = ptr::null_mut();
        // SAFETY: there is one message, which lives until after the call, and a place for the answer, as pam_conv(3)
        // demands.
        let result = unsafe { call(1, &raw mut messages, &raw mut responses, conversation.data) };
        if result != PamResultCode::PAM_SUCCESS as c_int || responses.is_null() {
            return Err(HostFault::Conversation);
        }
        // SAFETY: after a success the application has allocated one response with malloc, and its text is NULL or a
        // string allocated with malloc (pam_conv(3)). The module must free both, and nobody else has them.
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

/// Returns the name that the C library uses for the program in the system log, if the program has chosen none.
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
    /// Returns the text before a line, as `pam_syslog` writes it.
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

    /// Logs an entry while the program ends PAM: by then `pam_syslog` no longer knows whose line it is.
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
            // SAFETY: the format takes exactly one NUL-terminated string, which lives until after the call. The format
            // is fixed, so nothing in the line is read as a format.
            unsafe { libc::syslog(priority, c"%s".as_ptr(), text.as_ptr()) };
        });
    }

    /// Writes a line to the system log of the program.
    fn syslog(&self, entry: &Entry, line: &str) {
        let priority = c_int::from(entry.severity().number());
        // A line has no NUL, since values are escaped. If one ever had, the line would be cut there rather than lost.
        let cut = line.split('\0').next().unwrap_or_default();
        let Ok(text) = CString::new(cut) else { return };
        // SAFETY: the handle is valid (a live reference). The format takes exactly one NUL-terminated string, which
        // lives until after the call. The format is fixed, so nothing in the line is read as a format.
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

    fn language(&self) -> Option<Language> {
        let name = CString::new(LANGUAGE).ok()?;
        // SAFETY: the handle is valid (a live reference) and is only read; the name ends in NUL. The result is null, or
        // PAM's own text, which ends in NUL and lives until the variable is set again. It is read before anybody could
        // do that.
        unsafe {
            let value = pam_getenv(ptr::from_ref(&*self.0).cast_mut(), name.as_ptr());
            if value.is_null() {
                return None;
            }
            Language::from_tag(CStr::from_ptr(value).to_str().ok()?)
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
        // The answer is already certain; a message that does not arrive changes nothing about it.
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
        // SAFETY: only `keep` ever sets data of this name, with this type: the name contains the version, and PAM loads
        // every line of a stack that names this file as one and the same library.
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
        // SAFETY: only `pass` ever sets data of this name, with this type; as for `take_kept`.
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
        // SAFETY: the handle is valid (a live reference), PAM copies the name, which ends in NUL, and the cleanup
        // function takes what is given here. Earlier data under the name goes to that function first.
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
        // SAFETY: only `watch_the_end` ever sets data of this name, with this type. It lives until PAM ends or it is
        // replaced, neither of which happens before this function returns. Nobody has a mutable reference to it.
        if let Some(watched) = unsafe { data.cast::<Watched>().as_ref() } {
            watched.goes_on.set(true);
        }
    }

    fn delay_failure(&mut self) {
        // SAFETY: the handle is valid (a live reference); the function takes two plain values. It fails only without a
        // handle, and a shorter delay is no reason to refuse.
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

    fn zone(&self) -> Zone {
        zone::of_this_machine()
    }
}
