//! The items' attributes as tensor columns.

use super::tensors::{TensorColumns, Tensors};
use crate::amount::{Amount, Unit};
use crate::attributes::{Attribute, AttributeValues, Attributes};
use crate::error::ModelError;
use crate::ids::Ids;
use crate::offsets::Offsets;
use crate::texts::Texts;

/// Adds the columns of the attributes, if there are any.
pub(super) fn put(columns: &mut TensorColumns, attributes: &Attributes) -> Result<(), ModelError> {
    if attributes.all().is_empty() {
        return Ok(());
    }
    let mut names = Texts::default();
    for (at, Attribute { name, values }) in attributes.all().iter().enumerate() {
        names.push(name)?;
        let column = |what: &str| format!("attribute_{at}_{what}");
        match values {
            AttributeValues::Texts { texts, rows, of } => {
                columns.put_texts(&column("texts"), texts.texts());
                columns.put_u64(&column("bounds"), rows.as_slice());
                columns.put_u32(&column("values"), of);
            }
            AttributeValues::Numbers(numbers) => columns.put_f32(&column("numbers"), numbers),
            AttributeValues::Amounts(amounts) => {
                let of = |number: fn(&Amount) -> f32| -> Vec<f32> {
                    amounts.iter().map(|amount| amount.as_ref().map_or(0.0, number)).collect()
                };
                let unit = |amount: &Option<Amount>| {
                    let unit = amount.map(|amount| amount.unit);
                    Unit::ALL.iter().position(|one| Some(*one) == unit).unwrap_or_default() as u16
                };
                columns.put_f32(&column("totals"), &of(|amount| amount.total));
                columns.put_f32(&column("pieces"), &of(|amount| amount.pieces));
                columns.put_u16(&column("units"), &amounts.iter().map(unit).collect::<Vec<_>>());
            }
        }
    }
    columns.put_texts("attributes", &names);
    Ok(())
}

/// Reads the attributes; none if the table has none.
pub(super) fn take(table: &Tensors<'_>, items: usize) -> Result<Attributes, ModelError> {
    if !table.has("attributes.text") {
        return Ok(Attributes::default());
    }
    let mut attributes = Vec::new();
    for (at, name) in table.take_texts("attributes")?.iter().enumerate() {
        let column = |what: &str| format!("attribute_{at}_{what}");
        let values = if table.has(&column("numbers")) {
            AttributeValues::Numbers(table.take_f32(&column("numbers"))?)
        } else if table.has(&column("totals")) {
            let (totals, pieces) = (table.take_f32(&column("totals"))?, table.take_f32(&column("pieces"))?);
            let units = table.take_u16(&column("units"))?;
            if pieces.len() != totals.len() || units.len() != totals.len() {
                return Err(ModelError::Length(format!(
                    "the columns of the attribute `{name}` have different lengths"
                )));
            }
            let amount = |((&total, pieces), unit): ((&f32, f32), u16)| {
                if total == 0.0 {
                    return Ok(None);
                }
                let unit = *Unit::ALL
                    .get(usize::from(unit))
                    .ok_or_else(|| ModelError::Range(format!("`{name}` has a unit of number {unit}")))?;
                Ok(Some(Amount { total, unit, pieces }))
            };
            AttributeValues::Amounts(
                totals.iter().zip(pieces).zip(units).map(amount).collect::<Result<_, ModelError>>()?,
            )
        } else {
            let of = table.take_u32(&column("values"))?;
            let rows = Offsets::from_vec(table.take_u64(&column("bounds"))?, of.len());
            let texts = Ids::new(table.take_texts(&column("texts"))?);
            AttributeValues::Texts {
                texts: texts.map_err(|at| {
                    ModelError::Duplicate(format!("the text {at} of the attribute `{name}` is there twice"))
                })?,
                rows: rows
                    .ok_or_else(|| ModelError::Order(format!("the bounds of the attribute `{name}` are not valid")))?,
                of,
            }
        };
        attributes.push(Attribute { name: name.to_owned(), values });
    }
    Attributes::new(attributes, items)
}
