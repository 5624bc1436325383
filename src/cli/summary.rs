//! What a person wants to know when a model has been made.

use std::time::Duration;

use trolley_model::artefact::{Manifest, Shelf};
use trolley_model::recommend::{Limits, alternatives, bought_together};
use trolley_model::{Ask, Model};
use trolley_training::Order;

use super::table::thousands;

/// Query items in the examples.
const EXAMPLES: u32 = 3;

pub(super) fn print(manifest: &Manifest, order: &Order<'_>, took: Duration) -> anyhow::Result<()> {
    let data = &manifest.data;
    println!("market {}: model {} published in {}", manifest.market, manifest.version, order.shelf.path().display());
    let rejected: u64 = data.rejected.values().sum();
    println!("  rows       {} read, {} rejected", thousands(data.rows), thousands(rejected));
    for (reason, count) in &data.rejected {
        println!("             {} × {reason}", thousands(*count));
    }
    if rejected > 0 {
        println!("             listed in {}", order.rejects.display());
    }
    println!("  baskets    {} from {} to {}", thousands(data.baskets), data.first_day, data.last_day);
    println!("  items      {}, of which {} learned", thousands(data.items), thousands(data.learned_items));
    println!("  customers  {}", thousands(data.customers));
    println!("  took       {:.1} s", took.as_secs_f64());
    examples(&Shelf::open(order.shelf, &manifest.market, &manifest.version)?.model);
    Ok(())
}

/// The answers for the bestsellers of different categories.
fn examples(model: &Model) {
    let everything = |_: u32| true;
    let limits = Limits { limit: 3, allowed: &everything, repeats: true };
    let mut categories = Vec::new();
    println!("  examples");
    for item in 0..model.catalogue().bought() {
        if categories.len() >= EXAMPLES as usize {
            return;
        }
        let category = model.catalogue().category(item);
        if categories.contains(&category) || !model.is_learned(item) {
            continue;
        }
        categories.push(category);
        let list = |found: Vec<trolley_model::recommend::Recommended>| {
            found.iter().map(|r| label(model, r.item)).collect::<Vec<_>>().join(" · ")
        };
        println!("    {}", label(model, item));
        println!("      with it   {}", list(bought_together(model, &Ask { items: &[item], customer: None }, &limits)));
        println!("      instead   {}", list(alternatives(model, item, None, &limits)));
    }
}

/// An item's name with its ID, or the ID alone.
pub(super) fn label(model: &Model, item: u32) -> String {
    let id = model.catalogue().items().get(item);
    model.catalogue().name(item).map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
}
