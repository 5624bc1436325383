use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use trolley_model::files;

use crate::config::TlsConfig;
use crate::metrics;

/// The certificate in use. When the content of its files changes, new connections get the new certificate.
pub(super) struct Certificates {
    files: TlsConfig,
    acceptor: ArcSwap<ServerConfig>,
    /// The content of the files at the last check.
    seen: Mutex<Content>,
}

/// The hashes of both files. Modification times would not do: tools that restore or copy a file set them as they like.
type Content = [Option<blake3::Hash>; 2];

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// If they do not hold a certificate and its key.
    pub(super) fn read(files: &TlsConfig) -> anyhow::Result<Self> {
        // Hashed before they are read, so that the next check sees a change in between.
        let seen = Mutex::new(content(files));
        tell_expiry(&files.certificate);
        check_mode(&files.key);
        Ok(Self { files: files.clone(), acceptor: ArcSwap::from_pointee(config(files)?), seen })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.acceptor.load_full())
    }

    /// Reloads the files if they have changed. If that fails, the error is logged and the certificate in use stays.
    pub(super) fn renew(&self) {
        let now = content(&self.files);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now == *seen {
            return;
        }
        *seen = now;
        match config(&self.files) {
            Ok(config) => {
                self.acceptor.store(Arc::new(config));
                tell_expiry(&self.files.certificate);
                tracing::info!("a new certificate is in use");
            }
            // Perhaps only one of the two files has been replaced so far; the next change is another attempt.
            Err(error) => {
                metrics::certificate_refused();
                tracing::error!("the new certificate was refused: {error:#}");
            }
        }
    }
}

/// Reports the expiry of the certificate, the first of its file, as a metric.
fn tell_expiry(path: &Path) {
    let bytes = files::read(path, LONGEST).unwrap_or_default();
    let first = CertificateDer::pem_slice_iter(&bytes).next().and_then(Result::ok);
    if let Some(first) = first
        && let Ok((_, certificate)) = x509_parser::parse_x509_certificate(&first)
    {
        metrics::certificate_expires(certificate.validity().not_after.timestamp());
    }
}

fn content(files: &TlsConfig) -> Content {
    [&files.certificate, &files.key].map(|path| files::read(path, LONGEST).ok().map(|bytes| blake3::hash(&bytes)))
}

/// Maximum size of either file in bytes; the certificate comes with its chain.
const LONGEST: u64 = 1 << 20;

/// Warns if users other than its owner and group may read the key.
fn check_mode(key: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if std::fs::metadata(key).is_ok_and(|facts| facts.permissions().mode() & 0o004 != 0) {
            tracing::warn!(key = %key.display(), "everybody on this machine can read server.tls.key: chmod o-r");
        }
    }
}

fn config(files: &TlsConfig) -> anyhow::Result<ServerConfig> {
    let TlsConfig { certificate, key } = files;
    let in_words = |what: &str, path: &Path| format!("server.tls.{what}: {} is not as it must be", path.display());
    let bytes = files::read(certificate, LONGEST).with_context(|| in_words("certificate", certificate))?;
    let chain = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let chain = chain.with_context(|| in_words("certificate", certificate))?;
    if chain.is_empty() {
        bail!("server.tls.certificate: there is no certificate in {}; it must be PEM", certificate.display());
    }
    let secret = files::read(key, LONGEST).with_context(|| in_words("key", key))?;
    let secret = PrivateKeyDer::from_pem_slice(&secret).with_context(|| in_words("key", key))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, secret).context("server.tls: the key is not the certificate's")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
