//! The binary: see [`trolley::cli`].

use std::process::ExitCode;

use clap::Parser;

/// Requests make many small allocations, training a few large short-lived ones: this allocator is faster at both.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Makes new files inaccessible to other users than this one and its group: they contain customers' purchases.
fn restrict_umask() {
    #[cfg(unix)]
    {
        use rustix::fs::Mode;
        use rustix::process::umask;
        let mask = umask(Mode::RWXO);
        umask(mask | Mode::RWXO);
    }
}

fn main() -> ExitCode {
    restrict_umask();
    trolley::cli::Cli::parse().main()
}
