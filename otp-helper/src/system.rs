//! Calls of libc that have no safe form. The only file of this program with `unsafe`.

use libc::{c_char, c_int, c_uint, c_void};
use nix::errno::Errno;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use std::ffi::{CStr, CString};
use std::io::{self, Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::ptr::{self, null_mut};
use zeroize::{Zeroize, Zeroizing};

/// Closes every descriptor from `first` on.
pub(crate) fn close_descriptors_from(first: c_uint) -> io::Result<()> {
    // SAFETY: takes three plain numbers. Nothing in this process owns a descriptor above 2 yet: it is called first
    // thing in `main`, before any file or socket is opened.
    let result = unsafe { libc::close_range(first, c_uint::MAX, 0) };
    result_of(result)
}

/// Empties the environment.
pub(crate) fn clear_environment() -> io::Result<()> {
    // SAFETY: no other thread exists in this process that could be reading the environment, and none of its strings
    // is borrowed: arguments are not part of it.
    let result = unsafe { libc::clearenv() };
    result_of(result)
}

fn result_of(result: c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Who answers the questions of a PAM stack.
pub(crate) trait Conversation {
    /// Answers a question; `None`: there is no answer, and the login fails.
    fn ask(&mut self, prompt: &str, echo: bool) -> Option<Zeroizing<Vec<u8>>>;
    /// Passes on a message; `None`: nobody is there.
    fn tell(&mut self, text: &str) -> Option<()>;
}

const PAM_SUCCESS: c_int = 0;
const PAM_BUF_ERR: c_int = 5;
const PAM_USER: c_int = 2;
const PAM_RUSER: c_int = 8;
const PAM_CONV_ERR: c_int = 19;
const PAM_PROMPT_ECHO_OFF: c_int = 1;
const PAM_PROMPT_ECHO_ON: c_int = 2;
const PAM_ERROR_MSG: c_int = 3;
const PAM_TEXT_INFO: c_int = 4;
const PAM_MAX_NUM_MSG: c_int = 32;

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
    fn pam_end(handle: *mut c_void, status: c_int) -> c_int;
}

/// Whether the PAM service lets the user in: authenticated, and with an account in order.
pub(crate) fn authenticate(service: &CStr, user: &str, mut answers: &mut dyn Conversation) -> bool {
    let Ok(user) = CString::new(user) else {
        return false;
    };
    let conversation = Conv {
        function: converse,
        data: (&raw mut answers).cast(),
    };
    let mut handle = null_mut();
    // SAFETY: both strings end in NUL and, like `conversation` and the `answers` that it points to, outlive `pam_end`
    // below, after which nobody has them any more. A null handle is not used. The flags are none.
    unsafe {
        if pam_start(
            service.as_ptr(),
            user.as_ptr(),
            &raw const conversation,
            &raw mut handle,
        ) != PAM_SUCCESS
            || handle.is_null()
        {
            return false;
        }
        let mut status = pam_set_item(handle, PAM_RUSER, user.as_ptr().cast());
        if status == PAM_SUCCESS {
            status = pam_authenticate(handle, 0);
        }
        if status == PAM_SUCCESS {
            status = pam_acct_mgmt(handle, 0);
        }
        // A module may have mapped the name to another: then it was somebody else who was let in.
        let mut name = std::ptr::null();
        let same = pam_get_item(handle, PAM_USER, &raw mut name) == PAM_SUCCESS
            && !name.is_null()
            && CStr::from_ptr(name.cast()) == user.as_c_str();
        pam_end(handle, status);
        status == PAM_SUCCESS && same
    }
}

/// Does `work` in a process of its own that ends with it, and says what it said; `None`: it came to no good end.
///
/// # Errors
/// There is no process, or no pipe to it, to be had.
pub(crate) fn apart(work: impl FnOnce() -> u8) -> io::Result<Option<u8>> {
    let (mut reading, mut writing) = io::pipe()?;
    // SAFETY: this process has one thread, so the child may do whatever the parent may.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop(reading);
            // Nothing of it may come back into what the parent goes on to do, a panic least of all.
            let said = panic::catch_unwind(AssertUnwindSafe(work));
            let written = said.is_ok_and(|said| writing.write_all(&[said]).is_ok());
            // SAFETY: ends this process at once; whatever it holds is the kernel's to take back.
            unsafe { libc::_exit(c_int::from(!written)) }
        }
        ForkResult::Parent { child } => {
            drop(writing);
            let mut said = [0];
            let said = reading.read_exact(&mut said).is_ok().then_some(said[0]);
            // Where the caller has children's ends ignored, the kernel has reaped it already.
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

/// What PAM calls to talk to the user. A panic in it ends the process, since it must not unwind into C.
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
    // SAFETY: `data` is what `authenticate` gave: a pointer to its `&mut dyn Conversation`, which lives until after
    // `pam_end` and which nobody else uses meanwhile. Linux-PAM passes `messages` as an array of `count` pointers to
    // messages that live through this call, whose texts are null or end in NUL.
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
    // SAFETY: `responses` is not null and PAM's own; it frees what it gets.
    unsafe { *responses = array };
    PAM_SUCCESS
}

/// One message: the answer in memory of C's, null for a message that takes none.
fn answer(answers: &mut dyn Conversation, style: c_int, text: &str) -> Option<*mut c_char> {
    match style {
        PAM_PROMPT_ECHO_OFF | PAM_PROMPT_ECHO_ON => {
            let reply = answers.ask(text, style == PAM_PROMPT_ECHO_ON)?;
            if reply.contains(&0) {
                return None;
            }
            // SAFETY: as many bytes and a NUL are allocated as are copied; the result is checked before it is written.
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
