//! A reader may close standard output early: no command panics, and each completes its work.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use std::io::{PipeWriter, pipe};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use trolley_model::artefact::ModelRegistry;

fn config(folder: &Path) -> String {
    let text = format!(
        "models = \"{0}/models\"\nreports = \"{0}/reports\"\nrejects = \"{0}/rejects\"\n[server]\n\
         listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nstate = \"sqlite:{0}/state.sqlite\"\n\
         [markets.de]\ntransactions = \"{0}/t.csv\"\nitems = \"{0}/i.csv\"\n",
        folder.display()
    );
    let path = folder.join("shop.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn trolley(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trolley"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The writing end of a pipe whose reader is closed.
fn closed() -> PipeWriter {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    writer
}

fn did_not_panic(arguments: &[&str], output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    assert!(output.status.code().is_some_and(|code| code <= 2), "{arguments:?}: {}", output.status);
}

#[test]
fn a_closed_pipe_is_no_panic_and_the_work_is_done() {
    let folder = tempfile::tempdir().unwrap();
    common::train(folder.path(), "de", 1_710_000_000);
    common::train(folder.path(), "de", 1_710_000_100);
    let (config, shop) = (config(folder.path()), folder.path().join("made-up").display().to_string());
    let with_config = |arguments: &[&'static str]| [arguments, &["--config"]].concat();
    let mut commands: Vec<Vec<&str>> = [
        &["check"][..],
        &["train"],
        &["evaluate"],
        &["models", "list"],
        &["models", "show", "--market", "de"],
        &["models", "rollback", "--market", "de"],
        &["recommend", "bought-together", "bread"],
        &["recommend", "alternatives", "milk-a", "--csv"],
        &["models", "retire", "--market", "de"],
    ]
    .into_iter()
    .map(|arguments| {
        let mut arguments = with_config(arguments);
        arguments.push(&config);
        arguments
    })
    .collect();
    commands.push(vec!["key"]);
    commands.push(vec!["--help"]);
    commands.push(vec!["train", "--help"]);
    commands.push(vec!["generate", &shop, "--lines", "1000", "--items", "50", "--customers", "20"]);
    for arguments in &commands {
        let output = trolley(arguments).stdout(closed()).stderr(Stdio::piped()).output().unwrap();
        did_not_panic(arguments, &output);
        if arguments[0] != "evaluate" {
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let versions = ModelRegistry::new(folder.path().join("models")).versions(&common::name("de")).unwrap();
    assert_eq!(versions.len(), 3, "what nobody read about is published all the same: {versions:?}");
    assert!(Path::new(&shop).join("shop.toml").is_file());
}

/// Standard error, with errors and the log, may be closed too: then only the exit code is left.
#[test]
fn a_closed_standard_error_is_no_panic_either() {
    let folder = tempfile::tempdir().unwrap();
    common::train(folder.path(), "de", 1_710_000_000);
    let config = config(folder.path());
    for (arguments, code) in [
        (vec!["check", "--config", "/no/such/file"], 1),
        (vec!["train", "--config", &config, "--market", "fr"], 1),
        (vec!["train", "--no-such-option"], 2),
        (vec!["train", "--config", &config, "--without-state"], 0),
        (vec!["recommend", "alternatives", "nothing-of-the-kind", "--config", &config], 0),
    ] {
        let status = trolley(&arguments).stdout(closed()).stderr(closed()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn a_service_goes_on_whoever_reads_its_log() {
    let folder = tempfile::tempdir().unwrap();
    common::train(folder.path(), "de", 1_710_000_000);
    let config = config(folder.path());
    let mut service = trolley(&["serve", "--config", &config]).stdout(closed()).stderr(closed()).spawn().unwrap();
    // It has printed its address, although the pipe is closed.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(service.try_wait().unwrap(), None, "it runs");
    assert!(Command::new("kill").args(["-TERM", &service.id().to_string()]).status().unwrap().success());
    assert_eq!(service.wait().unwrap().code(), Some(0), "and ends well");
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_makes_a_command_fail() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = trolley(&["key"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("standard output"), "{said}");
}
