//! The Prometheus metrics. Each one is declared once, with name and help text.
//!
//! Labels come from known markets, matched routes and fixed sets, never from the content of a request.

use std::cell::RefCell;
use std::time::Duration;

use hashbrown::HashMap;
use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use trolley_model::Name;
use trolley_model::artefact::{Manifest, Verdict};
use trolley_model::recommend::Tier;

use crate::live::Market;
use crate::store::Kind;

const REQUESTS: &str = "trolley_requests_total";
const LATENCY: &str = "trolley_request_duration_seconds";
const ANSWERS: &str = "trolley_answers_total";
const MODEL_INFO: &str = "trolley_model_info";
const MODEL_CREATED: &str = "trolley_model_created_timestamp_seconds";
const MODEL_AGE: &str = "trolley_model_age_seconds";
const FIGURE: &str = "trolley_model_figure";
const FORCED: &str = "trolley_model_forced";
const VERDICT: &str = "trolley_model_verdict";
const ACCEPTED: &str = "trolley_model_accepted";
const SWAPS: &str = "trolley_model_swaps_total";
const REFUSED: &str = "trolley_models_refused_total";
const SCANNED: &str = "trolley_models_looked_timestamp_seconds";
const AWAITED: &str = "trolley_model_awaited";
const OFFERS: &str = "trolley_offers";
const RULES: &str = "trolley_rules";
const STOCK: &str = "trolley_stock_items";
const STATE_AGE: &str = "trolley_state_age_seconds";
const STATE_VERSION: &str = "trolley_state_version";
const STATE_AVAILABLE: &str = "trolley_state_available";
const STATE_WRITABLE: &str = "trolley_state_writable";
const CERTIFICATE_EXPIRY: &str = "trolley_certificate_expiry_timestamp_seconds";
const BUILD_INFO: &str = "trolley_build_info";
const ACCEPT_FAILED: &str = "trolley_connections_failed_total";
const CERTIFICATE_REFUSED: &str = "trolley_certificates_refused_total";
const STATE_REFUSED: &str = "trolley_state_refused_total";
const MODEL_BYTES: &str = "trolley_model_bytes";
const UNSENT: &str = "trolley_unsent_bytes";
const CONNECTIONS: &str = "trolley_connections";
const CONNECTIONS_LIMIT: &str = "trolley_connections_limit";
const CONNECTIONS_REFUSED: &str = "trolley_connections_refused_total";
const SHED: &str = "trolley_requests_shed_total";
const LIMITED: &str = "trolley_requests_limited_total";
const EXPOSURES_WRITTEN: &str = "trolley_exposures_written_total";
const EXPOSURES_DROPPED: &str = "trolley_exposures_dropped_total";
const EVENTS: &str = "trolley_events_total";
const ERASED: &str = "trolley_erased_customers";
const BASKETS: &str = "trolley_baskets_total";
const BASKET_CUSTOMERS: &str = "trolley_basket_customers";
const BASKET_CUSTOMERS_DROPPED: &str = "trolley_basket_customers_dropped";
const PRESENT_DAY: &str = "trolley_present_day_timestamp_seconds";
const LAST_BASKET: &str = "trolley_last_basket_timestamp_seconds";

/// Gate failures that can be accepted on the command line.
const ACCEPTABLE: [&str; 2] = ["smaller", "unjudged"];

