use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file in the models folder that names the database of the service's state.
const FILE: &str = ".state";

/// A file beside the models which says that a service has stored state, and where. If a training finds no database, it
/// learns from the mark that there was one: customers may have been erased, and must not come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateMarker {
    /// [`Store::identity`](super::Store::identity) of the database.
    pub identity: String,
    /// Location of the database, for people.
    pub database: String,
}

impl StateMarker {
    /// Reads the mark beside the models; `None` if there is none.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn read(models: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(Self::path(models)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the mark atomically. The folder need not exist yet.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write(&self, models: &Path) -> io::Result<()> {
        if Self::read(models).ok().flatten().as_ref() == Some(self) {
            return Ok(());
        }
        std::fs::create_dir_all(models)?;
        // Two processes may write at the same time.
        let beside = models.join(format!("{FILE}.{}.new", std::process::id()));
        std::fs::write(&beside, serde_json::to_vec(self)?)?;
        std::fs::rename(&beside, Self::path(models))
    }

    /// Path of the mark.
    pub fn path(models: &Path) -> PathBuf {
        models.join(FILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let models = folder.path().join("models");
        assert_eq!(StateMarker::read(&models).unwrap(), None);
        let mark = StateMarker { identity: "a".into(), database: "/srv/state.sqlite".into() };
        mark.write(&models).unwrap();
        assert_eq!(StateMarker::read(&models).unwrap(), Some(mark));
        std::fs::write(StateMarker::path(&models), "half a ma").unwrap();
        assert!(StateMarker::read(&models).is_err());
        assert_eq!(std::fs::read_dir(&models).unwrap().count(), 1, "nothing is left beside it");
    }
}
