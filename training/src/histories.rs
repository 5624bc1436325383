//! Counts what each customer buys: how often, from when to when, and how much of it lately.

use trolley_model::histories::{ItemStats, ItemStatsColumns, LastBaskets};
use trolley_model::{Histories, Offsets};

use crate::baskets::Baskets;
use crate::input::ANONYMOUS;
use crate::on_offer::OnOfferDays;

/// The histories of all customers. A purchase `half_life_days` before the end of the period counts half in `decayed`.
/// Of each customer the last `kept` baskets are kept as they were. What was taken on offer is said where offers are known.
pub(crate) fn histories(
    baskets: &Baskets,
    items: usize,
    half_life_days: f32,
    kept: usize,
    on_offer: Option<&OnOfferDays>,
) -> Result<Histories, String> {
    let customers = baskets.customers.len();
    let mut of_customer: Vec<Vec<u32>> = vec![Vec::new(); customers];
    for (number, head) in baskets.heads.iter().enumerate().filter(|(_, head)| head.customer != ANONYMOUS) {
        of_customer[head.customer as usize].push(number as u32);
    }
    let decay = |day: u16| (-f32::from(baskets.end - 1 - day) / half_life_days).exp2();
    let mut columns = ItemStatsColumns::default();
    let mut offsets = vec![0u64];
    let (mut last_offsets, mut line_offsets) = (vec![0u64], vec![0u64]);
    let (mut last_day, mut last_position) = (Vec::new(), Vec::new());
    let (mut all, mut all_decayed) = (Vec::with_capacity(customers), Vec::with_capacity(customers));
    for own in &of_customer {
        let mut lines: Vec<(u32, u16)> = own
            .iter()
            .flat_map(|&basket| {
                let day = baskets.heads[basket as usize].day;
                baskets.items(basket as usize).iter().map(move |&item| (item, day))
            })
            .collect();
        lines.sort_unstable();
        for same in lines.chunk_by(|a, b| a.0 == b.0) {
            if let Some(on_offer) = on_offer {
                let days: Vec<u16> = same.iter().map(|&(_, day)| day).collect();
                columns.taken_on_offer.push(on_offer.taken(same[0].0, &days));
            }
            columns.push(ItemStats {
                item: same[0].0,
                baskets: same.len().min(usize::from(u16::MAX)) as u16,
                first_day: same[0].1,
                last_day: same[same.len() - 1].1,
                decayed: same.iter().map(|&(_, day)| decay(day)).sum(),
            });
        }
        let history = &columns.item[offsets[offsets.len() - 1] as usize..];
        for &basket in &own[own.len().saturating_sub(kept)..] {
            last_day.push(baskets.heads[basket as usize].day);
            let positions = baskets.items(basket as usize).iter().filter_map(|item| history.binary_search(item).ok());
            // Of a history of more than 65,536 items, the bestsellers.
            last_position.extend(positions.filter_map(|position| u16::try_from(position).ok()));
            line_offsets.push(last_position.len() as u64);
        }
        last_offsets.push(last_day.len() as u64);
        offsets.push(columns.item.len() as u64);
        all.push(own.len() as u32);
        all_decayed.push(own.iter().map(|&basket| decay(baskets.heads[basket as usize].day)).sum());
    }
    let rows = |offsets, values| Offsets::from_vec(offsets, values).ok_or("the last baskets are out of order");
    let last = LastBaskets {
        rows: rows(last_offsets, last_day.len())?,
        basket_offsets: rows(line_offsets, last_position.len())?,
        day: last_day,
        position: last_position,
        end: baskets.end,
    };
    Histories::new(baskets.customers.clone(), offsets, columns, all, all_decayed, last, items)
}
