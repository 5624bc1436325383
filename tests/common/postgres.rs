//! PostgreSQL for tests.
#![allow(dead_code, missing_docs, reason = "each test file that shares this module uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A PostgreSQL cluster in a temporary folder, on a Unix socket.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Cluster {
    /// `None` if PostgreSQL is not installed; `.ci/run` installs it and sets a variable that requires it.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(std::env::var_os("TROLLEY_TEST_POSTGRES").is_none(), "PostgreSQL is not installed");
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let cluster = Self { folder, programs };
        if is_root() {
            // PostgreSQL refuses to run as root.
            assert!(Command::new("chown").arg("postgres").arg(cluster.folder.path()).status().unwrap().success());
        }
        let data = cluster.data();
        let data = data.to_str().unwrap();
        cluster.run("initdb", &["-D", data, "-U", "trolley", "-A", "trust", "--no-sync"]);
        cluster.resume();
        Some(cluster)
    }

    /// Starts it again after [`Cluster::stop`].
    pub(crate) fn resume(&self) {
        let options = format!("-k {} -c listen_addresses=", self.folder.path().display());
        let (data, log) = (self.data(), self.folder.path().join("log"));
        let (data, log) = (data.to_str().unwrap(), log.to_str().unwrap());
        self.run("pg_ctl", &["-D", data, "-w", "-o", &options, "-l", log, "start"]);
    }

    /// Stops it immediately, like a power failure.
    pub(crate) fn stop(&self) {
        self.run("pg_ctl", &["-D", self.data().to_str().unwrap(), "-m", "immediate", "stop"]);
    }

    /// Sends a signal to all its processes.
    pub(crate) fn signal(&self, signal: &str) {
        let first = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let first = first.lines().next().unwrap().to_owned();
        // The processes that serve connections are its children.
        let _ = Command::new("pkill").args([&format!("-{signal}"), "-P", &first]).status();
        assert!(Command::new("kill").args([&format!("-{signal}"), &first]).status().unwrap().success());
    }

    /// A backup of everything, in the format of `pg_restore`.
    pub(crate) fn dump(&self) -> PathBuf {
        let file = self.folder.path().join("backup");
        let host = self.folder.path().display().to_string();
        self.run("pg_dump", &["-h", &host, "-U", "trolley", "-Fc", "-f", file.to_str().unwrap(), "postgres"]);
        file
    }

    /// Restores a backup while the cluster is in use.
    pub(crate) fn restore(&self, backup: &Path) {
        let host = self.folder.path().display().to_string();
        let backup = backup.to_str().unwrap();
        self.run(
            "pg_restore",
            &["-h", &host, "-U", "trolley", "-d", "postgres", "--clean", "--if-exists", "--single-transaction", backup],
        );
    }

    /// A second cluster with the same content, like a promoted standby. Both then run.
    pub(crate) fn twin(&self) -> Self {
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let twin = Self { folder, programs: self.programs.clone() };
        self.stop();
        let copied = Command::new("cp").arg("-a").arg(self.data()).arg(twin.data()).status().unwrap();
        assert!(copied.success());
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(twin.folder.path()).status().unwrap().success());
        }
        self.resume();
        twin.resume();
        twin
    }

    /// Makes all further transactions read-only, as on a primary that has become a standby.
    pub(crate) fn only_reads(&self) {
        let host = self.folder.path().display().to_string();
        let set = "ALTER SYSTEM SET default_transaction_read_only = on";
        let arguments = ["-h", &host, "-U", "trolley", "-d", "postgres", "-c", set, "-c", "SELECT pg_reload_conf()"];
        self.run("psql", &arguments);
    }

    /// The folder of its socket.
    pub(crate) fn socket(&self) -> &Path {
        self.folder.path()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn url(&self) -> String {
        url(self.folder.path())
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let status = command.args(arguments).stdout(Stdio::null()).current_dir("/tmp").status().unwrap();
        assert!(status.success(), "{command:?}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The URL of a cluster with its socket in a folder.
pub(crate) fn url(folder: &Path) -> String {
    format!("postgres:///postgres?host={}&user=trolley", folder.display())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n")
}

/// Debian installs the programs of each version in their own folder.
fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.into_iter().rev().chain(std::env::split_paths(&path)).find(|folder| has(folder))
}

fn has(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("pg_ctl").is_file()
}
