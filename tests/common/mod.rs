//! A tiny shop, really trained, behind the real router.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test file that shares this module uses a part of it"
)]

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use trolley::exposures::Exposures;
use trolley::live::{Markets, Policy, StateSync};
use trolley::store::Store;
use trolley_model::Name;
use trolley_model::artefact::{Manifest, ModelRegistry};
use trolley_training::{Accept, InputConfig, Silent, TrainingConfig, TrainingJob};

/// Bread with butter, tea with "ginger/lemon ü%", and two brands of milk that are never bought together.
pub(crate) fn transactions() -> String {
    let mut lines = String::from("basket_id,item_id,timestamp,customer_id\n");
    for basket in 0..120 {
        let customer = ["anna", "bert", "cleo"][basket % 3];
        let milk = if basket % 2 == 0 { "milk-a" } else { "milk-b" };
        let other: &[&str] = if basket % 4 == 0 { &["tea", "ginger/lemon ü%"] } else { &["bread", "butter"] };
        for item in other.iter().chain([&milk]) {
            writeln!(lines, "{basket},{item},2024-03-{:02},{customer}", 1 + basket / 5).unwrap();
        }
    }
    lines.push_str("999,rare,2024-03-01,bert\n");
    lines
}

pub(crate) const ITEMS: &str = "item_id,category,name\nmilk-a,dairy,Milk A\nmilk-b,dairy,Milk B\nbutter,dairy,Butter\n\
    bread,bakery,Bread\ntea,drinks,Tea\nnew-milk,dairy,New milk\n";

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Trains the tiny shop and publishes it under `folder/models`.
pub(crate) fn train(folder: &Path, market: &str, time: i64) -> Manifest {
    train_on(folder, market, time, &transactions())
}

/// Trains the tiny shop on other transactions, and publishes it.
pub(crate) fn train_on(folder: &Path, market: &str, time: i64, transactions: &str) -> Manifest {
    std::fs::write(folder.join("t.csv"), transactions).unwrap();
    std::fs::write(folder.join("i.csv"), ITEMS).unwrap();
    let input: InputConfig = serde_json::from_value(serde_json::json!({
        "transactions": folder.join("t.csv"), "items": folder.join("i.csv")
    }))
    .unwrap();
    train_with(folder, &name(market), time, &input, &TrainingConfig::default())
}

/// Trains and publishes any shop with any config.
pub(crate) fn train_with(
    folder: &Path,
    market: &Name,
    time: i64,
    input: &InputConfig,
    config: &TrainingConfig,
) -> Manifest {
    let job = TrainingJob {
        erased: &|_| false,
        market,
        input,
        config,
        registry: &ModelRegistry::new(folder.join("models")),
        rejects: folder.join("rejects.csv"),
        now: chrono::DateTime::from_timestamp(time, 0).unwrap(),
        latest: chrono::DateTime::<chrono::Utc>::MAX_UTC,
        pushed: &[],
        threads: 1,
        accept: Accept { smaller: true, unjudged: true },
        force: false,
    };
    trolley_training::train(&job, &Silent).unwrap().manifest.unwrap()
}

/// The config file of a service for the tiny shop, which is trained here; `more` are keys of `[server]`.
pub(crate) fn serving(folder: &Path, more: &str) -> String {
    train(folder, "de", 1_710_000_000);
    let path = folder.join("trolley.toml");
    let text = format!(
        "models = \"{folder}/models\"\n[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
         state = \"sqlite:{folder}/state.sqlite\"\n{more}",
        folder = folder.display()
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A service with the market `de`, which has a model, and `empty`, which has none.
pub(crate) struct Service {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) markets: Arc<Markets>,
    pub(crate) state_sync: Arc<StateSync>,
    pub(crate) router: Router,
}

impl Service {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        train(folder.path(), "de", 1_710_000_000);
        let url = format!("sqlite:{}", folder.path().join("state.sqlite").display());
        Self::started(folder, &url).await
    }

    /// The same service after a restart.
    pub(crate) async fn restarted(self) -> Self {
        let url = format!("sqlite:{}", self.folder.path().join("state.sqlite").display());
        Self::started(self.folder, &url).await
    }

    /// A service with the models of a folder and its state in a database.
    pub(crate) async fn started(folder: tempfile::TempDir, url: &str) -> Self {
        let markets =
            Markets::new(ModelRegistry::new(folder.path().join("models")), [(name("empty"), Policy::default())]);
        Self::of(folder, url, markets).await
    }

    /// A service whose market `de` has these settings.
    pub(crate) async fn configured(sensitive: Value, new: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        train(folder.path(), "de", 1_710_000_000);
        let url = format!("sqlite:{}", folder.path().join("state.sqlite").display());
        let policy = Policy { sensitive: serde_json::from_value(sensitive).unwrap(), ..Policy::default() };
        let markets =
            Markets::new(ModelRegistry::new(folder.path().join("models")), [(name("de"), policy)]).with_new(new);
        Self::of(folder, &url, markets).await
    }

    async fn of(folder: tempfile::TempDir, url: &str, markets: Markets) -> Self {
        let markets = Arc::new(markets);
        let store = Store::open(url).await.unwrap();
        let state_sync = Arc::new(StateSync::new(store, markets.clone(), Exposures::default()).await.unwrap());
        state_sync.refresh().await;
        let router = trolley::api::router(trolley::api::ApiState::new(state_sync.clone()));
        Self { folder, markets, state_sync, router }
    }

    /// Status, content type and body.
    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, String, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let kind = response.headers().get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap().to_owned());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, kind.unwrap_or_default(), serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let (status, _, body) = self.send(Request::get(path).body(Body::empty()).unwrap()).await;
        (status, body)
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        let (status, _, body) = self.send(request.body(Body::from(body.to_owned())).unwrap()).await;
        (status, body)
    }

    /// The IDs of the items of an answer, which must be successful.
    pub(crate) async fn ids(&self, path: &str) -> Vec<String> {
        let (status, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        ids(&body)
    }
}

pub(crate) fn ids(body: &Value) -> Vec<String> {
    let items = body["items"].as_array().expect("an answer has items");
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}
