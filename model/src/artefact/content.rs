//! The mapping of model parts to files.

use super::tensors::{TensorColumns, Tensors};
use super::{attributes, fifu};
use crate::attributes::Attributes;
use crate::blend::Blends;
use crate::catalogue::{Catalogue, CatalogueParts};
use crate::category::Category;
use crate::co_purchases::{CoPurchases, Number};
use crate::error::ModelError;
use crate::histories::{Histories, LastBaskets};
use crate::ids::Ids;
use crate::item::Item;
use crate::item_stats::ItemStatsColumns;
use crate::model::Parts;
use crate::nearest::Neighbours;
use crate::offsets::Offsets;
use crate::profile::Position;
use crate::profile_config::ProfileConfig;
use crate::recent_baskets::RecentBaskets;
use crate::stores::Stores;

pub(super) const ITEMS: &str = "items.safetensors";
pub(super) const INPUT: &str = "items.input.fifu";
pub(super) const OUTPUT: &str = "items.output.fifu";
pub(super) const ITEM_FACTORS: &str = "items.factors.fifu";
pub(super) const CUSTOMER_FACTORS: &str = "customers.factors.fifu";
pub(super) const CO_PURCHASES: &str = "co-purchases.safetensors";
pub(super) const CATEGORY_PAIRS: &str = "category-pairs.safetensors";
pub(super) const CATEGORY_PARTNERS: &str = "category-partners.safetensors";
pub(super) const HISTORIES: &str = "histories.safetensors";
/// The trees of the blends; the linear weights are in the manifest.
pub(super) const TREES: &str = "trees.json";

/// All files of an artefact except the manifest.
pub(super) const FILES: [&str; 10] = [
    ITEMS,
    INPUT,
    OUTPUT,
    ITEM_FACTORS,
    CUSTOMER_FACTORS,
    CO_PURCHASES,
    CATEGORY_PAIRS,
    CATEGORY_PARTNERS,
    HISTORIES,
    TREES,
];

/// A file that could not be encoded or was refused, and why.
pub(super) type Refused = (&'static str, ModelError);

/// The content of each file.
pub(super) fn encode(parts: &Parts) -> Result<Vec<(&'static str, Vec<u8>)>, Refused> {
    let items = || parts.catalogue.items().iter().take(parts.input.len());
    let customers = || parts.histories.customers().iter();
    let at = |file: &'static str| move |reason: ModelError| (file, reason);
    let tensors = |file: &'static str, columns: TensorColumns| {
        columns.encode().map_err(|e| (file, ModelError::Encoding(e.to_string())))
    };
    Ok(vec![
        (ITEMS, tensors(ITEMS, item_columns(parts).map_err(at(ITEMS))?)?),
        (INPUT, fifu::encode(items(), &parts.input).map_err(at(INPUT))?),
        (OUTPUT, fifu::encode(items(), &parts.output).map_err(at(OUTPUT))?),
        (ITEM_FACTORS, fifu::encode(items(), &parts.item_factors).map_err(at(ITEM_FACTORS))?),
        (CUSTOMER_FACTORS, fifu::encode(customers(), &parts.customer_factors).map_err(at(CUSTOMER_FACTORS))?),
        (
            CO_PURCHASES,
            tensors(CO_PURCHASES, with_switches(co_purchase_columns(&parts.co_purchases), &parts.switches))?,
        ),
        (CATEGORY_PAIRS, tensors(CATEGORY_PAIRS, co_purchase_columns(&parts.category_pairs))?),
        (CATEGORY_PARTNERS, tensors(CATEGORY_PARTNERS, co_purchase_columns(&parts.category_partners))?),
        (HISTORIES, tensors(HISTORIES, history_columns(&parts.histories, &parts.recent_baskets))?),
        (TREES, serde_json::to_vec(&parts.blends.trees()).map_err(|e| (TREES, ModelError::Encoding(e.to_string())))?),
    ])
}

