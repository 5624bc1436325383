use clap::Args;
/// x
#[derive(Debug, Args)]
pub(super) struct Models {}
impl Models { pub(super) fn run(self) -> anyhow::Result<()> { Ok(()) } }
