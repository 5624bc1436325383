use std::fs::{self, File};

use super::publish::{self, UNFINISHED};
use super::{ArtefactError, ModelRegistry};
use crate::name::Name;

impl ModelRegistry {
    /// Removes all but the newest `keep` versions of a market, and all but the newest `keep` rejected ones. Held-out
    /// models are removed with their version. The version in service (also if pinned), the one before it and those in
    /// `protected` are never removed. Returns the removed versions.
    ///
    /// # Errors
    /// If another process is publishing, or the file system fails; versions removed before the error stay removed.
    pub fn prune(&self, market: &Name, keep: usize, protected: &[Name]) -> Result<Vec<Name>, ArtefactError> {
        let Some(_lock) = self.lock(market)? else { return Ok(Vec::new()) };
        let mut stay = protected.to_vec();
        stay.extend(self.in_service(market)?);
        stay.extend(self.previous(market).ok());
        let mut removed = Vec::new();
        for registry in [self.clone(), self.rejected()] {
            let versions = registry.versions(market)?;
            let old = versions.len().saturating_sub(keep);
            let old = versions.into_iter().take(old).filter(|version| !stay.contains(version));
            removed.extend(registry.remove(market, old)?);
        }
        self.remove_held_out(market, &stay)?;
        Ok(removed)
    }

    /// Removes the versions of a market for which `must_go` is true, published or rejected, with their held-out models.
    /// The version in service is not removed, since it has to be replaced first. Returns the removed versions, and the
    /// one in service if it must go too.
    ///
    /// # Errors
    /// As [`ModelRegistry::prune`].
    pub fn remove_if(
        &self,
        market: &Name,
        must_go: impl Fn(&ModelRegistry, &Name) -> bool,
    ) -> Result<(Vec<Name>, Option<Name>), ArtefactError> {
        let Some(_lock) = self.lock(market)? else { return Ok((Vec::new(), None)) };
        let in_service = self.in_service(market)?;
        let mut removed = Vec::new();
        for registry in [self.clone(), self.rejected(), self.held_out()] {
            let versions = registry.versions(market)?.into_iter();
            let going = versions.filter(|version| Some(version) != in_service.as_ref() && must_go(&registry, version));
            removed.extend(registry.remove(market, going)?);
        }
        removed.sort_unstable();
        removed.dedup();
        Ok((removed, in_service.filter(|version| must_go(self, version))))
    }

    /// The lock held while versions are removed, so that none of them is put into service meanwhile; `None` if the
    /// market has no folder.
    fn lock(&self, market: &Name) -> Result<Option<File>, ArtefactError> {
        let market_dir = self.path().join(market);
        if market_dir.is_dir() { publish::lock(&market_dir).map(Some) } else { Ok(None) }
    }

    fn in_service(&self, market: &Name) -> Result<Option<Name>, ArtefactError> {
        match self.current(market) {
            Ok(current) => Ok(Some(current)),
            Err(ArtefactError::NoModel { .. }) => Ok(None),
            // Without knowing what is in service, nothing is removed.
            Err(error) => Err(error),
        }
    }

    /// Removes the held-out models of versions that no longer exist.
    fn remove_held_out(&self, market: &Name, stay: &[Name]) -> Result<(), ArtefactError> {
        let mut there = self.versions(market)?;
        there.extend(self.rejected().versions(market)?);
        let held_out = self.held_out();
        let orphans = held_out.versions(market)?.into_iter();
        let orphans = orphans.filter(|version| !there.contains(version) && !stay.contains(version));
        held_out.remove(market, orphans).map(drop)
    }

    fn remove(&self, market: &Name, versions: impl Iterator<Item = Name>) -> Result<Vec<Name>, ArtefactError> {
        let market_dir = self.path().join(market);
        let mut removed = Vec::new();
        for version in versions {
            let (folder, going) = (market_dir.join(&version), market_dir.join(format!("{UNFINISHED}{version}")));
            // After the rename it is not a version any more: if the process is killed, no partial version remains, and
            // the next publication removes the rest.
            fs::rename(&folder, &going).map_err(ArtefactError::io(&folder))?;
            fs::remove_dir_all(&going).map_err(ArtefactError::io(&going))?;
            removed.push(version);
        }
        Ok(removed)
    }
}