/// Decodes the parts. `read` returns the verified bytes of a file.
pub(super) fn decode<E>(
    straight: Blends,
    profiles: ProfileConfig,
    mut read: impl FnMut(&'static str) -> Result<Vec<u8>, E>,
    refuse: impl Fn(Refused) -> E,
) -> Result<Parts, E> {
    let mut file = |name: &'static str| read(name);
    let at = |file: &'static str| {
        let refuse = &refuse;
        move |reason: ModelError| refuse((file, reason))
    };
    let (catalogue, neighbours, attributes, stores) = items(&file(ITEMS)?).map_err(at(ITEMS))?;
    let items = catalogue.items().texts();
    let input = fifu::decode(&file(INPUT)?, items).map_err(at(INPUT))?;
    let output = fifu::decode(&file(OUTPUT)?, items).map_err(at(OUTPUT))?;
    let item_factors = fifu::decode(&file(ITEM_FACTORS)?, items).map_err(at(ITEM_FACTORS))?;
    let (pairs, switches) = co_purchases_and_switches(&file(CO_PURCHASES)?, items.len()).map_err(at(CO_PURCHASES))?;
    let categories = catalogue.categories().len();
    let category_pairs = co_purchases(&file(CATEGORY_PAIRS)?, Category, categories).map_err(at(CATEGORY_PAIRS))?;
    let category_partners =
        co_purchases(&file(CATEGORY_PARTNERS)?, Item, items.len()).map_err(at(CATEGORY_PARTNERS))?;
    let (histories, recent_baskets) = self::histories(&file(HISTORIES)?, items.len()).map_err(at(HISTORIES))?;
    let customers = histories.customers().texts();
    let customer_factors = fifu::decode(&file(CUSTOMER_FACTORS)?, customers).map_err(at(CUSTOMER_FACTORS))?;
    let trees =
        serde_json::from_slice(&file(TREES)?).map_err(|e| refuse((TREES, ModelError::Encoding(e.to_string()))))?;
    Ok(Parts {
        catalogue,
        attributes,
        stores,
        input,
        output,
        neighbours,
        item_factors,
        customer_factors,
        co_purchases: pairs,
        category_pairs,
        category_partners,
        switches,
        histories,
        profiles,
        recent_baskets,
        blends: straight.with_trees(trees),
    })
}

fn item_columns(parts: &Parts) -> Result<TensorColumns, ModelError> {
    let catalogue = &parts.catalogue;
    let mut columns = TensorColumns::default();
    columns.put_texts("items", catalogue.items().texts());
    columns.put_texts("names", catalogue.names());
    columns.put_u32("baskets", catalogue.all_baskets());
    columns.put_u32("recent_baskets", catalogue.all_recent_baskets());
    columns.put_u32("latest_baskets", catalogue.all_latest_baskets());
    columns.put_f32_if_any("sales_on_offer", catalogue.all_sales_on_offer());
    columns.put_f32_if_any("price", catalogue.all_prices());
    columns.put_u32("category", catalogue.all_categories());
    columns.put_texts("categories", catalogue.categories().texts());
    columns.put_u32("category_baskets", catalogue.all_category_baskets());
    columns.put_u32("total_baskets", &[catalogue.total_baskets()]);
    columns.put_u32("total_recent_baskets", &[catalogue.total_recent_baskets()]);
    columns.put_u32("total_latest_baskets", &[catalogue.total_latest_baskets()]);
    if !parts.neighbours.is_empty() {
        let (offsets, neighbours) = parts.neighbours.columns();
        columns.put_u64("neighbours_bounds", offsets);
        columns.put_numbers("neighbours", neighbours);
    }
    let mixed = catalogue.mixed_categories();
    if !mixed.is_empty() {
        columns.put_u32("mixed_categories", mixed);
    }
    attributes::put(&mut columns, &parts.attributes)?;
    let stores = &parts.stores;
    if !stores.ids().is_empty() {
        let (offsets, item, baskets, totals) = stores.columns();
        columns.put_texts("stores", stores.ids().texts());
        columns.put_u64("store_bounds", offsets);
        columns.put_numbers("store_items", item);
        columns.put_u16("store_baskets", baskets);
        columns.put_u32("store_totals", totals);
        columns.put_f32("store_expected", &[stores.expected()]);
    }
    Ok(columns)
}

