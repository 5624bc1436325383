//! Who may ask what. A key is 244 random bits; the config holds its hash, so that a key that is read there opens nothing.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::Problem;
use crate::config::{KeyConfig, Scope};

/// The keys that open the API. Without any, everything is open: then only this machine can reach it.
#[derive(Debug, Default)]
pub struct Keys(Vec<(blake3::Hash, Vec<Scope>)>);

impl Keys {
    /// Reads the hashes.
    ///
    /// # Errors
    /// In words: a hash that is none.
    pub fn new(config: &[KeyConfig]) -> Result<Self, String> {
        let key = |(number, key): (usize, &KeyConfig)| {
            let hash = blake3::Hash::from_hex(&key.hash).map_err(|_| {
                format!("server.keys[{number}].hash is no hash: `trolley key` makes a key and its hash")
            })?;
            Ok((hash, key.scopes.clone()))
        };
        config.iter().enumerate().map(key).collect::<Result<_, String>>().map(Self)
    }

    fn check(&self, headers: &HeaderMap, scope: Scope) -> Result<(), Problem> {
        if self.0.is_empty() {
            return Ok(());
        }
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let Some(sent) = sent else {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "send a key: `Authorization: Bearer <key>`"));
        };
        let hash = blake3::hash(sent.trim().as_bytes());
        // All are compared, each in constant time: how long it takes says nothing about a key.
        let mut found: Option<&[Scope]> = None;
        for (known, scopes) in &self.0 {
            if *known == hash {
                found = Some(scopes);
            }
        }
        match found {
            None => Err(Problem::new(StatusCode::UNAUTHORIZED, "this key is not known")),
            Some(scopes) if scopes.contains(&scope) => Ok(()),
            Some(_) => Err(Problem::new(StatusCode::FORBIDDEN, format!("this key has no scope `{}`", scope.name()))),
        }
    }
}

/// Lets a request pass whose key has the scope. The keys are among the extensions of every request.
pub(super) async fn require(scope: Scope, request: Request, next: Next) -> Result<Response, Problem> {
    match request.extensions().get::<Arc<Keys>>() {
        Some(keys) => keys.check(request.headers(), scope)?,
        None => return Err(Problem::new(StatusCode::UNAUTHORIZED, "nobody has said who may ask")),
    }
    Ok(next.run(request).await)
}
