//! How pushed stock is applied to the snapshot of a market.

use std::sync::Arc;

use super::market::Market;
use super::snapshot::Snapshot;
use super::stock::{StockUpdate, Updated};
use super::store_stock::StoreStock;
use crate::metrics;
use crate::store::{StockRow, StoreStockRow};

impl Market {
    /// Applies the stock updates of a change with this version.
    pub fn put_stock(&self, updates: &[StockUpdate], version: i64) -> Updated {
        let (mut accepted, mut turned) = (0, Vec::new());
        {
            let mut pushed = self.pushed();
            let stock = Arc::make_mut(&mut pushed.stock);
            for update in updates {
                let before = stock.said(&update.item);
                if stock.update_by(update, version) {
                    accepted += 1;
                    if before != Some(update.in_stock) {
                        turned.push(update.item.as_str());
                    }
                }
            }
            pushed.revision += u64::from(!turned.is_empty());
            metrics::stock_known(self.name(), pushed.stock.len());
        }
        self.turn(&turned);
        Updated { accepted, stale: updates.len() - accepted }
    }

    /// Applies stock records of the database.
    pub(super) fn load_stock(&self, rows: &[StockRow]) {
        let mut turned = Vec::new();
        {
            let mut pushed = self.pushed();
            let stock = Arc::make_mut(&mut pushed.stock);
            for row in rows {
                let before = stock.said(&row.item);
                stock.load(&row.item, row.said(), row.version);
                if stock.said(&row.item) != before {
                    turned.push(row.item.as_str());
                }
            }
            pushed.revision += u64::from(!turned.is_empty());
            metrics::stock_known(self.name(), pushed.stock.len());
        }
        self.turn(&turned);
    }

    /// Whether any store has had a stock record.
    pub(super) fn knows_store_stock(&self) -> bool {
        !self.pushed().store_stock.is_empty()
    }

    /// Removes the record of an item: it is in stock, and its next update applies whatever its sequence.
    pub fn forget_stock(&self, item: &str) {
        let was_out = {
            let mut pushed = self.pushed();
            let was_out = pushed.stock.said(item).is_some();
            Arc::make_mut(&mut pushed.stock).forget(item);
            pushed.revision += u64::from(was_out);
            metrics::stock_known(self.name(), pushed.stock.len());
            was_out
        };
        if was_out {
            self.turn(&[item]);
        }
    }

    /// Applies the changed stock of some items to the snapshot.
    fn turn(&self, turned: &[&str]) {
        if turned.is_empty() {
            return;
        }
        let _building = self.building();
        if let Some(snapshot) = self.snapshot() {
            // Read again, since a later push may have been applied first.
            let changes: Vec<(&str, Option<bool>)> = {
                let pushed = self.pushed();
                turned.iter().map(|&item| (item, pushed.stock.said(item))).collect()
            };
            self.snapshot.store(Some(Arc::new(snapshot.with_stock(&changes))));
        }
    }

    /// Applies stock records of stores from the database: all of them for items with a market-wide update
    /// (`of_market`), and the new ones for others.
    pub(super) fn load_store_stock(&self, of_market: &[String], rows: &[StoreStockRow]) {
        let mut changes: Vec<(String, String)> = Vec::new();
        {
            let mut pushed = self.pushed();
            if rows.is_empty() && pushed.store_stock.is_empty() {
                return;
            }
            let stock = Arc::make_mut(&mut pushed.store_stock);
            for item in of_market {
                changes.extend(stock.forget(item).into_iter().map(|store| (store, item.clone())));
            }
            for StoreStockRow { store, item, in_stock } in rows {
                stock.say(store, item, *in_stock);
                changes.push((store.clone(), item.clone()));
            }
            pushed.revision += u64::from(!changes.is_empty());
        }
        if changes.is_empty() {
            return;
        }
        let _building = self.building();
        if let Some(snapshot) = self.snapshot() {
            let pushed = self.view();
            self.snapshot.store(Some(Arc::new(snapshot.with_store_stock(&pushed.store_stock, &changes))));
        }
    }

    /// Replaces the stock records of all stores.
    pub(super) fn put_store_stock(&self, stock: StoreStock) {
        {
            let mut pushed = self.pushed();
            if stock.is_empty() && pushed.store_stock.is_empty() {
                return;
            }
            pushed.store_stock = Arc::new(stock);
            pushed.revision += 1;
        }
        self.rebuild(Snapshot::renewed);
    }
}
