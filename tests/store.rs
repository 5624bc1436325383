//! Pushed state survives, on SQLite and on PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

#[path = "store/baskets.rs"]
mod baskets;
#[path = "common/postgres.rs"]
mod postgres;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use postgres::Cluster;
use trolley::secret::Secret;
use trolley::store::{EventRow, Kind, ReplacementRow, StockRow, Store, StoreError, StoreStockRow};

fn row(item: &str, in_stock: bool, sequence: i64) -> StockRow {
    StockRow { item: item.into(), store: None, in_stock, sequence, version: 0 }
}

async fn stock(store: &Store, market: &str, after: i64) -> BTreeMap<String, (bool, i64)> {
    let rows = store.stock_after(market, after).await.unwrap();
    rows.into_iter().map(|row| (row.item, (row.in_stock, row.sequence))).collect()
}

/// The highest sequence wins in any order, changes can be followed, and everything is there after a restart.
async fn keeps_its_promises(url: &str) {
    let (store, began) = (Store::open(url).await.unwrap(), chrono::Utc::now().timestamp_millis());
    assert_eq!(
        store.put_stock("de", &[row("a", false, 5), row("b", false, 1), row("a", true, 4)]).await.unwrap().accepted,
        2
    );
    let first = store.versions().await.unwrap()[0].2;
    assert_eq!(
        store.put_stock("de", &[row("a", true, 5), row("b", true, 2)]).await.unwrap().accepted,
        1,
        "a replay is no news"
    );
    assert_eq!(store.put_stock("fr", &[row("a", true, 1)]).await.unwrap().accepted, 1, "markets do not meet");
    let all = BTreeMap::from([("a".to_owned(), (false, 5)), ("b".to_owned(), (true, 2))]);
    assert_eq!(stock(&store, "de", 0).await, all);
    assert_eq!(stock(&store, "de", first).await, BTreeMap::from([("b".to_owned(), (true, 2))]), "what came later");

    assert_eq!(store.document("de", Kind::Offers).await.unwrap(), None);
    let before = store.put_document("de", Kind::Offers, None, "[1]").await.unwrap().unwrap();
    let offers = store.put_document("de", Kind::Offers, Some(7), "[2]").await.unwrap().unwrap();
    let rules = store.put_document("de", Kind::Rules, None, "[3]").await.unwrap().unwrap();
    assert!(began <= first && began <= before && before < offers, "{began} {first} {before} {offers}");

    let store = Store::open(url).await.unwrap();
    assert_eq!(stock(&store, "de", 0).await, all);
    assert_eq!(store.document("de", Kind::Offers).await.unwrap(), Some((offers, "[2]".to_owned())));
    for late in [6, 7] {
        assert_eq!(store.put_document("de", Kind::Offers, Some(late), "[4]").await.unwrap(), None, "late or twice");
    }
    assert_eq!(store.document("de", Kind::Offers).await.unwrap(), Some((offers, "[2]".to_owned())));
    let mut versions = store.versions().await.unwrap();
    versions.sort();
    let kinds: Vec<_> = versions.iter().map(|(market, kind, _)| (market.as_str(), *kind)).collect();
    assert_eq!(kinds, [("de", Kind::Stock), ("de", Kind::Offers), ("de", Kind::Rules), ("fr", Kind::Stock)]);
    assert_eq!((versions[1].2, versions[2].2), (offers, rules));
    assert!(versions[0].2 > first);
    assert!(store.put_document("de", Kind::Offers, None, "[5]").await.unwrap().unwrap() > offers);
    assert_eq!(
        store.put_document("de", Kind::Offers, Some(7), "[6]").await.unwrap(),
        None,
        "the last one still counts"
    );
    assert!(store.put_document("de", Kind::Offers, Some(8), "[7]").await.unwrap().is_some());
}

