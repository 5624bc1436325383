//! Connection slots. A connection counts as unauthenticated until a request that needs a key has succeeded; health
//! requests need none. When all slots are taken, a new connection evicts the oldest unauthenticated one.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Number of unauthenticated connections that one address may always have, as long as slots are free.
const A_FEW: usize = 8;

/// A limit on the number of connections.
#[derive(Debug)]
pub(super) struct ConnectionSlots {
    most: usize,
    there: Mutex<SlotTable>,
}

#[derive(Debug, Default)]
struct SlotTable {
    known: usize,
    next: u64,
    /// In order of arrival.
    unauthenticated: BTreeMap<u64, Unauthenticated>,
    /// Number of unauthenticated connections by address.
    from: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Unauthenticated {
    address: IpAddr,
    leave: Arc<Notify>,
}

/// A connection slot, freed on drop.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<ConnectionSlots>,
    number: u64,
    leave: Arc<Notify>,
    is_known: AtomicBool,
}

impl ConnectionSlots {
    /// A limit of `most` connections.
    pub(super) fn new(most: usize) -> Self {
        Self { most, there: Mutex::default() }
    }

    /// A slot for a new connection; `None` if all slots belong to authenticated connections. One address gets
    /// unauthenticated connections for at most half of the slots, but always [`A_FEW`]; a further one evicts its
    /// oldest.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let mut there = self.there();
        if there.from.get(&address).copied().unwrap_or(0) >= (self.most / 2).max(A_FEW) {
            let first = there.unauthenticated.iter().find(|(_, stranger)| stranger.address == address);
            let first = first.map(|(&number, _)| number);
            there.evict(first);
        }
        if there.count() >= self.most {
            let first = there.unauthenticated.keys().next().copied();
            there.evict(first);
        }
        if there.count() >= self.most {
            return None;
        }
        let (number, leave) = (there.next, Arc::new(Notify::new()));
        there.next += 1;
        there.unauthenticated.insert(number, Unauthenticated { address, leave: leave.clone() });
        *there.from.entry(address).or_default() += 1;
        Some(Slot { slots: self.clone(), number, leave, is_known: AtomicBool::new(false) })
    }

    fn there(&self) -> MutexGuard<'_, SlotTable> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SlotTable {
    fn count(&self) -> usize {
        self.known + self.unauthenticated.len()
    }

    /// Evicts an unauthenticated connection.
    fn evict(&mut self, number: Option<u64>) {
        if let Some(stranger) = number.and_then(|number| self.no_stranger(number)) {
            stranger.leave.notify_one();
        }
    }

    /// Removes a connection from the unauthenticated ones.
    fn no_stranger(&mut self, number: u64) -> Option<Unauthenticated> {
        let stranger = self.unauthenticated.remove(&number)?;
        if let Some(from) = self.from.get_mut(&stranger.address) {
            *from -= 1;
            if *from == 0 {
                self.from.remove(&stranger.address);
            }
        }
        Some(stranger)
    }
}

impl Slot {
    /// Marks the connection as authenticated: it is no longer evicted.
    pub(super) fn keep(&self) {
        if self.is_known.load(Ordering::Relaxed) {
            return;
        }
        let mut there = self.slots.there();
        if there.no_stranger(self.number).is_some() {
            there.known += 1;
            self.is_known.store(true, Ordering::Relaxed);
        }
    }

    /// Completes when the connection is evicted.
    pub(super) async fn lost(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut there = self.slots.there();
        if *self.is_known.get_mut() {
            there.known -= 1;
        } else {
            there.no_stranger(self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use futures_util::FutureExt;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn has_lost(place: &Slot) -> bool {
        place.lost().now_or_never().is_some()
    }

    #[test]
    fn strangers_take_the_places_of_strangers_and_of_nobody_else() {
        let slots = Arc::new(ConnectionSlots::new(4));
        let mut places: Vec<Slot> = (1..5).map(|last| slots.enter(address(last)).unwrap()).collect();
        places[0].keep();
        places.push(slots.enter(address(5)).unwrap());
        assert_eq!(places.iter().map(has_lost).collect::<Vec<_>>(), [false, true, false, false, false]);
        let lost = places.remove(1);
        lost.keep();
        drop(lost);
        places.iter().for_each(Slot::keep);
        assert!(slots.enter(address(6)).is_none(), "all are known");
        places.pop();
        drop(slots.enter(address(6)).expect("a place became free"));
        drop(places);
        let there = slots.there();
        assert!(there.count() == 0 && there.from.is_empty(), "{there:?}");
    }

    #[test]
    fn one_address_has_half_of_the_places() {
        let slots = Arc::new(ConnectionSlots::new(20));
        let one: Vec<Slot> = (0..12).map(|_| slots.enter(address(1)).unwrap()).collect();
        assert_eq!(one.iter().filter(|place| has_lost(place)).count(), 2);
        assert!(!one[2..].iter().any(has_lost), "the first ones made room");
        let others: Vec<Slot> = (2..12).map(|last| slots.enter(address(last)).unwrap()).collect();
        assert!(!one[2..].iter().chain(&others).any(has_lost));
        one[2].keep();
        let more = slots.enter(address(12)).unwrap();
        assert!(has_lost(&one[3]), "the first of the strangers, as all places are taken");
        drop(more);
    }
}
