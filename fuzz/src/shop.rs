//! A service of the small model that the artefact's tests keep.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt;
use trolley::api::{ApiState, router};
use trolley::exposures::Exposures;
use trolley::live::{StateSync, Markets};
use trolley::store::Store;
use trolley_model::artefact::ModelRegistry;

pub struct Shop {
    runtime: tokio::runtime::Runtime,
    router: Router,
    _folder: tempfile::TempDir,
}

impl Shop {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/fixtures/format-3");
        let markets = Arc::new(Markets::new(ModelRegistry::new(models), []));
        markets.look();
        markets.open();
        assert!(markets.ready());
        let url = format!("sqlite:{}", folder.path().join("state.sqlite").display());
        let state_sync = runtime.block_on(async {
            StateSync::new(Store::open(&url).await.unwrap(), markets, Exposures::default()).await.unwrap()
        });
        Self { runtime, router: router(ApiState::new(Arc::new(state_sync))), _folder: folder }
    }

    /// Whatever is asked, the answer is no 5xx: a panic in a handler would be one too.
    pub fn ask(&self, request: Request<Body>) {
        let response = self.runtime.block_on(self.router.clone().oneshot(request)).unwrap();
        assert!(response.status().as_u16() < 500, "{}", response.status());
    }
}