/// Of updates for a store and for the whole market the one with the higher sequence counts, and both can be followed.
async fn follows_stores(url: &str) {
    let store = Store::open(url).await.unwrap();
    let of = |shop: &str, item: &str, in_stock, sequence| StockRow {
        store: Some(shop.into()),
        ..row(item, in_stock, sequence)
    };
    let after = async |version: i64| {
        let mut said = Vec::new();
        let each = |row: StoreStockRow| said.push((row.store, row.item, row.in_stock));
        store.store_stock_after("shops", version, each).await.unwrap();
        said.sort();
        said
    };
    let said = |shop: &str, item: &str, in_stock| (shop.to_owned(), item.to_owned(), in_stock);
    let rows = [of("1", "a", false, 5), of("2", "a", false, 3), of("1", "b", true, 9), row("c", true, 1)];
    let first = store.put_stock("shops", &rows).await.unwrap();
    assert_eq!(first.accepted, 4);
    assert_eq!(after(0).await, [said("1", "a", Some(false)), said("1", "b", Some(true)), said("2", "a", Some(false))]);
    let second = store.put_stock("shops", &[row("a", true, 4)]).await.unwrap();
    assert_eq!(
        after(first.version).await,
        [said("1", "a", Some(false))],
        "what still counts of what the market was told"
    );
    let late = [of("2", "a", false, 3), of("2", "a", true, 4), of("3", "b", false, 1)];
    assert_eq!(store.put_stock("shops", &late).await.unwrap().accepted, 2, "of two of one store and item the higher");
    let version = store.forget_store_stock("shops", "a", "1").await.unwrap();
    assert!(version > second.version);
    assert_eq!(after(version - 1).await, [said("1", "a", None)]);
    assert_eq!(store.put_stock("shops", &[of("1", "a", false, 4)]).await.unwrap().accepted, 1);

    let event = |id: &str, kind: &'static str| EventRow {
        id: id.into(),
        recommendation: format!("answer {id}"),
        kind,
        item: "b".into(),
        replaced: Some("a".into()),
        dismissed_by: None,
    };
    let events = [event("1", EventRow::ACCEPTED), event("2", EventRow::REJECTED), event("1", EventRow::ACCEPTED)];
    let put = store.put_events("shops", &events).await.unwrap();
    assert_eq!(put.new, 2, "the same event counts once");
    let taken = store.replacements_after("shops", 0).await.unwrap();
    let counts =
        |accepted, rejected| [ReplacementRow { item: "a".into(), replacement: "b".into(), accepted, rejected }];
    assert_eq!(taken, counts(1, 1));
    store.put_events("shops", &[event("3", EventRow::ACCEPTED)]).await.unwrap();
    assert_eq!(store.replacements_after("shops", put.replacements.unwrap()).await.unwrap(), counts(2, 1));
}

/// Concurrent pushes: none is lost, in any order.
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
async fn on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("state.sqlite").display());
    keeps_its_promises(&url).await;
    keys_who_was_erased(&url).await;
    takes_pushes_side_by_side(&url).await;
    follows_stores(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    keeps_its_promises(&cluster.url()).await;
    takes_pushes_side_by_side(&cluster.url()).await;
    follows_stores(&cluster.url()).await;
    news_arrive_within_a_second(&cluster.url()).await;
    keys_who_was_erased(&cluster.url()).await;
}

/// Customers erased before there was a secret are recognised with the secret from then on, and not without it.
async fn keys_who_was_erased(url: &str) {
    let plain = |id: &str| blake3::hash(id.as_bytes());
    let before = Store::open(url).await.unwrap();
    before.erase("keyed", &plain("anna")).await.unwrap();
    let secret = Arc::new(Secret::new("of this shop"));
    let store = Store::open(url).await.unwrap().with_secret(secret.clone());
    store.identity().await.unwrap();
    let of = |id: &str| secret.customer(&plain(id));
    for _ in 0..2 {
        assert_eq!(store.erased("keyed").await.unwrap(), [of("anna")]);
    }
    assert_eq!(before.erased("keyed").await.unwrap(), [of("anna")], "the database has nothing else any more");
    store.erase("keyed", &of("bert")).await.unwrap();
    let mut both = store.erased("keyed").await.unwrap();
    both.sort_by_key(|hash| *hash.as_bytes());
    let mut expected = [of("anna"), of("bert")];
    expected.sort_by_key(|hash| *hash.as_bytes());
    assert_eq!(both, expected);
    for other in [Secret::new("of another"), Secret::default()] {
        let other = Store::open(url).await.unwrap().with_secret(Arc::new(other));
        assert!(matches!(other.identity().await, Err(StoreError::Secret)));
    }
}

