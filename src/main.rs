//! The binary: see [`trolley::cli`].

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match trolley::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
