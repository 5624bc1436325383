//! How long work tells what it is doing.

/// Hears of the stages of training. The command line draws bars; tests and other callers pass [`Silent`].
pub trait Progress: Sync {
    /// A stage begins; it will advance by `total` in all.
    fn begin(&self, stage: &'static str, total: u64);
    /// The stage has advanced.
    fn advance(&self, by: u64);
    /// The stage has ended.
    fn end(&self);
}

/// Says nothing.
#[derive(Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &'static str, _total: u64) {}
    fn advance(&self, _by: u64) {}
    fn end(&self) {}
}
