use std::path::PathBuf;

use figment::error::Kind;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file does not exist.
    #[error("there is no config file {0}: give one with --config, or copy config/reference.toml")]
    NoFile(PathBuf),
    /// The service would be open to everyone.
    #[error(
        "server.{key} = {address} can be reached by others, and there are no keys: make one with `trolley key` and put \
         it under server.keys, or listen on 127.0.0.1"
    )]
    Open {
        /// The key of the config.
        key: &'static str,
        /// Its value.
        address: std::net::SocketAddr,
    },
    /// A key or a value is not valid.
    #[error("{0}")]
    Invalid(String),
}

/// What is wrong, where, and what may have been meant.
pub(super) fn words(errors: figment::Error) -> String {
    errors.into_iter().map(|error| one(&error)).collect::<Vec<_>>().join("; ")
}

fn one(error: &figment::Error) -> String {
    let mut path = error.path.join(".");
    let source = error.metadata.as_ref().and_then(|metadata| metadata.source.as_ref());
    let source = match source {
        Some(source) => format!(" (in {source})"),
        None => error.metadata.as_ref().map_or_else(String::new, |m| format!(" (in {})", m.name)),
    };
    match &error.kind {
        Kind::UnknownField(field, known) => {
            // The path of an unknown field may or may not end with the field itself.
            if error.path.last() != Some(field) {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(field);
            }
            let near = known
                .iter()
                .map(|known| (strsim::jaro_winkler(field, known), known))
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .filter(|(likeness, _)| *likeness > 0.7);
            let meant = match near {
                Some((_, near)) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            format!("`{path}` is not a key of the configuration; {meant}{source}")
        }
        kind => format!("`{path}`: {kind}{source}"),
    }
}
