//! Pushed baskets and dismissed items in the database, on SQLite and on PostgreSQL.

use std::time::Duration;

use crate::postgres::Cluster;
use sqlx::{Connection, Executor};
use trolley::store::{
    BasketLine, BasketRow, BasketsPut, DismissalRow, EventRow, EventsPut, Kind, Shopper, Store, StoredBasket,
};

fn shopper(id: &str) -> Shopper {
    Shopper { id: id.into(), hash: blake3::hash(id.as_bytes()) }
}

fn line(item: &str, quantity: Option<f64>, price: Option<f64>) -> BasketLine {
    BasketLine { item: item.into(), quantity, price }
}

fn basket(id: &str, customer: Option<&str>, bought: i64) -> BasketRow {
    let lines = vec![line("milk", Some(2.0), Some(1.25)), line("bread", None, None)];
    BasketRow { id: id.into(), shopper: customer.map(shopper), bought, lines }
}

/// The basket that is expected in the database.
fn stored(row: &BasketRow, version: i64) -> StoredBasket {
    let customer = row.shopper.as_ref().map(|shopper| shopper.id.clone());
    let (id, lines) = (row.id.clone(), row.lines.clone());
    StoredBasket { id, customer, bought: row.bought, lines, cancelled: false, version }
}

fn anonymous(row: &BasketRow, version: i64) -> StoredBasket {
    StoredBasket { customer: None, ..stored(row, version) }
}

fn cancelled(id: &str, bought: i64, version: i64) -> StoredBasket {
    StoredBasket { id: id.into(), customer: None, bought, lines: Vec::new(), cancelled: true, version }
}

async fn after(store: &Store, market: &str, version: i64) -> Vec<StoredBasket> {
    let mut baskets = Vec::new();
    let mut pages = store.baskets_after(market, version);
    while let Some(page) = pages.next().await.unwrap() {
        baskets.extend(page);
    }
    baskets
}

async fn last(store: &Store, market: &str, kind: Kind) -> Option<i64> {
    let versions = store.versions().await.unwrap();
    versions.into_iter().find(|known| known.0 == market && known.1 == kind).map(|known| known.2)
}

/// Each ID counts once, in the order of the changes, and other replicas see what is stored and cancelled.
async fn counts_each_basket_once(url: &str) {
    let (store, other) = (Store::open(url).await.unwrap(), Store::open(url).await.unwrap());
    let (first, second) = (basket("1", Some("anna"), 100), basket("2", None, 50));
    let changed = BasketRow { lines: vec![line("beer", None, None)], ..basket("1", Some("bert"), 7) };
    let put = store.put_baskets("de", &[first.clone(), second.clone(), changed.clone()]).await.unwrap();
    let one = put.version.unwrap();
    assert_eq!(
        put,
        BasketsPut { version: Some(one), previous: 0, new: vec!["1".into(), "2".into()], anonymous: Vec::new() }
    );
    let both = [stored(&first, one), stored(&second, one)];
    assert_eq!(after(&store, "de", 0).await, both);
    assert_eq!(after(&other, "de", 0).await, both, "another replica");
    assert_eq!(after(&store, "de", one).await, []);

    assert_eq!(other.put_baskets("de", &[changed.clone(), second]).await.unwrap(), BasketsPut::default());
    assert_eq!(last(&store, "de", Kind::Baskets).await, Some(one), "nothing new is no change");
    assert_eq!(store.put_baskets("fr", &[changed]).await.unwrap().new, ["1"], "markets do not meet");
    let third = basket("3", Some("anna"), 10);
    let put = other.put_baskets("de", &[first, third.clone()]).await.unwrap();
    let two = put.version.unwrap();
    assert_eq!((two > one, put.previous, put.new), (true, one, vec!["3".to_owned()]));
    assert_eq!(after(&store, "de", one).await, [stored(&third, two)], "what came later");

    let three = store.cancel_basket("de", "1").await.unwrap().unwrap();
    assert!(three > two && last(&other, "de", Kind::Baskets).await == Some(three));
    assert_eq!(
        after(&other, "de", two).await,
        [StoredBasket { customer: Some("anna".into()), ..cancelled("1", 100, three) }]
    );
    assert_eq!(after(&other, "fr", 0).await.len(), 1);
    assert_eq!(other.cancel_basket("de", "1").await.unwrap(), None, "it is cancelled already");
    assert_eq!(last(&store, "de", Kind::Baskets).await, Some(three));
    assert_eq!(store.put_baskets("de", &[basket("1", Some("anna"), 100)]).await.unwrap(), BasketsPut::default());
    let order: Vec<String> = after(&store, "de", 0).await.into_iter().map(|basket| basket.id).collect();
    assert_eq!(order, ["2", "3", "1"]);
    assert!(store.remembers("de", Kind::Baskets, one).await.unwrap());

    let began = chrono::Utc::now().timestamp();
    let four = store.cancel_basket("de", "late").await.unwrap().unwrap();
    let there = after(&store, "de", three).await;
    assert!((began - 60..began + 60).contains(&there[0].bought), "{there:?}");
    assert_eq!(there, [cancelled("late", there[0].bought, four)]);
    let put = store.put_baskets("de", &[basket("late", Some("anna"), 5), basket("4", None, 6)]).await.unwrap();
    assert_eq!(put.new, ["4"], "it stays cancelled");
    assert_eq!(after(&store, "de", three).await[0], there[0]);
}

