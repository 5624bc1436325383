//! The binary: see [`trolley::cli`].

use std::process::ExitCode;

use clap::Parser;

/// Answers are many small allocations, learning a few large ones that come and go: this one is quicker at both.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is written holds what customers bought: it is for this user and its group.
fn keep_from_others() {
    #[cfg(unix)]
    {
        use rustix::fs::Mode;
        use rustix::process::umask;
        let mask = umask(Mode::RWXO);
        umask(mask | Mode::RWXO);
    }
}

fn main() -> ExitCode {
    keep_from_others();
    trolley::cli::Cli::parse().main()
}