/// Upper bounds of the latency buckets in seconds, from 50 µs.
const LATENCY_BUCKETS: [f64; 16] =
    [0.000_05, 0.000_1, 0.000_2, 0.000_3, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Installs the recorder for the whole process. The handle renders the metrics.
///
/// # Errors
/// If a recorder is already installed.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(LATENCY.into()), &LATENCY_BUCKETS)?
        .install_recorder()?;
    describe_counter!(REQUESTS, "HTTP requests by method, matched route and status");
    describe_histogram!(
        LATENCY,
        Unit::Seconds,
        "Time from a request's arrival to its response, what it waited for its turn included, by matched route"
    );
    describe_counter!(ANSWERS, "Answers by market, endpoint and the tier of their first entry (none: an empty answer)");
    describe_gauge!(SCANNED, Unit::Seconds, "Time of the last scan of the models folder, in Unix seconds");
    describe_gauge!(MODEL_INFO, "1 for the version of the model in service of each market, 0 for earlier ones");
    describe_gauge!(MODEL_CREATED, Unit::Seconds, "Time at which the model in service was trained, in Unix seconds");
    describe_gauge!(MODEL_AGE, Unit::Seconds, "Age of the model in service");
    describe_gauge!(FIGURE, "Figures of the model in service, as measured on weeks that it had not seen, by name");
    describe_gauge!(FORCED, "1 if the model in service did not pass its gate and was published by force, else 0");
    describe_gauge!(
        VERDICT,
        "1 for what the gate said of the model in service (passed, weak_evidence, not_judged or failed), else 0"
    );
    describe_gauge!(
        ACCEPTED,
        "1 if the model in service was published though its data is smaller, or though it is unjudged, else 0"
    );
    describe_counter!(SWAPS, "Model swaps, by market");
    describe_gauge!(
        AWAITED,
        "1 while the version that is to be served is not whole yet, by market: it is still being copied"
    );
    describe_counter!(REFUSED, "Published models that were refused because they are damaged or of another format");
    describe_gauge!(OFFERS, "Offers known, by market");
    describe_gauge!(RULES, "Rules known, by market");
    describe_gauge!(STATE_AGE, Unit::Seconds, "Time since the last contact with the database");
    describe_gauge!(
        STATE_AVAILABLE,
        "1 if the database of offers, stock and rules was there when it was last asked, else 0"
    );
    describe_gauge!(
        STATE_VERSION,
        "The number of the last change that this replica has seen, by market and kind: all replicas have the same"
    );
    describe_gauge!(STATE_WRITABLE, "1 if the last push could be stored, else 0");
    describe_gauge!(CERTIFICATE_EXPIRY, Unit::Seconds, "Expiry of the certificate in use, in Unix seconds");
    describe_gauge!(BUILD_INFO, "1, with the version of trolley");
    describe_counter!(
        ACCEPT_FAILED,
        "Connections that could not be accepted, for instance because file descriptors ran out"
    );
    describe_counter!(CERTIFICATE_REFUSED, "Renewed certificates that were refused; the previous one stays in use");
    describe_counter!(STATE_REFUSED, "Offers and rules in the database that this release cannot understand, by market");
    describe_gauge!(STOCK, "Items whose stock is known, by market");
    describe_gauge!(MODEL_BYTES, Unit::Bytes, "Bytes of the model in service, all of it in memory, by market");
    describe_gauge!(UNSENT, Unit::Bytes, "Bytes of responses not yet read by their clients");
    describe_gauge!(CONNECTIONS, "Open connections");
    describe_gauge!(CONNECTIONS_LIMIT, "Maximum number of open connections to the API");
    describe_counter!(CONNECTIONS_REFUSED, "Connections closed at once because too many were open");
    describe_counter!(SHED, "Requests refused because they would have queued too long");
    describe_counter!(LIMITED, "Requests over the rate limit of their key");
    describe_counter!(EXPOSURES_WRITTEN, "Exposures written");
    describe_counter!(EXPOSURES_DROPPED, "Exposures dropped, by reason: the queue or the disk");
    describe_counter!(EVENTS, "Events received, duplicates included, by market and kind");
    describe_gauge!(ERASED, "Erased customers, by market");
    describe_counter!(BASKETS, "New baskets pushed to this replica, by market");
    describe_gauge!(BASKET_CUSTOMERS, "Customers with pushed baskets in memory, by market");
    describe_gauge!(
        BASKET_CUSTOMERS_DROPPED,
        "Customers whose pushed baskets are not in memory, because there were more than `baskets.customers`"
    );
    describe_gauge!(
        PRESENT_DAY,
        Unit::Seconds,
        "The market's present day, from which ages of purchases count, in Unix seconds"
    );
    describe_gauge!(LAST_BASKET, Unit::Seconds, "Time of the latest pushed basket of the market, in Unix seconds");
    for zero in [CONNECTIONS_REFUSED, SHED, LIMITED, EXPOSURES_WRITTEN, CERTIFICATE_REFUSED, ACCEPT_FAILED] {
        counter!(zero).increment(0);
    }
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    metrics_process::Collector::default().describe();
    state_available(true);
    state_writable(true);
    for reason in ["queue", "disk"] {
        exposures_dropped(reason, 0);
    }
    Ok(handle)
}