/// A push larger than what is read at a time.
async fn reads_all_pages(url: &str) {
    let store = Store::open(url).await.unwrap();
    let rows: Vec<BasketRow> = (0..12_000).map(|row| basket(&format!("{row}"), None, row)).collect();
    let mut ids = store.put_baskets("pages", &rows[..11_000]).await.unwrap().new;
    assert_eq!(ids.len(), 11_000);
    ids.sort();
    for rows in rows[11_000..].chunks(500) {
        let mut new = store.put_baskets("pages", rows).await.unwrap().new;
        new.sort();
        ids.extend(new);
    }
    let mut read = after(&store, "pages", 0).await;
    assert!(read.is_sorted_by_key(|basket| basket.version));
    read.sort_by(|a, b| (a.version, &a.id).cmp(&(b.version, &b.id)));
    let read: Vec<String> = read.into_iter().map(|basket| basket.id).collect();
    assert!(read == ids, "{} of {}", read.len(), ids.len());
}

fn event(id: &str, customer: Option<&str>, item: &str) -> EventRow {
    let (id, recommendation, item) = (id.into(), "answer".into(), item.into());
    EventRow {
        id,
        recommendation,
        kind: EventRow::DISMISSED,
        item,
        replaced: None,
        dismissed_by: customer.map(shopper),
    }
}

async fn dismissed(store: &Store, market: &str, after: i64) -> Vec<(String, String)> {
    let began = chrono::Utc::now().timestamp();
    let mut said = Vec::new();
    for DismissalRow { customer, item, received } in store.dismissals_after(market, after).await.unwrap() {
        assert!((began - 60..began + 60).contains(&received), "{received}");
        said.push((customer, item));
    }
    said.sort();
    said
}

async fn keeps_dismissals(url: &str) {
    let (store, other) = (Store::open(url).await.unwrap(), Store::open(url).await.unwrap());
    let of = |customer: &str, item: &str| (customer.to_owned(), item.to_owned());
    let put = store.put_events("dismissals", &[event("1", None, "beer")]).await.unwrap();
    assert_eq!(put, EventsPut { new: 1, replacements: None, dismissals: None }, "of nobody");
    assert_eq!(last(&store, "dismissals", Kind::Dismissals).await, None);

    let events = [
        event("2", Some("anna"), "beer"),
        event("3", Some("anna"), "beer"),
        event("4", Some("bert"), "beer"),
        event("2", Some("carl"), "wine"),
    ];
    let put = store.put_events("dismissals", &events).await.unwrap();
    let one = put.dismissals.unwrap();
    assert_eq!(put.new, 3, "the first of an ID counts");
    assert_eq!(last(&other, "dismissals", Kind::Dismissals).await, Some(one));
    assert_eq!(dismissed(&other, "dismissals", 0).await, [of("anna", "beer"), of("bert", "beer")]);
    let put = other.put_events("dismissals", &events).await.unwrap();
    assert_eq!(put, EventsPut::default(), "known already");

    let two = other.put_events("dismissals", &[event("5", Some("anna"), "wine")]).await.unwrap().dismissals.unwrap();
    assert!(two > one);
    assert_eq!(dismissed(&store, "dismissals", one).await, [of("anna", "wine")]);
    other.put_events("dismissals", &[event("6", Some("bert"), "beer")]).await.unwrap();
    assert_eq!(dismissed(&store, "dismissals", two).await, [of("bert", "beer")], "said again");
    assert_eq!(dismissed(&store, "dismissals", 0).await.len(), 3);
}

