//! The report of an evaluation: a self-contained HTML page for the person who decides, and the same results as JSON.

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
use trolley_training::{Comparison, Costs, Decision, Evaluation};

use crate::live::Offer;

/// The content of a report.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// The market.
    pub market: &'a str,
    /// The model's version; `None` for a model that was only evaluated.
    pub version: Option<&'a str>,
    /// The outcome for the model.
    pub fate: Fate,
    /// The result of the gate: whether the model was judged, and the conditions that were not met.
    #[serde(rename = "ruling")]
    pub decision: &'a Decision,
    /// The results; `None` if the model could not be judged.
    pub evaluation: Option<&'a Evaluation>,
    /// The comparison with earlier models.
    pub comparison: Option<&'a Comparison>,
    /// The tables that it was trained on, and the findings about them.
    pub data: &'a Look,
    /// Time and memory of the training.
    pub costs: &'a Costs,
    /// Mean loss of the item embeddings per epoch.
    pub losses: &'a [f64],
    /// The model that answers the examples.
    #[serde(skip)]
    pub model: &'a Model,
    /// The offers of the examples.
    #[serde(skip)]
    pub offers: &'a [Offer],
}

/// The outcome for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It failed no gate and was published. The ruling says whether it was judged.
    Published,
    /// It did not pass, and was published by force.
    Forced,
    /// It did not pass, and was stored without being published.
    Rejected,
    /// It was only evaluated, and would pass.
    WouldPass,
    /// It was only evaluated, and would not pass.
    WouldNotPass,
}

impl Report<'_> {
    /// The HTML page.
    pub fn html(&self) -> String {
        page::page(self).into_string()
    }

    /// Everything but the examples, as JSON.
    ///
    /// # Errors
    /// If the report cannot be serialised.
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
