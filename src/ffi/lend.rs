//! Lends a transport to C for the duration of one call.

use std::any::Any;
use std::cell::Cell;
use std::ffi::c_void;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls_ffi::rustls_io_result;

use super::codes::{BUSY, FAILED, INVALID, SUCCESS, code_of, error_of};

/// How many loan names a thread reserves at once.
const NAMES: usize = 1 << 12;

/// The first name that no thread has reserved. Name 0 is not used, since it would be a null
/// pointer.
static UNTAKEN: AtomicUsize = AtomicUsize::new(NAMES);

thread_local! {
    /// The latest loan in progress on this thread, or null.
    static LATEST: Cell<*const Loan> = const { Cell::new(ptr::null()) };

    /// The next name on this thread; a multiple of `NAMES` means that none is left.
    static NEXT_NAME: Cell<usize> = const { Cell::new(0) };
}

/// Lends `source` to C as a `rustls_read_callback` for the duration of `call`.
///
/// `call` receives the userdata to pass along with [`read`](super::read), and a place for the
/// count; it returns what `rustls_connection_read_tls` returns. That is returned as a count or an
/// error: the original error of `source`, if the code is that of this error. A panic of `source` is
/// resumed here.
///
/// The userdata is a name, not a pointer. It means something only to the functions of this module,
/// on this thread, until `call` returns; they return `EINVAL` for any other use of it, and `EBUSY` if
/// they are called from within `source` itself or after it has panicked.
///
/// ```
/// use pollback::ffi::{self, rustls_ffi::acceptor::rustls_acceptor};
///
/// let acceptor = rustls_acceptor::rustls_acceptor_new();
/// let mut arrived: &[u8] = b"\x16\x03\x01";
/// let taken = ffi::lend_read(&mut arrived, |userdata, out_n| {
///     rustls_acceptor::rustls_acceptor_read_tls(acceptor, Some(ffi::read), userdata, out_n)
/// })?;
/// assert_eq!(taken, 3);
/// rustls_acceptor::rustls_acceptor_free(acceptor);
/// # std::io::Result::Ok(())
/// ```
///
/// # Errors
///
/// Those of `source`, and an error for any code other than 0 that `call` returns.
pub fn lend_read(
    source: &mut dyn Read,
    call: impl FnOnce(*mut c_void, *mut usize) -> rustls_io_result,
) -> io::Result<usize> {
    let mut source = source;
    lend(Lent::Source(ptr::from_mut(&mut source).cast()), call)
}

/// Lends `sink` to C as a `rustls_write_callback` and a `rustls_write_vectored_callback` for the
/// duration of `call`.
///
/// Works like [`lend_read`], with [`write`](super::write) and
/// [`write_vectored`](super::write_vectored).
///
/// # Errors
///
/// Those of `sink`, and an error for any code other than 0 that `call` returns.
pub fn lend_write(
    sink: &mut dyn Write,
    call: impl FnOnce(*mut c_void, *mut usize) -> rustls_io_result,
) -> io::Result<usize> {
    let mut sink = sink;
    lend(Lent::Sink(ptr::from_mut(&mut sink).cast()), call)
}

/// What is lent: a pointer to a borrow that lasts as long as the loan.
#[derive(Clone, Copy)]
pub(super) enum Lent {
    Source(*mut &'static mut dyn Read),
    Sink(*mut &'static mut dyn Write),
}

/// A loan in progress, on the stack of the function that lends.
struct Loan {
    name: usize,
    earlier: Cell<*const Self>,
    /// `None` during an attempt, and after one that panicked.
    lent: Cell<Option<Lent>>,
    error: Cell<Option<io::Error>>,
    panic: Cell<Option<Box<dyn Any + Send>>>,
}

fn lend(
    lent: Lent,
    call: impl FnOnce(*mut c_void, *mut usize) -> rustls_io_result,
) -> io::Result<usize> {
    let loan = Loan {
        name: next_name(),
        earlier: Cell::new(LATEST.get()),
        lent: Cell::new(Some(lent)),
        error: Cell::new(None),
        panic: Cell::new(None),
    };
    let mut count = 0;
    let code = {
        LATEST.set(&raw const loan);
        let _until_here = Ending(&loan);
        call(ptr::without_provenance_mut(loan.name), &mut count)
    };
    if let Some(panic) = loan.panic.take() {
        resume_unwind(panic);
    }
    if code == SUCCESS {
        return Ok(count);
    }
    Err(match loan.error.take() {
        Some(error) if code_of(&error) == code => error,
        _ => error_of(code),
    })
}

/// Makes one attempt at the loan named `userdata`, on behalf of C.
pub(super) fn attempt(
    userdata: *mut c_void,
    attempt: impl FnOnce(Lent) -> io::Result<usize>,
) -> Result<usize, rustls_io_result> {
    with_loan(userdata.addr(), |loan| {
        let lent = loan.lent.take().ok_or(BUSY)?;
        match catch_unwind(AssertUnwindSafe(|| attempt(lent))) {
            Ok(answer) => {
                loan.lent.set(Some(lent));
                answer.map_err(|error| {
                    let code = code_of(&error);
                    loan.error.set(Some(error));
                    code
                })
            }
            Err(panic) => {
                loan.panic.set(Some(panic));
                Err(FAILED)
            }
        }
    })
    .unwrap_or(Err(INVALID))
}

fn with_loan<T>(name: usize, f: impl FnOnce(&Loan) -> T) -> Option<T> {
    let mut next = LATEST.get();
    // SAFETY: a loan that is linked has not ended, since `Ending` unlinks it. So its `lend` has not
    // returned, and will not while `f` runs: it waits for `call`, and `call` for us.
    while let Some(loan) = unsafe { next.as_ref() } {
        if loan.name == name {
            return Some(f(loan));
        }
        next = loan.earlier.get();
    }
    None
}

/// Unlinks a loan when it ends, by a return or by a panic of `call`.
struct Ending<'a>(&'a Loan);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let ended: *const Loan = self.0;
        let earlier = self.0.earlier.get();
        let mut next = LATEST.get();
        if next == ended {
            LATEST.set(earlier);
            return;
        }
        // Loans end in the reverse of their order, unless something switches between stacks.
        // SAFETY: a linked loan has not ended, so it is alive.
        while let Some(later) = unsafe { next.as_ref() } {
            next = later.earlier.get();
            if next == ended {
                later.earlier.set(earlier);
            }
        }
    }
}

/// A name that no other loan of the process uses, until the counter wraps around.
fn next_name() -> usize {
    let mut name = NEXT_NAME.get();
    if name % NAMES == 0 {
        name = UNTAKEN.fetch_add(NAMES, Ordering::Relaxed);
    }
    NEXT_NAME.set(name + 1);
    name
}
