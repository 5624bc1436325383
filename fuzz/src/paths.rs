//! Any path and query has an answer.
#![no_main]

mod shop;

use axum::body::Body;
use axum::http::Request;
use libfuzzer_sys::fuzz_target;
use shop::Shop;

thread_local! {
    static SHOP: Shop = Shop::new();
}

fuzz_target!(|path: &str| {
    if let Ok(request) = Request::get(format!("/v1/markets/xx/{path}")).body(Body::empty()) {
        SHOP.with(|shop| shop.ask(request));
    }
});