fn items(bytes: &[u8]) -> Result<(Catalogue, Neighbours, Attributes, Stores), ModelError> {
    let table = Tensors::decode(bytes)?;
    let neighbours = if table.has("neighbours") {
        let offsets = table.take_u64("neighbours_bounds")?;
        let learned = offsets.len().saturating_sub(1);
        Neighbours::from_parts(offsets, table.take_items("neighbours")?, learned)?
    } else {
        Neighbours::default()
    };
    let catalogue = Catalogue::new(CatalogueParts {
        items: ids(&table, "items")?,
        names: table.take_texts("names")?,
        baskets: table.take_u32("baskets")?,
        recent_baskets: table.take_u32("recent_baskets")?,
        latest_baskets: table.take_u32("latest_baskets")?,
        sales_on_offer: table.take_f32_if_any("sales_on_offer")?,
        prices: table.take_f32_if_any("price")?,
        category: table.take_u32("category")?,
        categories: ids(&table, "categories")?,
        category_baskets: table.take_u32("category_baskets")?,
        total_baskets: table.take_one("total_baskets")?,
        total_recent_baskets: table.take_one("total_recent_baskets")?,
        total_latest_baskets: table.take_one("total_latest_baskets")?,
    })?;
    let catalogue = if table.has("mixed_categories") {
        catalogue.with_mixed_categories(table.take_u32("mixed_categories")?)?
    } else {
        catalogue
    };
    let items = catalogue.items().len();
    let stores = if table.has("stores.text") {
        let (offsets, item) = (table.take_u64("store_bounds")?, table.take_items("store_items")?);
        let (baskets, totals) = (table.take_u16("store_baskets")?, table.take_u32("store_totals")?);
        let [expected] = table.take_f32("store_expected")?[..] else {
            return Err(ModelError::Encoding("`store_expected` is not one number".into()));
        };
        Stores::new(ids(&table, "stores")?, offsets, item, baskets, totals, expected, items)?
    } else {
        Stores::default()
    };
    Ok((catalogue, neighbours, attributes::take(&table, items)?, stores))
}

fn co_purchase_columns<Of: Number, With: Number>(co_purchases: &CoPurchases<Of, With>) -> TensorColumns {
    let (offsets, partner, baskets, weight) = co_purchases.columns();
    let mut columns = TensorColumns::default();
    columns.put_u64("bounds", offsets);
    columns.put_numbers("partner", partner);
    columns.put_u32("baskets", baskets);
    columns.put_f32("weight", weight);
    columns
}

/// `partner` makes a partner of its number; `partners` is the number of all partners.
fn co_purchases<Of: Number, With: Number>(
    bytes: &[u8],
    partner: fn(u32) -> With,
    partners: usize,
) -> Result<CoPurchases<Of, With>, ModelError> {
    let table = Tensors::decode(bytes)?;
    let (offsets, partner) = (table.take_u64("bounds")?, table.take_u32("partner")?.into_iter().map(partner).collect());
    CoPurchases::from_parts(offsets, partner, table.take_u32("baskets")?, table.take_f32("weight")?, partners)
}

/// Adds the switches, if there are any; older artefacts have none.
fn with_switches(mut columns: TensorColumns, switches: &CoPurchases) -> TensorColumns {
    if !switches.is_empty() {
        let (offsets, partner, changes, weight) = switches.columns();
        columns.put_u64("switch_bounds", offsets);
        columns.put_numbers("switch_partner", partner);
        columns.put_u32("switch_changes", changes);
        columns.put_f32("switch_weight", weight);
    }
    columns
}

