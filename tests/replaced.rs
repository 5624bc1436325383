//! The database file is replaced while the service runs: a backup is restored, or the file is moved, deleted or linked
//! elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use common::Service;
use serde_json::json;
use sqlx::{Connection, Executor};

const BREAD: &str = "/v1/markets/de/items/bread/bought-together?limit=6";

/// The database file of a service.
fn file(service: &Service) -> PathBuf {
    service.folder.path().join("state.sqlite")
}

async fn out_of_stock(service: &Service, item: &str, sequence: u64) -> StatusCode {
    let body = json!({ "updates": [{ "item": item, "in_stock": false, "sequence": sequence }] }).to_string();
    service.json("PUT", "/v1/markets/de/stock", &body).await.0
}

async fn push_offer(service: &Service, id: &str) -> StatusCode {
    let body = json!({ "offers": [{ "id": id, "items": ["tea"] }] }).to_string();
    service.json("PUT", "/v1/markets/de/offers", &body).await.0
}

/// The items that are out of stock, and the active offers.
async fn known(service: &Service) -> (Vec<&'static str>, Vec<String>) {
    let shown = service.ids(BREAD).await;
    let gone = ["butter", "milk-a", "milk-b", "tea"].into_iter().filter(|item| !shown.contains(&(*item).to_owned()));
    (gone.collect(), service.ids("/v1/markets/de/customers/bert/offers").await)
}

/// A service with butter out of stock and an offer, a backup of its file at that time, and later pushes.
async fn with_a_backup() -> (Service, PathBuf) {
    let service = Service::new().await;
    assert_eq!(out_of_stock(&service, "butter", 1).await, StatusCode::OK);
    assert_eq!(push_offer(&service, "first").await, StatusCode::OK);
    let backup = service.folder.path().join("backup.sqlite");
    std::fs::copy(file(&service), &backup).unwrap();
    assert_eq!(out_of_stock(&service, "milk-a", 2).await, StatusCode::OK);
    assert_eq!(push_offer(&service, "second").await, StatusCode::OK);
    assert_eq!(known(&service).await, (vec!["butter", "milk-a"], vec!["second".to_owned()]));
    (service, backup)
}

/// After the backup was put in place: pushes go to it, and memory, file and the next start agree.
async fn agrees_with_the_backup(service: Service) {
    assert_eq!(out_of_stock(&service, "milk-b", 3).await, StatusCode::OK);
    let expected = (vec!["butter", "milk-b"], vec!["first".to_owned()]);
    assert_eq!(known(&service).await, expected, "the next answer is of the file that is there");
    assert_eq!(out_of_stock(&service, "milk-b", 3).await, StatusCode::OK);
    assert_eq!(known(&service.restarted().await).await, expected, "and so is the next start");
}

#[tokio::test]
async fn a_backup_is_moved_over_the_file() {
    let (service, backup) = with_a_backup().await;
    std::fs::rename(backup, file(&service)).unwrap();
    agrees_with_the_backup(service).await;
}

/// A copy over the file keeps the inode and changes the content.
#[tokio::test]
async fn a_backup_is_copied_over_the_file() {
    let (service, backup) = with_a_backup().await;
    std::fs::copy(backup, file(&service)).unwrap();
    agrees_with_the_backup(service).await;
}

/// If only the stock has changed, the service knows no other number that would show it without a query.
#[tokio::test]
async fn only_the_stock_changed_since_the_backup() {
    let service = Service::new().await;
    assert_eq!(out_of_stock(&service, "butter", 1).await, StatusCode::OK);
    let backup = service.folder.path().join("backup.sqlite");
    std::fs::copy(file(&service), &backup).unwrap();
    assert_eq!(out_of_stock(&service, "milk-a", 2).await, StatusCode::OK);
    std::fs::copy(backup, file(&service)).unwrap();
    assert_eq!(out_of_stock(&service, "milk-b", 3).await, StatusCode::OK);
    assert_eq!(known(&service).await.0, ["butter", "milk-b"]);
}

/// A restored database is also noticed without a push. Others have pushed to it before this replica polls again, so all
/// its version numbers are higher than the known ones.
#[tokio::test]
async fn a_database_that_went_back_and_on_is_known_by_the_change_that_it_lacks() {
    let (service, _) = with_a_backup().await;
    service.state_sync.catch_up().await.unwrap();
    let mut database = sqlx::SqliteConnection::connect(&format!("sqlite:{}", file(&service).display())).await.unwrap();
    database
        .execute(
            "BEGIN; \
             DELETE FROM stock WHERE item = 'milk-a'; \
             DELETE FROM lineage WHERE kind = 'stock' AND version = (SELECT version FROM versions WHERE kind = 'stock'); \
             UPDATE versions SET version = version + 1 WHERE kind = 'stock'; \
             INSERT INTO lineage SELECT market, kind, version FROM versions WHERE kind = 'stock'; \
             INSERT INTO stock (market, item, in_stock, sequence, version) \
             SELECT market, 'milk-b', 0, 3, version FROM versions WHERE kind = 'stock'; \
             COMMIT;",
        )
        .await
        .unwrap();
    service.state_sync.catch_up().await.unwrap();
    assert_eq!(known(&service).await, (vec!["butter", "milk-b"], vec!["second".to_owned()]));
}

