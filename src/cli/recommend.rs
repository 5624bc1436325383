use clap::Args;
/// x
#[derive(Debug, Args)]
pub(super) struct Recommend {}
impl Recommend { pub(super) fn run(self) -> anyhow::Result<()> { Ok(()) } }
