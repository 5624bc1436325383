//! What was pushed survives, on SQLite and on PostgreSQL alike.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use trolley::store::{Kind, StockRow, Store};

fn row(item: &str, in_stock: bool, sequence: i64) -> StockRow {
    StockRow { item: item.into(), in_stock, sequence }
}

async fn stock(store: &Store, market: &str, after: i64) -> BTreeMap<String, (bool, i64)> {
    let rows = store.stock_after(market, after).await.unwrap();
    rows.into_iter().map(|row| (row.item, (row.in_stock, row.sequence))).collect()
}

/// The highest sequence wins whatever the order, changes can be followed, and all of it is there after a restart.
async fn keeps_its_promises(url: &str) {
    let store = Store::open(url).await.unwrap();
    assert_eq!(store.put_stock("de", &[row("a", false, 5), row("b", false, 1), row("a", true, 4)]).await.unwrap(), 2);
    assert_eq!(store.put_stock("de", &[row("a", true, 5), row("b", true, 2)]).await.unwrap(), 1, "a replay is no news");
    assert_eq!(store.put_stock("fr", &[row("a", true, 1)]).await.unwrap(), 1, "markets do not meet");
    let all = BTreeMap::from([("a".to_owned(), (false, 5)), ("b".to_owned(), (true, 2))]);
    assert_eq!(stock(&store, "de", 0).await, all);
    assert_eq!(stock(&store, "de", 1).await, BTreeMap::from([("b".to_owned(), (true, 2))]), "what came later");

    assert_eq!(store.document("de", Kind::Offers).await.unwrap(), None);
    assert_eq!(store.put_document("de", Kind::Offers, "[1]").await.unwrap(), 1);
    assert_eq!(store.put_document("de", Kind::Offers, "[2]").await.unwrap(), 2);
    assert_eq!(store.put_document("de", Kind::Rules, "[3]").await.unwrap(), 1);

    let store = Store::open(url).await.unwrap();
    assert_eq!(stock(&store, "de", 0).await, all);
    assert_eq!(store.document("de", Kind::Offers).await.unwrap(), Some((2, "[2]".to_owned())));
    let mut versions = store.versions().await.unwrap();
    versions.sort();
    let expected = [("de", Kind::Stock, 2), ("de", Kind::Offers, 2), ("de", Kind::Rules, 1), ("fr", Kind::Stock, 1)];
    assert_eq!(versions, expected.map(|(market, kind, version)| (market.to_owned(), kind, version)));
}

/// Many at once: nothing is lost, whoever comes first.
async fn takes_pushes_side_by_side(url: &str) {
    let store = Store::open(url).await.unwrap();
    let push = |sequence: i64| {
        let store = store.clone();
        async move {
            let rows: Vec<StockRow> =
                (0..50).map(|item| row(&format!("i{item}"), sequence % 2 == 0, sequence)).collect();
            store.put_stock("crowd", &rows).await.unwrap()
        }
    };
    let pushes: Vec<_> = (1..=40).map(|sequence| tokio::spawn(push(sequence * 7 % 41))).collect();
    for push in pushes {
        push.await.unwrap();
    }
    let last = stock(&store, "crowd", 0).await;
    assert_eq!(last.len(), 50);
    assert!(last.values().all(|word| *word == (true, 40)), "{last:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("state.sqlite").display());
    keeps_its_promises(&url).await;
    takes_pushes_side_by_side(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres() {
    let Some(cluster) = Cluster::start() else {
        // `.ci/run` has PostgreSQL installed and sets this.
        assert!(std::env::var_os("TROLLEY_TEST_POSTGRES").is_none(), "PostgreSQL is not installed");
        eprintln!("skipped: PostgreSQL is not installed");
        return;
    };
    keeps_its_promises(&cluster.url()).await;
    takes_pushes_side_by_side(&cluster.url()).await;
    news_arrive_within_a_second(&cluster.url()).await;
}

async fn news_arrive_within_a_second(url: &str) {
    let (here, there) = (Store::open(url).await.unwrap(), Store::open(url).await.unwrap());
    let mut changes = there.changes();
    // The first call connects.
    changes.next().await;
    let waiting = tokio::spawn(async move {
        loop {
            changes.next().await;
            let versions = there.versions().await.unwrap();
            if versions.iter().any(|(market, ..)| market == "far-away") {
                return;
            }
        }
    });
    here.put_stock("far-away", &[row("a", true, 1)]).await.unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(1), waiting).await.expect("within a second").unwrap();
}

#[tokio::test]
async fn what_cannot_be_opened_is_said() {
    let open = |url: &'static str| async move { Store::open(url).await.unwrap_err().to_string() };
    assert!(open("mysql://localhost/x").await.contains("sqlite: or postgres:"));
    assert!(open("sqlite:/no/such/folder/state.sqlite").await.contains("server.state"));
}

/// A PostgreSQL of its own in a temporary folder, on a Unix socket.
struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Cluster {
    fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let cluster = Self { folder, programs };
        if is_root() {
            // PostgreSQL refuses to run as root.
            assert!(Command::new("chown").arg("postgres").arg(cluster.folder.path()).status().unwrap().success());
        }
        let data = cluster.data();
        let data = data.to_str().unwrap();
        cluster.run("initdb", &["-D", data, "-U", "trolley", "-A", "trust", "--no-sync"]);
        let options = format!("-k {} -c listen_addresses=", cluster.folder.path().display());
        let log = cluster.folder.path().join("log");
        cluster.run("pg_ctl", &["-D", data, "-w", "-o", &options, "-l", log.to_str().unwrap(), "start"]);
        Some(cluster)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn url(&self) -> String {
        format!("postgres:///postgres?host={}&user=trolley", self.folder.path().display())
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
        self.run("pg_ctl", &["-D", self.data().to_str().unwrap(), "-m", "immediate", "stop"]);
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n")
}

/// Debian keeps the programs of each version in a folder of their own.
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