/// Nothing of an erased customer stays, and nothing comes back.
async fn forgets_who_was_erased(url: &str) {
    let (store, other) = (Store::open(url).await.unwrap(), Store::open(url).await.unwrap());
    let rows = [basket("1", Some("anna"), 1), basket("2", Some("bert"), 2), basket("3", None, 3)];
    let one = store.put_baskets("erased", &rows).await.unwrap().version.unwrap();
    store.put_baskets("elsewhere", &rows).await.unwrap();
    let events = [event("1", Some("anna"), "beer"), event("2", Some("bert"), "beer")];
    for market in ["erased", "elsewhere"] {
        assert!(store.put_events(market, &events).await.unwrap().dismissals.is_some());
    }
    let before = last(&store, "erased", Kind::Baskets).await;
    other.erase("erased", &shopper("anna").hash).await.unwrap();
    assert!(last(&store, "erased", Kind::Baskets).await > before);
    assert_eq!(after(&store, "erased", 0).await, [stored(&rows[1], one), stored(&rows[2], one)]);
    assert_eq!(dismissed(&store, "erased", 0).await, [("bert".to_owned(), "beer".to_owned())]);
    assert_eq!((after(&store, "elsewhere", 0).await.len(), dismissed(&store, "elsewhere", 0).await.len()), (3, 2));

    // The one that was deleted may come again.
    let late = [basket("4", Some("anna"), 4), basket("5", Some("bert"), 5), rows[0].clone(), rows[1].clone()];
    let put = store.put_baskets("erased", &late).await.unwrap();
    let two = put.version.unwrap();
    let (mut nameless, mut new) = (put.anonymous, put.new);
    nameless.sort();
    new.sort();
    assert_eq!((nameless, new), (vec!["1".to_owned(), "4".into()], vec!["1".to_owned(), "4".into(), "5".into()]));
    let kept = [anonymous(&late[2], two), anonymous(&late[0], two), stored(&late[1], two)];
    assert_eq!(after(&store, "erased", one).await, kept);
    let put = store.put_events("erased", &[event("3", Some("anna"), "wine")]).await.unwrap();
    assert_eq!(put, EventsPut { new: 1, replacements: None, dismissals: None });
    let both = [event("4", Some("anna"), "rum"), event("5", Some("bert"), "rum")];
    assert!(store.put_events("erased", &both).await.unwrap().dismissals.is_some());
    let of_bert = ["beer", "rum"].map(|item| ("bert".to_owned(), item.to_owned()));
    assert_eq!(dismissed(&store, "erased", 0).await, of_bert);
    store.erase("erased", &shopper("anna").hash).await.unwrap();
    assert_eq!(after(&store, "erased", one).await, kept, "what has no customer stays");
    store.erase("elsewhere", &shopper("bert").hash).await.unwrap();
    assert_eq!(dismissed(&store, "erased", 0).await, of_bert);
}

/// Customers are erased while their baskets and dismissals are being pushed, by two replicas.
async fn erases_during_pushes(url: &str) {
    let stores = [Store::open(url).await.unwrap(), Store::open(url).await.unwrap()];
    let mut running = Vec::new();
    for round in 0..100 {
        let customer = format!("c{}", round / 4);
        let store = stores[round % 2].clone();
        running.push(tokio::spawn(async move {
            let rows: Vec<BasketRow> =
                (0..20).map(|row| basket(&format!("{round}-{row}"), Some(&customer), row)).collect();
            let events: Vec<EventRow> =
                (0..20).map(|row| event(&format!("{round}-{row}"), Some(&customer), &format!("i{row}"))).collect();
            let (baskets, events) = tokio::join!(store.put_baskets("busy", &rows), store.put_events("busy", &events));
            assert_eq!((baskets.unwrap().new.len(), events.unwrap().new), (20, 20));
        }));
        if round % 4 == 3 {
            let (store, customer) = (stores[1].clone(), shopper(&format!("c{}", round / 4)));
            running.push(tokio::spawn(async move {
                store.erase("busy", &customer.hash).await.unwrap();
            }));
        }
    }
    for task in running {
        task.await.unwrap();
    }
    let left = after(&stores[0], "busy", 0).await;
    assert!(left.iter().all(|basket| basket.customer.is_none()), "{}", left.len());
    assert_eq!(dismissed(&stores[0], "busy", 0).await, []);
}

