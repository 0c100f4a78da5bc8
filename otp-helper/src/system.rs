//! Calls of libc and PAM that have no safe form, for the helper and for other programs that run a PAM service. This
//! is the only file of the crate with `unsafe`.

use libc::{c_char, c_int, c_uint, c_void};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use otp_core::login::LANGUAGE;
use otp_core::record::Language;
use std::ffi::{CStr, CString};
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::panic::{self, AssertUnwindSafe};
use std::ptr::{self, null_mut};
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

/// The directories in which the kernel lists the threads and the descriptors of this process.
const THREADS: &str = "/proc/self/task";
const DESCRIPTORS: &str = "/proc/self/fd";

/// Without them, descriptors are searched below this number at most.
const MOST_DESCRIPTORS: u64 = 1 << 20;

/// Closes every descriptor from `first` on; this process must have been started with all of them.
///
/// # Errors
/// This process has another thread, or has opened one of the descriptors itself: then none is closed. Or this cannot
/// be determined, or the kernel has no such call.
pub fn close_descriptors_from(first: c_uint) -> io::Result<()> {
    is_alone()?;
    if open_descriptors()?
        .into_iter()
        .any(|number| number >= first && is_of_this_program(number))
    {
        return Err(io::Error::other("this program has opened some of them"));
    }
    // SAFETY: takes three plain numbers. No value in this program owns one of the descriptors: the descriptors that
    // it opened were looked for, and no other thread opens any in the meantime.
    let result = unsafe { libc::close_range(first, c_uint::MAX, 0) };
    result_of(result)
}

/// Empties the environment.
///
/// # Errors
/// This process has another thread, this cannot be determined, or clearing the environment fails.
pub fn clear_environment() -> io::Result<()> {
    is_alone()?;
    // SAFETY: no other thread exists that could read the environment, as was just checked; safe code borrows none of
    // its strings, and arguments are not part of it.
    let result = unsafe { libc::clearenv() };
    result_of(result)
}

/// Replaces a descriptor that this process was started with by one of our own, and closes the inherited one.
///
/// # Errors
/// There is no such descriptor, or no new one is available. Or it was not handed over: it is standard input, output
/// or error, or this program has opened it itself. Or this process has another thread, or this cannot be determined.
pub fn taken_over(inherited: c_uint) -> io::Result<OwnedFd> {
    is_alone()?;
    if inherited <= 2 || is_of_this_program(inherited) {
        return Err(io::Error::other("it is none that was handed over"));
    }
    let inherited = c_int::try_from(inherited).map_err(io::Error::other)?;
    // SAFETY: takes plain numbers; fails if there is no such descriptor.
    let copy = unsafe { libc::fcntl(inherited, libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor, and nothing else knows its number.
    let copy = unsafe { OwnedFd::from_raw_fd(copy) };
    // SAFETY: takes a plain number. No value in this program owns the descriptor, as was just checked, and no other
    // thread has opened one of this number in the meantime: there is none.
    result_of(unsafe { libc::close(inherited) })?;
    Ok(copy)
}

/// Lowers the priority of this process for good, as far as the kernel allows.
pub fn give_way() {
    // SAFETY: takes a plain number.
    unsafe { libc::nice(10) };
}

/// Checks that this process has one thread. The result stays true while this code runs, since only this thread could
/// start another.
fn is_alone() -> io::Result<()> {
    let has_one = match fs::read_dir(THREADS) {
        Ok(threads) => {
            threads
                .take(2)
                .try_fold(0, |count, thread| thread.map(|_| count + 1))?
                == 1
        }
        // Without /proc the kernel tells in another way: only a process with one thread may unshare its memory.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // SAFETY: takes a plain number. If it is allowed, it changes nothing.
            unsafe { libc::unshare(libc::CLONE_VM) == 0 }
        }
        Err(error) => return Err(error),
    };
    if has_one {
        Ok(())
    } else {
        Err(io::Error::other("this process has more than one thread"))
    }
}

/// Whether this program has opened a descriptor itself. Descriptors that safe code opens are closed when a program is
/// started, so none of them is an inherited one.
fn is_of_this_program(number: c_uint) -> bool {
    let Ok(number) = c_int::try_from(number) else {
        return false;
    };
    // SAFETY: takes plain numbers; fails if there is no such descriptor.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC != 0
}

/// Returns the numbers that descriptors of this process have or may have. The descriptor used to list them is already
/// closed.
fn open_descriptors() -> io::Result<Vec<c_uint>> {
    match fs::read_dir(DESCRIPTORS) {
        Ok(entries) => {
            let number = |entry: io::Result<fs::DirEntry>| {
                let name = entry?.file_name();
                let number = name.to_str().and_then(|name| name.parse().ok());
                number.ok_or_else(|| io::Error::other("a descriptor without a number"))
            };
            entries.map(number).collect()
        }
        // Without /proc, all numbers are tried that this process may have given out.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (most, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
            match c_uint::try_from(most) {
                Ok(most) if u64::from(most) <= MOST_DESCRIPTORS => Ok((0..most).collect()),
                _ => Err(io::Error::other(
                    "there may be too many descriptors to look at",
                )),
            }
        }
        Err(error) => Err(error),
    }
}

