//! The binary: see [`trolley::cli`].

use std::process::ExitCode;

use clap::Parser;

/// Answers are many small allocations, learning a few large ones that come and go: this one is quicker at both.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    trolley::cli::Cli::parse().main()
}
