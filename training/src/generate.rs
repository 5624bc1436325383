//! Generates a synthetic shop of any size, with planted complements and substitutes.
//!
//! Item sales follow Zipf's law. Every customer has a list of usual items, which fill half of each basket. Some items
//! have a complement, which is often in the same basket. The items of a category form groups of three substitutes with
//! a common companion item. A customer has a usual item of each group, sometimes takes another one, and never two at a
//! time.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::progress::Progress;
use crate::random::Random;

/// The size of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShopSize {
    /// Approximate number of lines of all baskets.
    pub lines: u64,
    /// Number of items.
    pub items: u32,
    /// Number of customers.
    pub customers: u32,
    /// Number of days from the first basket to the last.
    pub days: u16,
}

/// Mean number of lines drawn for a basket.
const BASKET: f64 = 8.0;
/// Mean number of lines of a basket, with the items that go with them.
const WHOLE_BASKET: f64 = 11.0;
/// Number of items of a category.
const CATEGORY: u32 = 12;
/// Number of items on a customer's list of usual items.
const USUAL: usize = 25;
/// Share of a basket's lines from that list.
const HABIT: f32 = 0.5;
/// One in this number of items has a complement.
const COMPLEMENTS: u32 = 8;
/// Probability that a complement or companion is added.
const TOGETHER: f32 = 0.4;
/// Number of items in a group of substitutes.
const SUBSTITUTES: u32 = 3;
/// Probability that a customer takes another item of a group than the usual one.
const CHANGE: f32 = 0.25;
/// Number of lines per file.
const FILE: u64 = 10_000_000;
/// 2024-01-01.
const FIRST_DAY: u64 = 19_723;

/// Pairs of item numbers.
pub type PlantedPairs = Vec<(u32, u32)>;

/// A synthetic shop.
#[derive(Debug)]
pub struct Shop {
    size: ShopSize,
    seed: u64,
    /// Cumulative weights of the items, by rank.
    weights: Vec<f64>,
    /// The items by rank: neighbours in rank are not neighbours in number or category.
    ranks: Vec<u32>,
}

impl Shop {
    /// The shop of a seed.
    pub fn new(size: ShopSize, seed: u64) -> Self {
        let mut ranks: Vec<u32> = (0..size.items.max(1)).collect();
        Random::new(seed, &[0]).shuffle(&mut ranks);
        let mut sum = 0.0;
        // Zipf's law with a flattened head: as in real shops, the best seller is in a few percent of the baskets.
        let weight = |rank: usize| 1.0 / (rank as f64 + 20.0);
        let weights = (0..ranks.len()).map(|rank| {
            sum += weight(rank);
            sum
        });
        Self { size, seed, weights: weights.collect(), ranks }
    }

    /// The complement of an item, if it has one: an item of another category.
    fn complement(&self, item: u32) -> Option<u32> {
        let other = (item + 5 * CATEGORY + 2) % self.size.items;
        (item.is_multiple_of(COMPLEMENTS) && other != item).then_some(other)
    }

    /// The group of substitutes of an item, which includes it.
    fn substitutes(&self, item: u32) -> std::ops::Range<u32> {
        let first = item / SUBSTITUTES * SUBSTITUTES;
        first..(first + SUBSTITUTES).min(self.size.items)
    }

    /// The companion of a group of substitutes: an item of another category.
    fn companion(&self, group: u32) -> u32 {
        (group + 7 * CATEGORY + 1) % self.size.items
    }

    fn draw(&self, random: &mut Random) -> usize {
        let total = self.weights.last().copied().unwrap_or(0.0);
        let point = f64::from(random.unit()) * total;
        self.weights.partition_point(|&sum| sum <= point).min(self.ranks.len() - 1)
    }

    /// The planted pairs: complements, and substitutes.
    pub fn planted(&self) -> (PlantedPairs, PlantedPairs) {
        let complement = |item: u32| Some((item, self.complement(item)?));
        let substitutes =
            |item: u32| self.substitutes(item).filter(move |&other| other != item).map(move |o| (item, o));
        ((0..self.size.items).filter_map(complement).collect(), (0..self.size.items).flat_map(substitutes).collect())
    }