fn result_of(result: c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The person or program that answers the questions of a PAM stack.
pub trait Conversation {
    /// Answers a question; `None`: there is no answer, and the login fails.
    fn ask(&mut self, prompt: &str, echo: bool) -> Option<Zeroizing<Vec<u8>>>;
    /// Passes on a message; `None`: the other side is gone.
    fn tell(&mut self, text: &str) -> Option<()>;
    /// Hears how long modules want a failure to take, if [`Login::leaves_waiting`] was called.
    fn waits(&mut self, _for_so_long: Duration) {}
}

const PAM_SUCCESS: c_int = 0;
const PAM_BUF_ERR: c_int = 5;
const PAM_NEW_AUTHTOK_REQD: c_int = 12;
const PAM_USER: c_int = 2;
const PAM_RHOST: c_int = 4;
const PAM_RUSER: c_int = 8;
const PAM_FAIL_DELAY: c_int = 10;
const PAM_CONV_ERR: c_int = 19;
const PAM_ABORT: c_int = 26;
const PAM_PROMPT_ECHO_OFF: c_int = 1;
const PAM_PROMPT_ECHO_ON: c_int = 2;
const PAM_ERROR_MSG: c_int = 3;
const PAM_TEXT_INFO: c_int = 4;
const PAM_MAX_NUM_MSG: c_int = 32;
const PAM_ESTABLISH_CRED: c_int = 0x2;
const PAM_DELETE_CRED: c_int = 0x4;
const PAM_CHANGE_EXPIRED_AUTHTOK: c_int = 0x20;

#[repr(C)]
struct Message {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    text: *mut c_char,
    unused: c_int,
}

#[repr(C)]
struct Conv {
    function: extern "C" fn(c_int, *const *const Message, *mut *mut Response, *mut c_void) -> c_int,
    data: *mut c_void,
}

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start(
        service: *const c_char,
        user: *const c_char,
        conversation: *const Conv,
        handle: *mut *mut c_void,
    ) -> c_int;
    fn pam_set_item(handle: *mut c_void, item: c_int, value: *const c_void) -> c_int;
    fn pam_get_item(handle: *const c_void, item: c_int, value: *mut *const c_void) -> c_int;
    fn pam_authenticate(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_chauthtok(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_setcred(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_putenv(handle: *mut c_void, name_value: *const c_char) -> c_int;
    fn pam_end(handle: *mut c_void, status: c_int) -> c_int;
}

/// Whether the PAM service lets the user in: authenticated, and with an account in order. `language`: the language of
/// the user, if it is known.
pub fn authenticate(
    service: &CStr,
    user: &str,
    language: Option<Language>,
    answers: &mut dyn Conversation,
) -> bool {
    let Some(mut login) = Login::begin(service, user, answers) else {
        return false;
    };
    if !login.is_started_by(user) || !language.is_none_or(|language| login.is_in_language(language))
    {
        return false;
    }
    let let_in = login.authenticates() && login.account_is_in_order();
    // If a module has mapped the name to another, a different user was let in.
    let_in && login.user().is_some_and(|name| name == user)
}

/// A PAM service in use for one user. When it is dropped, the service learns how the last call ended.
pub struct Login<'a> {
    handle: *mut c_void,
    /// The result of the last call; before any call it is not a success.
    status: c_int,
    /// The conversation that PAM uses, in a box that is freed once PAM has ended.
    answers: *mut &'a mut dyn Conversation,
}

/// The result of the account phase of a PAM service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InOrder {
    /// The user may log in.
    Yes,
    /// The user may log in after choosing a new password.
    WithANewPassword,
    /// The user may not log in.
    No,
}

impl<'a> Login<'a> {
    /// Starts PAM; `None`: it cannot be started, or not with that name.
    pub fn begin(service: &CStr, user: &str, answers: &'a mut dyn Conversation) -> Option<Self> {
        let user = CString::new(user).ok()?;
        let answers = Box::into_raw(Box::new(answers));
        let conversation = Conv {
            function: converse,
            data: answers.cast(),
        };
        let mut handle = null_mut();
        // SAFETY: both strings end in NUL, and PAM copies them and `conversation`. The `answers` that it points to
        // live until PAM has ended.
        let started = unsafe {
            pam_start(
                service.as_ptr(),
                user.as_ptr(),
                &raw const conversation,
                &raw mut handle,
            )
        };
        if started != PAM_SUCCESS || handle.is_null() {
            // SAFETY: the pointer is from the box above; PAM has not started, so nothing else has it.
            drop(unsafe { Box::from_raw(answers) });
            return None;
        }
        Some(Self {
            handle,
            status: PAM_ABORT,
            answers,
        })
    }

    /// Tells PAM the user who started this; returns whether that succeeded.
    pub fn is_started_by(&mut self, user: &str) -> bool {
        self.sets(PAM_RUSER, user)
    }

    /// Tells PAM the host of the user; returns whether that succeeded.
    pub fn comes_from(&mut self, host: &str) -> bool {
        self.sets(PAM_RHOST, host)
    }

    /// Tells the modules the language of the user; returns whether that succeeded.
    pub fn is_in_language(&mut self, language: Language) -> bool {
        let Ok(name_value) = CString::new(format!("{LANGUAGE}={}", language.tag())) else {
            return false;
        };
        // SAFETY: the handle is PAM's until this value is dropped; the string ends in NUL, and PAM copies it.
        unsafe { pam_putenv(self.handle, name_value.as_ptr()) == PAM_SUCCESS }
    }

    /// Has PAM not wait after a failure. PAM tells [`Conversation::waits`] how long it would wait, and the caller waits
    /// instead. Returns whether PAM accepted this.
    pub fn leaves_waiting(&mut self) -> bool {
        let function: extern "C" fn(c_int, c_uint, *mut c_void) = waits;
        // SAFETY: the handle is PAM's until this value is dropped. The item is the function itself, of the type that PAM calls
        // it by, and a function is there as long as the program.
        unsafe {
            pam_set_item(self.handle, PAM_FAIL_DELAY, function as *const c_void) == PAM_SUCCESS
        }
    }

    /// Whether the user is authenticated.
    pub fn authenticates(&mut self) -> bool {
        self.calls(pam_authenticate, 0) == PAM_SUCCESS
    }

    /// Whether the account may be used now.
    pub fn in_order(&mut self) -> InOrder {
        match self.calls(pam_acct_mgmt, 0) {
            PAM_SUCCESS => InOrder::Yes,
            PAM_NEW_AUTHTOK_REQD => InOrder::WithANewPassword,
            _ => InOrder::No,
        }
    }

    /// Whether the account may be used now, without a change of password.
    pub fn account_is_in_order(&mut self) -> bool {
        self.in_order() == InOrder::Yes
    }

    /// Whether the user has replaced a password that has expired.
    pub fn changes_the_old_password(&mut self) -> bool {
        self.calls(pam_chauthtok, PAM_CHANGE_EXPIRED_AUTHTOK) == PAM_SUCCESS
    }

    /// Whether the modules established the user's credentials; they are deleted again at once.
    pub fn is_in(&mut self) -> bool {
        if self.calls(pam_setcred, PAM_ESTABLISH_CRED) != PAM_SUCCESS {
            return false;
        }
        // SAFETY: as in `calls`. There is no session, and a module that has nothing to delete may say so.
        unsafe { pam_setcred(self.handle, PAM_DELETE_CRED) };
        true
    }

    /// Returns the name that PAM has for the user now; `None`: there is no name that is text.
    #[must_use]
    pub fn user(&self) -> Option<String> {
        let mut name = ptr::null();
        // SAFETY: the handle is PAM's until this value is dropped. The name ends in NUL and is copied before PAM is called
        // again.
        unsafe {
            let found = pam_get_item(self.handle, PAM_USER, &raw mut name) == PAM_SUCCESS;
            if !found || name.is_null() {
                return None;
            }
            CStr::from_ptr(name.cast()).to_str().ok().map(str::to_owned)
        }
    }

    /// Makes the end tell PAM that no user was let in, whatever the last call returned.
    pub fn comes_to_nothing(&mut self) {
        self.status = PAM_ABORT;
    }

    fn sets(&mut self, item: c_int, value: &str) -> bool {
        let Ok(value) = CString::new(value) else {
            return false;
        };
        // SAFETY: the handle is PAM's until this value is dropped; the string ends in NUL, and PAM copies it.
        unsafe { pam_set_item(self.handle, item, value.as_ptr().cast()) == PAM_SUCCESS }
    }

    fn calls(
        &mut self,
        function: unsafe extern "C" fn(*mut c_void, c_int) -> c_int,
        flags: c_int,
    ) -> c_int {
        // SAFETY: the handle is PAM's until this value is dropped, and every function that is passed here takes it and flags.
        self.status = unsafe { function(self.handle, flags) };
        self.status
    }
}

impl Drop for Login<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is PAM's and is not used again. `answers` is from the box that `begin` leaked; once PAM
        // has ended, nothing else has it.
        unsafe {
            pam_end(self.handle, self.status);
            drop(Box::from_raw(self.answers));
        }
    }
}

