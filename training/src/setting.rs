//! Errors in a config.

use trolley_model::ModelError;

/// An invalid setting. The message names its key, and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingError(String);

impl SettingError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<ModelError> for SettingError {
    fn from(error: ModelError) -> Self {
        Self(error.to_string())
    }
}
