use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::watch::{self, Receiver};

use super::keys::Keys;
use super::router::{admin_router, router};
use crate::config::ServerConfig;
use crate::live::{self, Keeper};

/// What is in flight when the process is told to stop has this long to finish.
const DRAIN: Duration = Duration::from_secs(10);

/// Metrics drop samples that nobody scrapes only when told to.
const UPKEEP: Duration = Duration::from_secs(5);

/// The addresses in use: where a port of 0 was asked for, these say which it became.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// The API's.
    pub api: SocketAddr,
    /// That of metrics, health and administration.
    pub admin: SocketAddr,
}

/// Opens the models and answers until the process is told to stop; then finishes what is in flight.
///
/// `on_ready` is called when the API listens and every model that could be opened is in service.
///
/// # Errors
/// If an address can't be bound.
pub async fn serve(
    config: &ServerConfig,
    keeper: Arc<Keeper>,
    metrics: PrometheusHandle,
    on_ready: impl AsyncFnOnce(&Keeper, Listening),
) -> anyhow::Result<()> {
    config.check()?;
    let keys = Arc::new(Keys::new(&config.keys).map_err(anyhow::Error::msg)?);
    let markets = keeper.markets().clone();
    let api = bind("server.listen", config.listen).await?;
    let admin = bind("server.admin_listen", config.admin_listen).await?;
    let listening = Listening { api: api.local_addr()?, admin: admin.local_addr()? };
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        signal().await;
        tracing::info!("stopping: no new connections, what is in flight is finished");
        let _ = stop.send(true);
    });
    let upkeep = {
        let metrics = metrics.clone();
        async move {
            let mut ticks = tokio::time::interval(UPKEEP);
            loop {
                ticks.tick().await;
                metrics.run_upkeep();
            }
        }
    };
    tokio::spawn(upkeep);
    let admin = {
        let router = admin_router(keeper.clone(), keys.clone(), metrics);
        let stopped = until(stopped.clone());
        tokio::spawn(async move { axum::serve(admin, router).with_graceful_shutdown(stopped).await })
    };
    let first = markets.clone();
    tokio::task::spawn_blocking(move || first.refresh()).await?;
    tokio::spawn(live::watch(markets.clone(), Duration::from_millis(config.reload_milliseconds.max(1))));
    tokio::spawn(keeper.clone().follow());
    on_ready(&keeper, listening).await;
    let api = axum::serve(api, router(keeper, keys)).with_graceful_shutdown(until(stopped.clone()));
    let both = async {
        api.await?;
        admin.await?
    };
    tokio::select! {
        ended = both => ended?,
        () = async { until(stopped).await; tokio::time::sleep(DRAIN).await } => {
            tracing::warn!("some requests were still in flight after {} seconds", DRAIN.as_secs());
        }
    }
    Ok(())
}

async fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; set {key} to another address"))
}

async fn until(mut stopped: Receiver<bool>) {
    // An error means that nobody can say stop any more.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