/// Runs `work` in a process of its own that ends with it, and returns its result; `None`: the process failed.
///
/// # Errors
/// This process has another thread, or this cannot be determined. Or a process, or a pipe to it, cannot be made.
pub fn apart(work: impl FnOnce() -> u8) -> io::Result<Option<u8>> {
    is_alone()?;
    let (mut reading, mut writing) = io::pipe()?;
    // SAFETY: this process has one thread, as was just checked, so the child may do whatever the parent may.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop(reading);
            // Nothing of the child may return into the parent's code, least of all a panic.
            let said = panic::catch_unwind(AssertUnwindSafe(work));
            let written = said.is_ok_and(|said| writing.write_all(&[said]).is_ok());
            // SAFETY: ends this process at once; the kernel frees whatever it holds.
            unsafe { libc::_exit(c_int::from(!written)) }
        }
        ForkResult::Parent { child } => {
            drop(writing);
            let mut said = [0];
            let said = reading.read_exact(&mut said).is_ok().then_some(said[0]);
            // If the caller ignores the ends of children, the kernel has already reaped it.
            loop {
                match waitpid(child, None) {
                    Err(Errno::EINTR) => {}
                    Ok(WaitStatus::Exited(_, 0)) | Err(Errno::ECHILD) => return Ok(said),
                    Ok(_) | Err(_) => return Ok(None),
                }
            }
        }
    }
}