/// Metric handles by their labels: a name, and the rest. Each thread has its own cache, because looking the handles up
/// in the recorder took six times as many instructions per request.
struct HandleCache<L, M>(RefCell<HashMap<String, Vec<(L, M)>>>);

impl<L: PartialEq, M> HandleCache<L, M> {
    fn with(&self, name: &str, labels: L, register: impl FnOnce() -> M, count: impl FnOnce(&M)) {
        let mut kept = self.0.borrow_mut();
        if let Some((_, metric)) = kept.get(name).and_then(|of| of.iter().find(|(known, _)| *known == labels)) {
            return count(metric);
        }
        let metric = register();
        count(&metric);
        kept.entry(name.to_owned()).or_default().push((labels, metric));
    }
}

thread_local! {
    /// By route, method and status.
    static ROUTES: HandleCache<(&'static str, u16), (Histogram, Counter)> = HandleCache(RefCell::default());
    /// By market, endpoint and tier.
    static TIERS: HandleCache<(&'static str, &'static str), Counter> = HandleCache(RefCell::default());
}

/// Counts a response and its latency.
pub fn request(method: &'static str, route: &str, status: u16, took: Duration) {
    let register = || {
        let (route, status) = (route.to_owned(), status.to_string());
        let latency = histogram!(LATENCY, "route" => route.clone());
        (latency, counter!(REQUESTS, "method" => method, "route" => route, "status" => status))
    };
    let count = |(latency, requests): &(Histogram, Counter)| {
        latency.record(took.as_secs_f64());
        requests.increment(1);
    };
    ROUTES.with(|routes| routes.with(route, (method, status), register, count));
}

/// Registers a route: its counters exist from the start, at 0.
pub fn register_route(method: &'static str, route: &str) {
    for status in ["200", "503"] {
        counter!(REQUESTS, "method" => method, "route" => route.to_owned(), "status" => status).increment(0);
    }
}

/// Counts an answer; `tier` is that of its first entry.
pub fn answer(market: &Name, endpoint: &'static str, tier: Option<Tier>) {
    let tier = tier.map_or("none", Tier::name);
    let register = || counter!(ANSWERS, "market" => market.to_string(), "endpoint" => endpoint, "tier" => tier);
    TIERS.with(|tiers| tiers.with(market.as_str(), (endpoint, tier), register, |answers| answers.increment(1)));
}

/// Sets the maximum number of connections to the API.
pub fn connections_limit(connections: usize) {
    gauge!(CONNECTIONS_LIMIT).set(connections as f64);
}

/// Counts an opened connection.
pub fn connection_opened() {
    gauge!(CONNECTIONS).increment(1.0);
}

/// Counts a closed connection.
pub fn connection_closed() {
    gauge!(CONNECTIONS).decrement(1.0);
}

/// Counts a connection that was closed immediately, because too many were open.
pub fn connection_refused() {
    counter!(CONNECTIONS_REFUSED).increment(1);
}

/// Counts a request that was refused immediately, because it would have queued too long.
pub fn request_shed() {
    counter!(SHED).increment(1);
}

/// Counts a request over the rate limit of its key.
pub fn request_limited() {
    counter!(LIMITED).increment(1);
}

/// Counts exposures written to the log.
pub fn exposures_written(answers: u64) {
    counter!(EXPOSURES_WRITTEN).increment(answers);
}

/// Counts exposures that could not be written.
pub fn exposures_dropped(reason: &'static str, answers: u64) {
    counter!(EXPOSURES_DROPPED, "reason" => reason).increment(answers);
}

/// Counts events of a kind, including duplicates.
pub fn events(market: &Name, kind: &'static str, events: u64) {
    counter!(EVENTS, "market" => market.to_string(), "kind" => kind).increment(events);
}

/// Sets the number of erased customers.
pub fn erased_known(market: &Name, customers: usize) {
    gauge!(ERASED, "market" => market.to_string()).set(customers as f64);
}

/// Counts new baskets.
pub fn baskets(market: &Name, new: u64) {
    counter!(BASKETS, "market" => market.to_string()).increment(new);
}

/// Sets the numbers of customers with pushed baskets and of dropped ones, and the time of the last basket.
pub fn baskets_known(market: &Name, customers: usize, dropped: u64, last: Option<i64>) {
    gauge!(BASKET_CUSTOMERS, "market" => market.to_string()).set(customers as f64);
    gauge!(BASKET_CUSTOMERS_DROPPED, "market" => market.to_string()).set(dropped as f64);
    if let Some(last) = last {
        gauge!(LAST_BASKET, "market" => market.to_string()).set(last as f64);
    }
}

/// Sets the market's present day, in days since 1970-01-01.
pub fn present_day(market: &Name, day: u16) {
    gauge!(PRESENT_DAY, "market" => market.to_string()).set(f64::from(day) * 86_400.0);
}

/// A model is in service; `before` is the one that it replaces.
pub fn model_served(market: &Name, manifest: &Manifest, before: Option<&Manifest>) {
    let info = |version: &Name| gauge!(MODEL_INFO, "market" => market.to_string(), "version" => version.to_string());
    if let Some(before) = before {
        info(&before.version).set(0.0);
    }
    info(&manifest.version).set(1.0);
    if let Ok(created) = chrono::DateTime::parse_from_rfc3339(&manifest.created_at) {
        gauge!(MODEL_CREATED, "market" => market.to_string()).set(created.timestamp() as f64);
    }
    let figure = |name: &String| gauge!(FIGURE, "market" => market.to_string(), "figure" => name.clone());
    for name in before.iter().flat_map(|before| before.evaluation.keys()) {
        figure(name).set(f64::NAN);
    }
    for (name, value) in &manifest.evaluation {
        figure(name).set(*value);
    }
    let bytes: u64 = manifest.files.values().map(|file| file.bytes).sum();
    gauge!(MODEL_BYTES, "market" => market.to_string()).set(bytes as f64);
    gauge!(FORCED, "market" => market.to_string()).set(f64::from(u8::from(!manifest.failed_gates.is_empty())));
    let said = manifest.verdict();
    for verdict in Verdict::ALL {
        gauge!(VERDICT, "market" => market.to_string(), "verdict" => verdict.name())
            .set(f64::from(u8::from(verdict == said)));
    }
    let accepted = manifest.judgement.as_ref().map_or(&[][..], |judgement| &judgement.accepted);
    for kind in ACCEPTABLE {
        let was = accepted.iter().any(|accepted| accepted == kind);
        gauge!(ACCEPTED, "market" => market.to_string(), "accepted" => kind).set(f64::from(u8::from(was)));
    }
    counter!(SWAPS, "market" => market.to_string()).increment(u64::from(before.is_some()));
    counter!(REFUSED, "market" => market.to_string()).increment(0);
}

/// Registers a market: its counters exist from the start, at 0.
pub fn register_market(market: &Name) {
    counter!(REFUSED, "market" => market.to_string()).increment(0);
    model_awaited(market, false);
    counter!(SWAPS, "market" => market.to_string()).increment(0);
    for endpoint in ["bought-together", "alternatives", "offers", "audience"] {
        counter!(ANSWERS, "market" => market.to_string(), "endpoint" => endpoint, "tier" => Tier::Model.name())
            .increment(0);
    }
    counter!(STATE_REFUSED, "market" => market.to_string()).increment(0);
}

/// A market is out of service: its gauges no longer apply.
pub fn market_retired(market: &Name, manifest: Option<&Manifest>) {
    let Some(manifest) = manifest else { return };
    let (market, version) = (market.to_string(), manifest.version.to_string());
    gauge!(MODEL_INFO, "market" => market.clone(), "version" => version).set(0.0);
    for name in manifest.evaluation.keys() {
        gauge!(FIGURE, "market" => market.clone(), "figure" => name.clone()).set(f64::NAN);
    }
    for verdict in Verdict::ALL {
        gauge!(VERDICT, "market" => market.clone(), "verdict" => verdict.name()).set(f64::NAN);
    }
    for kind in ACCEPTABLE {
        gauge!(ACCEPTED, "market" => market.clone(), "accepted" => kind).set(f64::NAN);
    }
    for gauge in [MODEL_CREATED, MODEL_AGE, MODEL_BYTES, FORCED, OFFERS, RULES, STOCK, ERASED] {
        gauge!(gauge, "market" => market.clone()).set(f64::NAN);
    }
}

/// Whether the version to be served is still missing or incomplete.
pub fn model_awaited(market: &Name, awaited: bool) {
    gauge!(AWAITED, "market" => market.to_string()).set(f64::from(u8::from(awaited)));
}

/// The models folder was scanned.
pub fn models_scanned() {
    gauge!(SCANNED).set(chrono::Utc::now().timestamp() as f64);
}

/// Counts a published model that was refused.
pub fn model_refused(market: &Name) {
    counter!(REFUSED, "market" => market.to_string()).increment(1);
}

/// Sets the number of known offers.
pub fn set_offers(market: &Name, offers: usize) {
    gauge!(OFFERS, "market" => market.to_string()).set(offers as f64);
}

/// Sets the number of known rules.
pub fn rules_known(market: &Name, rules: usize) {
    gauge!(RULES, "market" => market.to_string()).set(rules as f64);
}

/// Counts offers or rules in the database that this release cannot read.
pub fn state_refused(market: &Name) {
    counter!(STATE_REFUSED, "market" => market.to_string()).increment(1);
}

/// Sets the number of the last change of a kind that this replica has seen.
pub fn state_version(market: &Name, kind: Kind, version: i64) {
    gauge!(STATE_VERSION, "market" => market.to_string(), "kind" => kind.name()).set(version as f64);
}

/// Whether the database could be reached.
pub fn state_available(available: bool) {
    gauge!(STATE_AVAILABLE).set(f64::from(u8::from(available)));
}

/// Whether the last push could be stored.
pub fn state_writable(writable: bool) {
    gauge!(STATE_WRITABLE).set(f64::from(u8::from(writable)));
}

/// Sets the expiry of the certificate in use, in Unix seconds.
pub fn certificate_expires(at: i64) {
    gauge!(CERTIFICATE_EXPIRY).set(at as f64);
}

/// Counts a connection that could not be accepted.
pub fn accept_failed() {
    counter!(ACCEPT_FAILED).increment(1);
}

/// Counts a renewed certificate that was refused.
pub fn certificate_refused() {
    counter!(CERTIFICATE_REFUSED).increment(1);
}

/// Sets the number of items whose stock is known.
pub fn stock_known(market: &Name, items: usize) {
    gauge!(STOCK, "market" => market.to_string()).set(items as f64);
}

/// Updates the gauges that depend on the time, before they are rendered.
pub fn refresh<'a>(markets: impl Iterator<Item = &'a Market>, state_age: f64, unsent: usize) {
    gauge!(STATE_AGE).set(state_age);
    gauge!(UNSENT).set(unsent as f64);
    metrics_process::Collector::default().collect();
    let now = chrono::Utc::now();
    for market in markets {
        let Some(snapshot) = market.snapshot() else { continue };
        if let Ok(created) = chrono::DateTime::parse_from_rfc3339(&snapshot.manifest().created_at) {
            let age = now.signed_duration_since(created).as_seconds_f64();
            gauge!(MODEL_AGE, "market" => market.name().to_string()).set(age);
        }
    }
}