/// On PostgreSQL, an erasure waits for a push that has taken its number, and a push for an erasure.
async fn erasures_and_pushes_wait(url: &str) {
    let store = Store::open(url).await.unwrap();
    let hash = |customer: &str| shopper(customer).hash.to_hex().to_string();
    // The other one, statement by statement.
    let begin = async |kind: &'static str| {
        let mut other = sqlx::PgConnection::connect(url).await.unwrap();
        other.execute("BEGIN").await.unwrap();
        let number = "INSERT INTO versions (market, kind, version) VALUES ('wait', $1, 1) \
                      ON CONFLICT (market, kind) DO UPDATE SET version = versions.version + 1";
        sqlx::query(number).bind(kind).execute(&mut other).await.unwrap();
        other
    };
    let pushes = [
        ("baskets", "INSERT INTO baskets VALUES ('wait', 'theirs', 'anna', $1, 1, 0, 1, 1, '[]')"),
        ("dismissals", "INSERT INTO dismissals VALUES ('wait', 'anna', $1, 'beer', 1, 1)"),
    ];
    for (kind, push) in pushes {
        let mut other = begin(kind).await;
        sqlx::query(push).bind(hash("anna")).execute(&mut other).await.unwrap();
        let erasing = store.clone();
        let erasing = tokio::spawn(async move { erasing.erase("wait", &shopper("anna").hash).await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!erasing.is_finished(), "{kind}");
        other.execute("COMMIT").await.unwrap();
        erasing.await.unwrap().unwrap();
        assert_eq!(after(&store, "wait", 0).await, []);
        assert!(store.dismissals_after("wait", 0).await.unwrap().is_empty());
    }
    for (kind, customer) in [("baskets", "bert"), ("dismissals", "carl")] {
        let mut other = begin(kind).await;
        let erase = "INSERT INTO erased (market, customer, version) VALUES ('wait', $1, 1)";
        sqlx::query(erase).bind(hash(customer)).execute(&mut other).await.unwrap();
        let pushing = store.clone();
        let pushing = tokio::spawn(async move {
            if kind == "baskets" {
                assert_eq!(
                    pushing.put_baskets("wait", &[basket("1", Some(customer), 1)]).await.unwrap().anonymous,
                    ["1"]
                );
            } else {
                let put = pushing.put_events("wait", &[event("1", Some(customer), "beer")]).await.unwrap();
                assert_eq!((put.new, put.dismissals), (1, None));
            }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!pushing.is_finished(), "{kind}");
        other.execute("COMMIT").await.unwrap();
        pushing.await.unwrap();
    }
    assert!(after(&store, "wait", 0).await.iter().all(|basket| basket.customer.is_none()));
    assert!(store.dismissals_after("wait", 0).await.unwrap().is_empty());
}

/// The oldest are deleted first, and not all at once.
async fn deletes_old_baskets(url: &str) {
    let (store, other) = (Store::open(url).await.unwrap(), Store::open(url).await.unwrap());
    let rows: Vec<BasketRow> = (0..10_100).rev().map(|row| basket(&format!("{row}"), Some("anna"), row)).collect();
    store.put_baskets("old", &rows).await.unwrap();
    store.put_baskets("older", &rows[..50]).await.unwrap();
    let version = last(&store, "old", Kind::Baskets).await;
    let bought = async || {
        let mut bought: Vec<i64> = after(&store, "old", 0).await.iter().map(|basket| basket.bought).collect();
        bought.sort_unstable();
        bought
    };
    assert_eq!(other.forget_baskets_before("old", 10_050).await.unwrap(), 10_000);
    assert_eq!(bought().await, (10_000..10_100).collect::<Vec<i64>>());
    assert_eq!(other.forget_baskets_before("old", 10_050).await.unwrap(), 50);
    assert_eq!(other.forget_baskets_before("old", 10_050).await.unwrap(), 0);
    assert_eq!(bought().await, (10_050..10_100).collect::<Vec<i64>>());
    assert_eq!(last(&store, "old", Kind::Baskets).await, version, "not a change");
    assert_eq!(after(&store, "older", 0).await.len(), 50, "another market");

    // This process has stored the same number, so it may delete as many more.
    assert_eq!(store.put_baskets("old", &rows).await.unwrap().new.len(), 10_050);
    assert_eq!(store.forget_baskets_before("old", i64::MAX).await.unwrap(), 10_100);
}

async fn keeps_its_promises(url: &str) {
    counts_each_basket_once(url).await;
    reads_all_pages(url).await;
    keeps_dismissals(url).await;
    forgets_who_was_erased(url).await;
    erases_during_pushes(url).await;
    deletes_old_baskets(url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("state.sqlite").display());
    keeps_its_promises(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    keeps_its_promises(&cluster.url()).await;
    erasures_and_pushes_wait(&cluster.url()).await;
}