/// The function that PAM calls instead of waiting, also after a success. A panic in it ends the process, since it must not
/// unwind into C.
extern "C" fn waits(status: c_int, microseconds: c_uint, data: *mut c_void) {
    if status == PAM_SUCCESS || data.is_null() {
        return;
    }
    // SAFETY: `data` is that of the conversation, as in `converse`, and PAM calls this from within `Login::calls`.
    let answers = unsafe { &mut *data.cast::<&mut dyn Conversation>() };
    answers.waits(Duration::from_micros(microseconds.into()));
}

/// The function that PAM calls to talk to the user. A panic in it ends the process, since it must not unwind into C.
extern "C" fn converse(
    count: c_int,
    messages: *const *const Message,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    let Ok(length) = usize::try_from(count) else {
        return PAM_CONV_ERR;
    };
    if count == 0
        || count > PAM_MAX_NUM_MSG
        || messages.is_null()
        || responses.is_null()
        || data.is_null()
    {
        return PAM_CONV_ERR;
    }
    // SAFETY: `data` is the pointer that `Login::begin` gave, to its `&mut dyn Conversation`, which lives until after
    // `pam_end` and which nothing else uses in the meantime. Linux-PAM passes `messages` as an array of `count`
    // pointers to messages that live through this call, whose texts are null or end in NUL.
    let (answers, messages) = unsafe {
        let answers = &mut *data.cast::<&mut dyn Conversation>();
        (answers, std::slice::from_raw_parts(messages, length))
    };
    // SAFETY: plain allocation of zeroed memory, checked below. All zero is a valid `Response`.
    let array = unsafe { libc::calloc(length, size_of::<Response>()) }.cast::<Response>();
    if array.is_null() {
        return PAM_BUF_ERR;
    }
    for (at, message) in messages.iter().enumerate() {
        // SAFETY: see above; `at` is below the length of the array.
        let answered = unsafe {
            let Some(message) = message.as_ref() else {
                free_responses(array, length);
                return PAM_CONV_ERR;
            };
            let text = if message.text.is_null() {
                c""
            } else {
                CStr::from_ptr(message.text)
            };
            answer(*answers, message.style, &text.to_string_lossy())
                .map(|text| (*array.add(at)).text = text)
        };
        if answered.is_none() {
            // SAFETY: the array was allocated above, with that length, and is not used afterwards.
            unsafe { free_responses(array, length) };
            return PAM_CONV_ERR;
        }
    }
    // SAFETY: `responses` is not null and PAM's own; PAM frees what it gets.
    unsafe { *responses = array };
    PAM_SUCCESS
}

