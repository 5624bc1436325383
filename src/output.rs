//! What is printed for people and their programs.
//!
//! Whoever reads may close the pipe early (`trolley check … | head`), and `println!` of the standard library panics then.
//! The macros here take the place of `println!` and `eprintln!` in this crate: what nobody reads is dropped, the command
//! does its work to the end, and its exit code says what became of the work. Any other error of standard output, such as
//! a full disk, makes the command fail at its end: see [`finish`].

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;
use std::sync::PoisonError;

/// What became of standard output so far.
static STATE: Mutex<State> = Mutex::new(State::Open);

#[derive(Debug)]
enum State {
    Open,
    /// Nobody reads it any more.
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

/// Standard error is where errors are told: one of its own can be told nowhere.
pub(crate) fn error_line(text: Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes to standard output, unless that has failed before.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(*state, State::Open) {
        *state = after(write(&mut io::stdout().lock()));
    }
}

/// Writes what is still held back. A command calls it at its end.
///
/// # Errors
/// If standard output failed at any time, and not because nobody reads it.
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
