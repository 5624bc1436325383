//! The network side of the process: addresses, connections and their limits, TLS, start and stop.

mod admission;
mod connection_slots;
mod connections;
mod drain_body;
mod timeouts;
mod tls;
pub(super) mod unsent;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use sd_notify::NotifyState;
use tokio::net::TcpSocket;
use tokio::sync::watch::Receiver;

use crate::config::ServerConfig;
use crate::live::StateSync;
use admission::Admission;
use connections::Listener;
use timeouts::Timeouts;
use tls::Certificates;

use super::offers::OfferItems;
use super::{ApiState, Keys, admin_router, router};

/// Interval of metrics upkeep: without it, unscraped samples would accumulate.
const UPKEEP: Duration = Duration::from_secs(5);

/// Interval between checks of the certificate files.
const RENEWAL: Duration = Duration::from_secs(1);

/// The bound addresses, with the actual ports where port 0 was configured.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// The API's address.
    pub api: SocketAddr,
    /// The address of metrics, health and administration.
    pub admin: SocketAddr,
}

/// Opens the models and serves until the process is told to stop, then finishes requests in flight.
///
/// `on_ready` is called when the API listens and every model that could be opened is in service.
///
/// # Errors
/// If an address can't be bound, or a key or the certificate is invalid.
pub async fn serve(
    config: &ServerConfig,
    state_sync: Arc<StateSync>,
    metrics: PrometheusHandle,
    on_ready: impl AsyncFnOnce(&StateSync, Listening),
) -> anyhow::Result<()> {
    config.check()?;
    let keys = Arc::new(Keys::new(&config.keys).map_err(anyhow::Error::msg)?);
    let certificates = config.tls.as_ref().map(Certificates::read).transpose()?.map(Arc::new);
    let api = bind("server.listen", config.listen)?;
    let admin = bind("server.admin_listen", config.admin_listen)?;
    let listening = Listening { api: api.local_addr()?, admin: admin.local_addr()? };
    let admin = admin.listen(BACKLOG)?;
    let (stop, stopping) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        signal().await;
        tracing::info!("stopping: not ready from now on, what is in flight is finished");
        tell(&[NotifyState::Stopping]);
        let _ = stop.send(true);
    });
    tokio::spawn(every(UPKEEP, {
        let metrics = metrics.clone();
        move || metrics.run_upkeep()
    }));
    if let Some(certificates) = certificates.clone() {
        tokio::spawn(every(RENEWAL, move || certificates.renew()));
    }

    let admission = Arc::new(Admission::new(Duration::from_micros(config.admission_microseconds)));
    let seconds = |seconds: NonZeroU32| Duration::from_secs(seconds.get().into());
    let (client, request) = (seconds(config.client_seconds), seconds(config.request_seconds));
    let timeouts = Timeouts::new(seconds(config.idle_seconds), client, request);
    let (offer_items, admin_on_both) = (OfferItems(config.offer_items), config.admin_on_both);
    let service = ApiState {
        keys,
        offer_items,
        admin_on_both,
        stopping: stopping.clone(),
        longest: request,
        ..ApiState::new(state_sync.clone())
    };
    let listener = |listener, connections| Listener {
        listener,
        certificates: certificates.clone(),
        connections,
        timeouts,
        handshake_timeout: client,
        drain: seconds(config.drain_seconds),
        leaving: Duration::from_millis(config.leaving_milliseconds),
    };
    // The admin address has a limit of its own, so that operators get in however many API connections there are.
    let admin = {
        let routes = admin_router(service.clone(), metrics);
        tokio::spawn(listener(admin, ADMIN_CONNECTIONS).serve(routes, None, stopping.clone()))
    };
    check_files(config.connections);
    state_sync.refresh().await;
    tokio::spawn(state_sync.clone().watch(Duration::from_millis(config.reload_milliseconds.max(1))));
    tokio::spawn(state_sync.clone().follow());
    // Until here connections to the API are refused, so that clients go to another replica.
    let api = api.listen(BACKLOG)?;
    tell(&[NotifyState::Ready]);
    if let Some(interval) = sd_notify::watchdog_enabled() {
        tokio::spawn(every(interval / 2, || tell(&[NotifyState::Watchdog])));
    }
    on_ready(&state_sync, listening).await;
    listener(api, config.connections.max(1)).serve(router(service), Some(admission), stopping).await;
    admin.await?;
    Ok(())
}

/// Maximum number of connections to the admin address.
const ADMIN_CONNECTIONS: usize = 100;

/// Notifies systemd, if it asked for that. A runtime that hangs sends no watchdog message, and is restarted.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd could not be told");
    }
}

/// Warns if the limit of open files is below what the connections need.
fn check_files(connections: usize) {
    /// Files for models, the database, the log and the admin address.
    const OTHERS: u64 = 200;
    #[cfg(unix)]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let needed = connections as u64 + OTHERS;
        if let Some(limit) = limit.filter(|limit| *limit < needed) {
            tracing::warn!(
                limit,
                needed,
                "fewer files may be open than server.connections needs: raise the limit (LimitNOFILE, ulimit -n) or lower that"
            );
        }
    }
}

/// Maximum number of connections waiting to be accepted.
const BACKLOG: u32 = 1024;

/// Binds an address without listening on it yet.
fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpSocket> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // As std's listeners do on Unix: the address is free as soon as the previous process has ended. On Windows the
        // option means sharing the address.
        if cfg!(unix) {
            socket.set_reuseaddr(true)?;
        }
        socket.bind(address)?;
        Ok::<_, std::io::Error>(socket)
    };
    bound().with_context(|| format!("cannot listen on {address}; set {key} to another address"))
}

/// Calls `what` at regular intervals, for ever.
async fn every(time: Duration, mut what: impl FnMut()) {
    let mut ticks = tokio::time::interval(time);
    loop {
        ticks.tick().await;
        what();
    }
}

async fn until(mut stopping: Receiver<bool>) {
    // An error means that the sender is gone, which counts as a stop signal.
    let _ = stopping.wait_for(|stopping| *stopping).await;
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