fn co_purchases_and_switches(bytes: &[u8], items: usize) -> Result<(CoPurchases, CoPurchases), ModelError> {
    let table = Tensors::decode(bytes)?;
    let switches = if table.has("switch_bounds") {
        let (offsets, partner) = (table.take_u64("switch_bounds")?, table.take_items("switch_partner")?);
        let (changes, weight) = (table.take_u32("switch_changes")?, table.take_f32("switch_weight")?);
        CoPurchases::from_parts(offsets, partner, changes, weight, items)?
    } else {
        CoPurchases::new([])
    };
    Ok((co_purchases(bytes, Item, items)?, switches))
}

fn history_columns(histories: &Histories, recent_baskets: &RecentBaskets) -> TensorColumns {
    let (offsets, habits, baskets, decayed_baskets) = histories.parts();
    let mut columns = TensorColumns::default();
    columns.put_texts("customers", histories.customers().texts());
    columns.put_u64("bounds", offsets);
    columns.put_numbers("item", &habits.item);
    columns.put_u16("baskets", &habits.baskets);
    columns.put_u16("first_day", &habits.first_day);
    columns.put_u16("last_day", &habits.last_day);
    columns.put_f32("decayed", &habits.decayed);
    columns.put_f32_if_any("taken_on_offer", &habits.taken_on_offer);
    columns.put_f32_if_any("quantity", &habits.quantity);
    columns.put_u32("customer_baskets", baskets);
    columns.put_f32("customer_decayed_baskets", decayed_baskets);
    let last = histories.last();
    columns.put_u64("last_baskets", last.rows.as_slice());
    columns.put_u16("last_basket_day", &last.day);
    columns.put_u64("last_basket_lines", last.basket_offsets.as_slice());
    columns.put_positions("last_basket_position", &last.position);
    columns.put_u16("end", &[last.end]);
    let (from, hashes) = recent_baskets.parts();
    if !hashes.is_empty() {
        columns.put_u16("recent_baskets_from", &[from]);
        columns.put_u64("recent_baskets", hashes);
    }
    columns
}

fn histories(bytes: &[u8], items: usize) -> Result<(Histories, RecentBaskets), ModelError> {
    let table = Tensors::decode(bytes)?;
    let columns = ItemStatsColumns {
        item: table.take_items("item")?,
        baskets: table.take_u16("baskets")?,
        first_day: table.take_u16("first_day")?,
        last_day: table.take_u16("last_day")?,
        decayed: table.take_f32("decayed")?,
        taken_on_offer: table.take_f32_if_any("taken_on_offer")?,
        quantity: table.take_f32_if_any("quantity")?,
    };
    let day = table.take_u16("last_basket_day")?;
    let position: Vec<Position> = table.take_u16("last_basket_position")?.into_iter().map(Position).collect();
    let rows = |name: &str, values: usize| {
        Offsets::from_vec(table.take_u64(name)?, values)
            .ok_or_else(|| ModelError::Order(format!("the bounds `{name}` are not valid")))
    };
    let [end] = table.take_u16("end")?[..] else { return Err(ModelError::Encoding("`end` is not one number".into())) };
    let last = LastBaskets {
        rows: rows("last_baskets", day.len())?,
        basket_offsets: rows("last_basket_lines", position.len())?,
        day,
        position,
        end,
    };
    // Without these columns, in older artefacts, every basket of the period counts as known.
    let recent_baskets = if table.has("recent_baskets") {
        let [from] = table.take_u16("recent_baskets_from")?[..] else {
            return Err(ModelError::Encoding("`recent_baskets_from` is not one number".into()));
        };
        RecentBaskets::from_parts(from, table.take_u64("recent_baskets")?)?
    } else {
        RecentBaskets::new(end, Vec::new())
    };
    let histories = Histories::new(
        ids(&table, "customers")?,
        table.take_u64("bounds")?,
        columns,
        table.take_u32("customer_baskets")?,
        table.take_f32("customer_decayed_baskets")?,
        last,
        items,
    )?;
    Ok((histories, recent_baskets))
}

fn ids(table: &Tensors<'_>, name: &str) -> Result<Ids, ModelError> {
    Ids::new(table.take_texts(name)?)
        .map_err(|at| ModelError::Duplicate(format!("the ID at position {at} of `{name}` stands there twice")))
}
