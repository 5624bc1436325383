//! Converts the attributes of the items table to the item numbers of a catalogue.

use trolley_model::attributes::{Attribute, AttributeValues, Attributes};
use trolley_model::{Catalogue, Ids, ModelError, Offsets};

use crate::input::{AttributeKind, AttributeTable, Items};

/// The attributes of a catalogue's items.
///
/// # Errors
/// If there is more text than fits.
pub(crate) fn attributes(table: &Items, catalogue: &Catalogue) -> Result<Attributes, ModelError> {
    let attribute = |(at, form): (usize, &AttributeTable)| {
        let ids = catalogue.items().iter();
        let fields = ids.map(|id| table.get(id).and_then(|row| row.attributes.get(at)?.as_deref()));
        let values = match form.kind {
            AttributeKind::Text => texts(form, fields)?,
            AttributeKind::Number => AttributeValues::Numbers(
                fields.map(|field| field.map_or(f32::NAN, |field| form.number(field))).collect(),
            ),
            AttributeKind::Amount => {
                AttributeValues::Amounts(fields.map(|field| field.and_then(|field| form.amount(field))).collect())
            }
        };
        Ok::<_, ModelError>(Attribute { name: form.name.clone(), values })
    };
    let all: Vec<Attribute> = table.attributes.iter().enumerate().map(attribute).collect::<Result<_, _>>()?;
    Attributes::new(all, catalogue.items().len())
}

fn texts<'a>(
    form: &AttributeTable,
    fields: impl Iterator<Item = Option<&'a str>>,
) -> Result<AttributeValues, ModelError> {
    let (mut texts, mut of, mut lengths) = (Ids::default(), Vec::new(), Vec::new());
    for field in fields {
        let mut own = Vec::new();
        for text in field.iter().flat_map(|field| form.texts(field)) {
            own.push(texts.intern(text)?);
        }
        own.sort_unstable();
        own.dedup();
        lengths.push(own.len());
        of.extend(own);
    }
    Ok(AttributeValues::Texts { texts, rows: Offsets::from_lengths(lengths), of })
}