    /// Writes `transactions-000.csv` and so on, `items.csv`, `planted.csv` and a config, `shop.toml`, into a folder.
    /// Returns the number of lines.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(&self, folder: &Path, progress: &dyn Progress) -> io::Result<u64> {
        std::fs::create_dir_all(folder)?;
        let mut items = BufWriter::new(File::create(folder.join("items.csv"))?);
        writeln!(items, "item_id,category,name")?;
        for item in 0..self.size.items {
            let category = item / CATEGORY;
            writeln!(items, "i{item},c{category},Item {} of category {category}", item % CATEGORY)?;
        }
        items.flush()?;
        let mut planted = BufWriter::new(File::create(folder.join("planted.csv"))?);
        writeln!(planted, "kind,item_id,other_id")?;
        let (complements, substitutes) = self.planted();
        for (kind, pairs) in [("complement", complements), ("substitute", substitutes)] {
            for (item, other) in pairs {
                writeln!(planted, "{kind},i{item},i{other}")?;
            }
        }
        planted.flush()?;
        let path = folder.display();
        std::fs::write(
            folder.join("shop.toml"),
            format!(
                "models = \"{path}/models\"\nreports = \"{path}/reports\"\nrejects = \"{path}/rejects\"\n\n\
                 [server]\nstate = \"sqlite:{path}/state.sqlite\"\n\n\
                 [markets.shop]\ntransactions = \"{path}/transactions-*.csv\"\nitems = \"{path}/items.csv\"\n"
            ),
        )?;
        self.write_baskets(folder, progress)
    }

    fn write_baskets(&self, folder: &Path, progress: &dyn Progress) -> io::Result<u64> {
        let mut files = Files { folder, file: None, lines: 0 };
        progress.begin("baskets", u64::from(self.size.customers));
        let customers = self.size.customers.max(1);
        let mut basket = 0u64;
        for customer in 0..customers {
            let random = &mut Random::new(self.seed, &[1, u64::from(customer)]);
            let usual: Vec<usize> = (0..USUAL).map(|_| self.draw(random)).collect();
            // The number of baskets varies by customer, between a half and one and a half of the mean.
            let share = self.size.lines as f64 / f64::from(customers) / WHOLE_BASKET;
            let baskets = (share * f64::from(0.5 + random.unit()) + f64::from(random.unit())) as u64;
            for _ in 0..baskets {
                let day = FIRST_DAY + random.below(usize::from(self.size.days.max(1))) as u64;
                let time = day * 86_400 + 8 * 3600 + random.below(12 * 3600) as u64;
                let items = self.basket(&usual, u64::from(customer), random);
                let file = files.next(items.len() as u64)?;
                for item in items {
                    writeln!(file, "b{basket},i{item},{time},c{customer}")?;
                }
                basket += 1;
            }
            progress.advance(1);
        }
        progress.end();
        files.finish()
    }

    fn basket(&self, usual: &[usize], customer: u64, random: &mut Random) -> Vec<u32> {
        // Sizes follow an exponential distribution: many small ones, a few large.
        let lines = (-f64::from(1.0 - random.unit()).ln() * (BASKET - 0.5)) as usize + 1;
        let mut items: Vec<u32> = Vec::with_capacity(lines + 4);
        for _ in 0..lines.min(200) {
            let rank = if random.unit() < HABIT { usual[random.below(usual.len())] } else { self.draw(random) };
            let item = self.chosen(self.ranks[rank], customer, random);
            items.push(item);
            let group = self.substitutes(item);
            if random.unit() < TOGETHER {
                items.push(self.companion(group.start));
            }
            items.extend(self.complement(item).filter(|_| random.unit() < TOGETHER));
        }
        items.sort_unstable();
        items.dedup();
        // Of each group of substitutes only the first item stays.
        let mut taken = u32::MAX;
        items.retain(|&item| {
            let group = self.substitutes(item);
            let again = group.start == taken;
            taken = group.start;
            !again
        });
        items
    }

    /// The customer's usual item in the group of substitutes, or sometimes another one.
    fn chosen(&self, item: u32, customer: u64, random: &mut Random) -> u32 {
        let group = self.substitutes(item);
        if group.len() < 2 {
            return item;
        }
        let own = Random::new(self.seed, &[2, customer, u64::from(group.start)]).below(group.len()) as u32;
        let step = if random.unit() < CHANGE { 1 + random.below(group.len() - 1) as u32 } else { 0 };
        group.start + (own + step) % group.len() as u32
    }
}

/// The transaction files, of [`FILE`] lines each.
struct Files<'a> {
    folder: &'a Path,
    file: Option<BufWriter<File>>,
    lines: u64,
}

impl Files<'_> {
    /// The file for the next lines.
    fn next(&mut self, lines: u64) -> io::Result<&mut BufWriter<File>> {
        let (before, after) = (self.lines / FILE, (self.lines + lines) / FILE);
        self.lines += lines;
        if after > before
            && let Some(mut full) = self.file.take()
        {
            full.flush()?;
        }
        match &mut self.file {
            Some(file) => Ok(file),
            none => {
                let file = File::create(self.folder.join(format!("transactions-{after:03}.csv")))?;
                let file = none.insert(BufWriter::with_capacity(1 << 20, file));
                writeln!(file, "basket_id,item_id,timestamp,customer_id")?;
                Ok(file)
            }
        }
    }

    fn finish(self) -> io::Result<u64> {
        if let Some(mut file) = self.file {
            file.flush()?;
        }
        Ok(self.lines)
    }
}