#[tokio::test]
async fn who_only_looks_notices_too() {
    let (service, backup) = with_a_backup().await;
    std::fs::rename(backup, file(&service)).unwrap();
    service.state_sync.catch_up().await.unwrap();
    assert_eq!(known(&service).await, (vec!["butter"], vec!["first".to_owned()]));
}

#[tokio::test]
async fn a_file_that_is_gone_takes_no_push_until_one_is_there() {
    let (service, backup) = with_a_backup().await;
    let aside = service.folder.path().join("aside.sqlite");
    std::fs::rename(file(&service), &aside).unwrap();
    let body = json!({ "updates": [{ "item": "milk-b", "in_stock": false, "sequence": 9 }] }).to_string();
    let request = Request::put("/v1/markets/de/stock").header(header::CONTENT_TYPE, "application/json");
    let (status, kind, problem) = service.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!((status, kind.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "application/problem+json"), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("push again"), "{problem}");
    assert_eq!(service.json("DELETE", "/v1/markets/de/customers/anna", "").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(push_offer(&service, "third").await, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!file(&service).exists(), "an empty one would have forgotten who was erased");
    assert_eq!(known(&service).await, (vec!["butter", "milk-a"], vec!["second".to_owned()]), "answers go on");
    std::fs::rename(&aside, file(&service)).unwrap();
    assert_eq!(out_of_stock(&service, "tea", 9).await, StatusCode::OK, "its own file, back again");
    assert_eq!(known(&service).await.0, ["butter", "milk-a", "tea"]);
    std::fs::remove_file(file(&service)).unwrap();
    assert_eq!(push_offer(&service, "third").await, StatusCode::SERVICE_UNAVAILABLE);
    std::fs::rename(backup, file(&service)).unwrap();
    agrees_with_the_backup(service).await;
}

/// A service whose database is `name`, with butter out of stock.
async fn service_at(name: &str, prepare: impl FnOnce(&Path)) -> Service {
    let folder = tempfile::tempdir().unwrap();
    common::train(folder.path(), "de", 1_710_000_000);
    prepare(folder.path());
    let url = format!("sqlite:{}", folder.path().join(name).display());
    let service = Service::started(folder, &url).await;
    assert_eq!(out_of_stock(&service, "butter", 1).await, StatusCode::OK);
    service
}

/// The content of a database file, as a service that starts with it reports it.
async fn in_file(path: &Path) -> (Vec<&'static str>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    common::train(folder.path(), "de", 1_710_000_000);
    known(&Service::started(folder, &format!("sqlite:{}", path.display())).await).await
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_is_turned_to_another_file() {
    use std::os::unix::fs::symlink;
    let service = service_at("link.sqlite", |folder| {
        std::fs::write(folder.join("one.sqlite"), "").unwrap();
        symlink(folder.join("one.sqlite"), folder.join("link.sqlite")).unwrap();
    })
    .await;
    let at = |name: &str| service.folder.path().join(name);
    std::fs::write(at("two.sqlite"), "").unwrap();
    symlink(at("two.sqlite"), at("new-link")).unwrap();
    std::fs::rename(at("new-link"), at("link.sqlite")).unwrap();
    assert_eq!(out_of_stock(&service, "tea", 1).await, StatusCode::OK);
    assert_eq!(known(&service).await.0, ["tea"], "another database, another state");
    assert_eq!(in_file(&at("two.sqlite")).await.0, ["tea"]);
    assert_eq!(in_file(&at("one.sqlite")).await.0, ["butter"]);
}

#[tokio::test]
async fn the_folder_is_replaced() {
    let service = service_at("state/db.sqlite", |folder| std::fs::create_dir(folder.join("state")).unwrap()).await;
    let at = |name: &str| service.folder.path().join(name);
    std::fs::rename(at("state"), at("old")).unwrap();
    assert_eq!(out_of_stock(&service, "tea", 1).await, StatusCode::SERVICE_UNAVAILABLE);
    std::fs::create_dir(at("state")).unwrap();
    assert_eq!(out_of_stock(&service, "tea", 1).await, StatusCode::SERVICE_UNAVAILABLE);
    std::fs::copy(at("old/db.sqlite"), at("state/db.sqlite")).unwrap();
    assert_eq!(out_of_stock(&service, "tea", 1).await, StatusCode::OK);
    assert_eq!(known(&service).await.0, ["butter", "tea"]);
    assert_eq!(
        (in_file(&at("old/db.sqlite")).await.0, in_file(&at("state/db.sqlite")).await.0),
        (vec!["butter"], vec!["butter", "tea"])
    );
}

/// A backup does not contain later erasures; the service keeps them.
#[tokio::test]
async fn who_was_erased_since_the_backup_stays_erased() {
    let (service, backup) = with_a_backup().await;
    let of_anna = format!("{BREAD}&customer=anna");
    let (before, nobody) =
        (service.get(&of_anna).await.1["items"].clone(), service.get(BREAD).await.1["items"].clone());
    assert_ne!(before, nobody);
    assert_eq!(service.json("DELETE", "/v1/markets/de/customers/anna", "").await.0, StatusCode::OK);
    std::fs::rename(backup, file(&service)).unwrap();
    service.state_sync.catch_up().await.unwrap();
    let same = async |service: &Service| service.get(&of_anna).await.1["items"] == service.get(BREAD).await.1["items"];
    assert!(same(&service).await);
    let service = service.restarted().await;
    assert!(same(&service).await, "it was written into the file that was put back");
    assert_eq!(known(&service).await.0, ["butter"]);
}