/// Answers one message, in memory allocated by C; null for a message that takes no answer.
fn answer(answers: &mut dyn Conversation, style: c_int, text: &str) -> Option<*mut c_char> {
    match style {
        PAM_PROMPT_ECHO_OFF | PAM_PROMPT_ECHO_ON => {
            let reply = answers.ask(text, style == PAM_PROMPT_ECHO_ON)?;
            if reply.contains(&0) {
                return None;
            }
            // SAFETY: as many bytes as are copied and a NUL are allocated; the result is checked before it is
            // written.
            unsafe {
                let copy = libc::malloc(reply.len() + 1).cast::<u8>();
                if copy.is_null() {
                    return None;
                }
                ptr::copy_nonoverlapping(reply.as_ptr(), copy, reply.len());
                *copy.add(reply.len()) = 0;
                Some(copy.cast())
            }
        }
        PAM_ERROR_MSG | PAM_TEXT_INFO => answers.tell(text).map(|()| null_mut()),
        _ => None,
    }
}

/// Wipes and frees answers that PAM does not get.
///
/// # Safety
/// `array` has `length` responses, was allocated by malloc, and so were the texts in it that are not null.
unsafe fn free_responses(array: *mut Response, length: usize) {
    // SAFETY: as the caller promises; each text ends in NUL, as `answer` wrote it.
    unsafe {
        for at in 0..length {
            let text = (*array.add(at)).text;
            if !text.is_null() {
                let bytes = CStr::from_ptr(text).to_bytes().len();
                std::slice::from_raw_parts_mut(text.cast::<u8>(), bytes).zeroize();
                libc::free(text.cast());
            }
        }
        libc::free(array.cast());
    }
}

#[cfg(test)]
mod tests;
