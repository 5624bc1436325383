//! Standard output and standard error of the commands.
//!
//! The reader may close the pipe early (`trolley check … | head`), and `println!` of the standard library would then
//! panic. The macros here replace `println!` and `eprintln!` in this crate. After a closed pipe, output is discarded,
//! the command completes its work, and its exit code reports the result. Any other error of standard output, such as a
//! full disk, makes the command fail at its end: see [`finish`].

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;
use std::sync::PoisonError;

/// The state of standard output.
static STATE: Mutex<State> = Mutex::new(State::Open);

#[derive(Debug)]
enum State {
    Open,
    /// The reader has closed the pipe.
    Closed,
    Failed(io::Error),
}

/// Prints a line to standard output, as `std::println!` does.
macro_rules! println {
    () => { $crate::output::line(format_args!("")) };
    ($($arguments:tt)*) => { $crate::output::line(format_args!($($arguments)*)) };
}

/// Prints a line to standard error, as `std::eprintln!` does.
macro_rules! eprintln {
    () => { $crate::output::error_line(format_args!("")) };
    ($($arguments:tt)*) => { $crate::output::error_line(format_args!($($arguments)*)) };
}

pub(crate) fn line(text: Arguments<'_>) {
    print(|out| writeln!(out, "{text}"));
}

/// Ignores errors of standard error, because there is nowhere to report them.
pub(crate) fn error_line(text: Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes to standard output, unless an earlier write failed.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(*state, State::Open) {
        *state = after(write(&mut io::stdout().lock()));
    }
}

/// Flushes standard output at the end of a command.
///
/// # Errors
/// If standard output failed at any time, other than by a closed pipe.
pub(crate) fn finish() -> io::Result<()> {
    print(|out| out.flush());
    match std::mem::replace(&mut *STATE.lock().unwrap_or_else(PoisonError::into_inner), State::Closed) {
        State::Failed(error) => Err(error),
        State::Open | State::Closed => Ok(()),
    }
}

fn after(result: io::Result<()>) -> State {
    match result {
        Ok(()) => State::Open,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => State::Closed,
        Err(error) => State::Failed(error),
    }
}