/// The address moves to another server. The old one, to which connections are still open, becomes read-only or stops
/// responding.
async fn follows_the_address(leave: fn(&Cluster)) {
    let Some(old) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let address = folder.path().join("primary");
    std::os::unix::fs::symlink(old.socket(), &address).unwrap();
    drop(Store::open(&postgres::url(&address)).await.unwrap());
    let new = old.twin();
    let store = Store::open(&postgres::url(&address)).await.unwrap();
    let push = |sequence: i64| {
        let store = store.clone();
        async move { store.put_stock("de", &[row("a", sequence % 2 == 0, sequence)]).await }
    };
    // Opens several connections.
    let pushes = tokio::join!(push(1), push(2), push(3), push(4), push(5), push(6));
    assert!([pushes.0, pushes.1, pushes.2, pushes.3, pushes.4, pushes.5].iter().all(Result::is_ok));
    // For a moment after they are made, connections are trusted without a check.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    leave(&old);
    std::fs::remove_file(&address).unwrap();
    std::os::unix::fs::symlink(new.socket(), &address).unwrap();
    let pushed = push(7).await;
    old.signal("CONT");
    assert_eq!(pushed.unwrap().accepted, 1);
    assert_eq!(stock(&store, "de", 0).await, BTreeMap::from([("a".to_owned(), (false, 7))]));
    let there = Store::open(&new.url()).await.unwrap();
    assert_eq!(stock(&there, "de", 0).await, BTreeMap::from([("a".to_owned(), (false, 7))]));
}

#[tokio::test]
async fn a_switch_over_is_followed() {
    follows_the_address(Cluster::only_reads).await;
}

#[tokio::test]
async fn a_server_that_is_silent_is_left() {
    follows_the_address(|old| old.signal("STOP")).await;
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
    for url in ["mysql://shop:s3cret@host/x", "POSTGRES-s3cret", "s3cret", "http://s3cret"] {
        let said = open(url).await;
        assert!(
            said.contains("server.state") && said.contains("postgres://user:password@") && !said.contains("s3cret"),
            "{said}"
        );
    }
    let said = open("postgres://shop:s3cret@host/x?sslmode=verify-full&sslrootcert=/no/such/ca.pem").await;
    assert!(said.contains("`sslrootcert`") && said.contains("/no/such/ca.pem") && !said.contains("s3cret"), "{said}");
    assert!(open("sqlite:/no/such/folder/state.sqlite").await.contains("server.state"));
}

/// The expected state after pushes in any order: the update with the highest sequence.
fn expected(pushes: &[Vec<(u8, i64)>]) -> BTreeMap<String, (bool, i64)> {
    let mut known: BTreeMap<String, (bool, i64)> = BTreeMap::new();
    for &(item, sequence) in pushes.iter().flatten() {
        let word = known.entry(format!("i{item}")).or_insert((word(item, sequence), sequence));
        if sequence > word.1 {
            *word = (self::word(item, sequence), sequence);
        }
    }
    known
}

/// The same sequence always has the same value.
fn word(item: u8, sequence: i64) -> bool {
    (i64::from(item) + sequence) % 2 == 0
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn duplicated_reordered_and_concurrent_pushes_end_alike(
        pushes in proptest::collection::vec(proptest::collection::vec((0u8..4, 0i64..20), 1..6), 1..12),
        again in proptest::collection::vec(proptest::prelude::any::<proptest::sample::Index>(), 0..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("state.sqlite").display());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        let kept = runtime.block_on(async {
            let store = Store::open(&url).await.unwrap();
            let twice = again.iter().map(|index| index.get(&pushes)).chain(&pushes);
            let running: Vec<_> = twice
                .map(|push| {
                    let rows: Vec<StockRow> =
                        push.iter().map(|&(item, sequence)| row(&format!("i{item}"), word(item, sequence), sequence)).collect();
                    let store = store.clone();
                    tokio::spawn(async move { store.put_stock("de", &rows).await.unwrap() })
                })
                .collect();
            for push in running {
                push.await.unwrap();
            }
            stock(&store, "de", 0).await
        });
        proptest::prop_assert_eq!(kept, expected(&pushes));
    }
}
