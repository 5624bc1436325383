//! What an evaluation found, for a person who decides: one page of HTML that needs no network, and the same as JSON.

mod beside;
mod charts;
mod data;
mod examples;
mod map;
mod page;
mod shown;
pub mod words;

use std::path::Path;

use serde::Serialize;
use trolley_model::Model;
use trolley_training::input::Look;
use trolley_training::{Comparison, Costs, Evaluation, Ruling};

use crate::live::Offer;

/// All that a report tells.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// The market.
    pub market: &'a str,
    /// The model's version; `None` for one that was made to be judged only.
    pub version: Option<&'a str>,
    /// What became of it.
    pub fate: Fate,
    /// What the gate says: whether it was judged, and the conditions that were not met.
    pub ruling: &'a Ruling,
    /// The figures; `None` if nothing could be held back.
    pub evaluation: Option<&'a Evaluation>,
    /// Beside the models before it.
    pub comparison: Option<&'a Comparison>,
    /// The tables that it was learned from, and what was found in them.
    pub data: &'a Look,
    /// What it took.
    pub costs: &'a Costs,
    /// Mean loss of the item embeddings, epoch by epoch.
    pub losses: &'a [f64],
    /// The model that the examples are asked.
    #[serde(skip)]
    pub model: &'a Model,
    /// The offers of the examples.
    #[serde(skip)]
    pub offers: &'a [Offer],
}

/// What became of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// No gate was failed, and it is in service. Whether it was judged is for the ruling to say.
    Published,
    /// It did not pass, and is in service because that was forced.
    Forced,
    /// It did not pass, and lies aside.
    Rejected,
    /// It was made to be judged only, and would pass.
    WouldPass,
    /// It was made to be judged only, and would not pass.
    WouldNotPass,
}

impl Report<'_> {
    /// The page.
    pub fn html(&self) -> String {
        page::page(self).into_string()
    }

    /// Everything but the examples, as JSON.
    ///
    /// # Errors
    /// If a number is not one.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// Writes the page, the JSON, or both.
    ///
    /// # Errors
    /// If a file can't be written.
    pub fn write(&self, html: Option<&Path>, json: Option<&Path>) -> anyhow::Result<()> {
        use anyhow::Context;
        let write = |path: &Path, text: String| {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            }
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        html.map_or(Ok(()), |path| write(path, self.html()))?;
        json.map_or(Ok(()), |path| write(path, self.json()?))
    }
}
