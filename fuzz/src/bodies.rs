//! Any body of a push or a cart has an answer. The first byte says where it goes.
#![no_main]

mod shop;

use axum::body::Body;
use axum::http::{Request, header};
use libfuzzer_sys::fuzz_target;
use shop::Shop;

thread_local! {
    static SHOP: Shop = Shop::new();
}

const PUSHES: [(&str, &str); 5] =
    [("PUT", "offers"), ("PUT", "stock"), ("PUT", "rules"), ("POST", "bought-together"), ("POST", "events")];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first() else { return };
    let (method, path) = PUSHES[usize::from(*first) % PUSHES.len()];
    let request = Request::builder().method(method).uri(format!("/v1/markets/xx/{path}"));
    let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_vec()));
    SHOP.with(|shop| {
        shop.ask(request.unwrap());
        // What was pushed is answered from.
        for question in ["items/a/bought-together?customer=anna&explain=true", "customers/anna/offers?explain=true"] {
            shop.ask(Request::get(format!("/v1/markets/xx/{question}")).body(Body::empty()).unwrap());
        }
    });
});
