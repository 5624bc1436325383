use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file of the models folder that says which database the service keeps its state in.
const FILE: &str = ".state";

/// Says beside the models that a service has kept a state, and where. A training that finds no database knows by it that
/// one was there: customers may have been erased, and must not come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What the database was given when it was made.
    pub identity: String,
    /// Where it is, for people.
    pub database: String,
}

impl Mark {
    /// The mark beside some models; `None` if there is none.
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

    /// Puts the mark beside the models, as a whole; the folder need not be there yet.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write(&self, models: &Path) -> io::Result<()> {
        if Self::read(models).ok().flatten().as_ref() == Some(self) {
            return Ok(());
        }
        std::fs::create_dir_all(models)?;
        // Two processes may write at a time.
        let beside = models.join(format!("{FILE}.{}.new", std::process::id()));
        std::fs::write(&beside, serde_json::to_vec(self)?)?;
        std::fs::rename(&beside, Self::path(models))
    }

    /// Where it lies.
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
        assert_eq!(Mark::read(&models).unwrap(), None);
        let mark = Mark { identity: "a".into(), database: "/srv/state.sqlite".into() };
        mark.write(&models).unwrap();
        assert_eq!(Mark::read(&models).unwrap(), Some(mark));
        std::fs::write(Mark::path(&models), "half a ma").unwrap();
        assert!(Mark::read(&models).is_err());
        assert_eq!(std::fs::read_dir(&models).unwrap().count(), 1, "nothing is left beside it");
    }
}
