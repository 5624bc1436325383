//! Two published methods of next-basket prediction that use the purchases of similar customers: TIFU-KNN (Hu et al.
//! 2020, "Modeling Personalized Item Frequency Information for Next-basket Recommendation") and UP-CF (Faggioli et al.
//! 2020, "Recency Aware Collaborative Filtering for Next Basket Recommendation").
//!
//! Both compare all customers with all customers, so they are left out with more than [`MOST_CUSTOMERS`].

use rayon::prelude::*;
use trolley_model::{Customer, Item, Model, Top};

use super::baselines::best;
use super::case::Case;
use super::numbering::Numbering;
use crate::input::Transactions;

/// Maximum number of customers that are compared.
pub(super) const MOST_CUSTOMERS: usize = 50_000;

/// Settings of TIFU-KNN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TifuKnn {
    /// Maximum number of groups into which a customer's baskets are divided.
    pub(super) groups: usize,
    /// Weight of a basket relative to the next newer one of its group.
    pub(super) within: f32,
    /// Weight of a group relative to the next newer one.
    pub(super) between: f32,
    /// Number of neighbours per customer.
    pub(super) neighbours: usize,
    /// Weight of the customer's own vector; the mean of the neighbours' vectors has the rest up to 1.
    pub(super) own_share: f32,
}

/// The best settings on most of the authors' data sets.
impl Default for TifuKnn {
    fn default() -> Self {
        Self { groups: 7, within: 0.9, between: 0.7, neighbours: 300, own_share: 0.7 }
    }
}

/// Settings of UP-CF.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct UpCf {
    /// Number of a customer's last baskets that count.
    pub(super) window: usize,
    /// Exponent of the customer's own number of items in a similarity; the exponent of the neighbour's is the rest up
    /// to 1.
    pub(super) asymmetry: f32,
    /// Exponent of the similarities.
    pub(super) locality: i32,
}

/// The best settings on most of the authors' data sets.
impl Default for UpCf {
    fn default() -> Self {
        Self { window: 25, asymmetry: 0.25, locality: 5 }
    }
}

/// Maximum number of neighbours per customer in UP-CF.
const SIMILAR: usize = 300;

/// A sparse vector over items, ascending.
type Sparse = Vec<(Item, f32)>;

/// Customers by their numbers, with weights.
type Weighted = Vec<(u32, f32)>;

/// The baskets of each customer, oldest first, numbered as in a model.
pub(super) struct OfCustomers {
    baskets: Vec<Vec<Vec<Item>>>,
    items: usize,
}

impl OfCustomers {
    /// `baskets` are those on which the model is trained. `None` if there are no customers or too many.
    pub(super) fn new(
        model: &Model,
        transactions: &Transactions,
        baskets: impl Iterator<Item = usize>,
    ) -> Option<Self> {
        let customers = model.histories().customers().len();
        if customers == 0 || customers > MOST_CUSTOMERS {
            return None;
        }
        let numbering = Numbering::new(transactions, model);
        let mut of_customer: Vec<Vec<Vec<Item>>> = vec![Vec::new(); customers];
        for basket in baskets {
            if let Some(Customer(customer)) = numbering.customer(transactions.baskets[basket].customer) {
                of_customer[customer as usize].push(numbering.items(transactions.items_of(basket)));
            }
        }
        Some(Self { baskets: of_customer, items: model.catalogue().items().len() })
    }

    fn all(&self) -> Vec<Customer> {
        (0..self.baskets.len() as u32).map(Customer).collect()
    }

    /// TIFU-KNN for all customers.
    pub(super) fn tifu_knn(&self, settings: TifuKnn) -> Method {
        let mut of_one = self.tifu_knns(settings, &[(settings.neighbours, settings.own_share)], &self.all());
        of_one.swap_remove(0)
    }

    /// TIFU-KNN with the same vectors and several numbers of neighbours and own shares. Neighbours are computed for
    /// `customers` only.
    pub(super) fn tifu_knns(&self, settings: TifuKnn, varied: &[(usize, f32)], customers: &[Customer]) -> Vec<Method> {
        let vectors: Vec<Sparse> = self.baskets.par_iter().map(|baskets| tifu_vector(baskets, settings)).collect();
        let lengths: Vec<f32> = vectors.iter().map(|vector| vector.iter().map(|(_, x)| x * x).sum()).collect();
        // The negative squared Euclidean distance.
        let closeness = |a: usize, b: usize, product: f32| 2.0 * product - lengths[a] - lengths[b];
        let most = varied.iter().map(|&(neighbours, _)| neighbours).max().unwrap_or(0);
        let nearest = self.neighbours(&vectors, customers, most, closeness);
        let method = |&(neighbours, own_share): &(usize, f32)| {
            let of_customer = |list: &Weighted| -> Weighted {
                let list = &list[..list.len().min(neighbours)];
                let weight = (1.0 - own_share) / list.len().max(1) as f32;
                list.iter().map(|&(neighbour, _)| (neighbour, weight)).collect()
            };
            Method {
                vectors: vectors.clone(),
                neighbours: nearest.iter().map(of_customer).collect(),
                own_share,
                items: self.items,
            }
        };
        varied.iter().map(method).collect()
    }

    /// UP-CF for all customers.
    pub(super) fn up_cf(&self, settings: UpCf) -> Method {
        let mut of_one = self.up_cfs(settings.asymmetry, &[(settings.window, settings.locality)], &self.all());
        of_one.swap_remove(0)
    }

    /// UP-CF with the same similarities and several windows and localities. Neighbours are computed for `customers`
    /// only.
    pub(super) fn up_cfs(&self, asymmetry: f32, varied: &[(usize, i32)], customers: &[Customer]) -> Vec<Method> {
        let presence = |baskets: &Vec<Vec<Item>>| -> Sparse {
            let all = summed(baskets.iter().flatten().map(|&item| (item, 0.0)).collect());
            all.into_iter().map(|(item, _)| (item, 1.0)).collect()
        };
        let sets: Vec<Sparse> = self.baskets.par_iter().map(presence).collect();
        let similarity = |a: usize, b: usize, product: f32| {
            product / ((sets[a].len() as f32).powf(asymmetry) * (sets[b].len() as f32).powf(1.0 - asymmetry)).max(1.0)
        };
        let similar = self.neighbours(&sets, customers, SIMILAR, similarity);
        let method = |&(window, locality): &(usize, i32)| {
            let popularity = |baskets: &Vec<Vec<Item>>| {
                let last = &baskets[baskets.len().saturating_sub(window)..];
                summed(last.iter().flatten().map(|&item| (item, 1.0 / last.len() as f32)).collect())
            };
            let raised = |list: &Weighted| list.iter().map(|&(other, like)| (other, like.powi(locality))).collect();
            Method {
                vectors: self.baskets.par_iter().map(popularity).collect(),
                neighbours: similar.iter().map(raised).collect(),
                // A customer's similarity to themselves is 1.
                own_share: 1.0,
                items: self.items,
            }
        };
        varied.iter().map(method).collect()
    }

    /// For each of `customers`, the `most` other customers with the highest similarity, which is computed from two
    /// customers and the inner product of their vectors. The lists of all other customers are empty.
    fn neighbours(
        &self,
        vectors: &[Sparse],
        customers: &[Customer],
        most: usize,
        similarity: impl Fn(usize, usize, f32) -> f32 + Sync,
    ) -> Vec<Weighted> {
        let mut holders: Vec<Weighted> = vec![Vec::new(); self.items];
        for (customer, vector) in vectors.iter().enumerate() {
            vector.iter().for_each(|&(item, value)| holders[item.index()].push((customer as u32, value)));
        }
        let of = |products: &mut Vec<f32>, &Customer(a): &Customer| {
            let a = a as usize;
            products.clear();
            products.resize(vectors.len(), 0.0);
            for &(item, value) in &vectors[a] {
                for &(b, other) in &holders[item.index()] {
                    products[b as usize] += value * other;
                }
            }
            let mut top = Top::new(most);
            for (b, &product) in products.iter().enumerate().filter(|&(b, _)| b != a) {
                top.push(similarity(a, b, product), b as u32);
            }
            (a, top.into_sorted())
        };
        let found: Vec<(usize, Weighted)> = customers.par_iter().map_init(Vec::new, of).collect();
        let mut lists = vec![Vec::new(); vectors.len()];
        found.into_iter().for_each(|(customer, list)| lists[customer] = list);
        lists
    }
}

/// The vectors of all customers by one method, and their neighbours with weights.
pub(super) struct Method {
    vectors: Vec<Sparse>,
    neighbours: Vec<Weighted>,
    own_share: f32,
    items: usize,
}

impl Method {
    /// The best items for a case.
    pub(super) fn answer(&self, model: &Model, case: &Case, k: usize) -> Vec<Item> {
        let scores = case.customer.map_or_else(Vec::new, |customer| self.scores(customer.0));
        let scored = scores.iter().enumerate().filter(|(_, score)| **score > 0.0);
        best(model, case, k, scored.map(|(item, &score)| (Item(item as u32), score)))
    }

    /// The score of each item for a customer.
    fn scores(&self, customer: u32) -> Vec<f32> {
        let mut scores = vec![0.0; self.items];
        let own = [(customer, self.own_share)];
        for &(other, weight) in own.iter().chain(&self.neighbours[customer as usize]) {
            for &(item, value) in &self.vectors[other as usize] {
                scores[item.index()] += weight * value;
            }
        }
        scores
    }
}

fn tifu_vector(baskets: &[Vec<Item>], settings: TifuKnn) -> Sparse {
    let size = baskets.len().div_ceil(settings.groups).max(1);
    // Groups are counted from the newest one, which is full; the oldest may be smaller.
    let groups = baskets.len().div_ceil(size).max(1);
    let terms = baskets.iter().rev().enumerate().flat_map(|(age, items)| {
        let (group, within) = (age / size, age % size);
        let members = size.min(baskets.len() - group * size);
        let weight = settings.within.powi(within as i32) * settings.between.powi(group as i32);
        items.iter().map(move |&item| (item, weight / (members * groups) as f32))
    });
    summed(terms.collect())
}

/// Sums the values of each item, ascending by item.
fn summed(mut terms: Sparse) -> Sparse {
    terms.sort_by_key(|&(item, _)| item);
    terms.chunk_by(|a, b| a.0 == b.0).map(|same| (same[0].0, same.iter().map(|(_, value)| value).sum())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three customers: A bought x, then x and y, then y; B bought y twice; C bought z.
    fn shop() -> OfCustomers {
        let [x, y, z] = [0, 1, 2].map(Item);
        let baskets = vec![vec![vec![x], vec![x, y], vec![y]], vec![vec![y], vec![y]], vec![vec![z]]];
        OfCustomers { baskets, items: 3 }
    }

    fn near(found: &[f32], wanted: [f32; 3]) {
        assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-6), "{found:?} {wanted:?}");
    }

    /// TIFU-KNN (Hu et al. 2020, equations 1 to 4) with two groups, decay rates of a half, one neighbour and equal
    /// shares.
    ///
    /// A's three baskets make groups of two and one: the newer group {x y}, {y} is (½·{x y} + 1·{y}) / 2 = x ¼, y ¾;
    /// the older one {x} is x 1. The vector is (1·newer + ½·older) / 2: x (¼ + ½)/2 = .375, y .375. B's groups have a
    /// basket each: y (1 + ½)/2 = .75. C has one group of one: z 1.
    ///
    /// Squared distances: A to B .375² + .375² = .28125, A to C 1.28125, B to C 1.5625. So A and B are each other's
    /// neighbours, and C's is A. Scores are half the own vector and half the neighbour's.
    #[test]
    fn tifu_knn_gives_the_answers_worked_out_by_hand() {
        let settings = TifuKnn { groups: 2, within: 0.5, between: 0.5, neighbours: 1, own_share: 0.5 };
        let method = shop().tifu_knn(settings);
        let [x, y, z] = [0, 1, 2].map(Item);
        assert_eq!(method.vectors, [vec![(x, 0.375), (y, 0.375)], vec![(y, 0.75)], vec![(z, 1.0)]]);
        near(&method.scores(0), [0.1875, 0.5625, 0.0]);
        near(&method.scores(1), [0.1875, 0.5625, 0.0]);
        near(&method.scores(2), [0.1875, 0.1875, 0.5]);
        // With two neighbours, A's score is half its own vector and a quarter of each neighbour's.
        near(&shop().tifu_knn(TifuKnn { neighbours: 2, ..settings }).scores(0), [0.1875, 0.375, 0.25]);
    }

    /// UP-CF (Faggioli et al. 2020, section 4): a score is the share of a customer's last two baskets that contain the
    /// item, summed over all customers, including the customer, with weights of similarity to the power of the
    /// locality.
    ///
    /// Shares: A of {x y}, {y}: x ½, y 1. B: y 1. C: z 1. A has bought two items, B one, and they share one: with an
    /// asymmetry of a quarter A's similarity to B is 1 / (2^¼ · 1^¾), whose square is 1/√2; B's to A is 1 / (1^¼ ·
    /// 2^¾), whose square is 1/√8. C shares no item with the others.
    #[test]
    fn up_cf_gives_the_answers_worked_out_by_hand() {
        let method = shop().up_cf(UpCf { window: 2, asymmetry: 0.25, locality: 2 });
        near(&method.scores(0), [0.5, 1.0 + 0.5f32.sqrt(), 0.0]);
        near(&method.scores(1), [0.5 * 0.125f32.sqrt(), 1.0 + 0.125f32.sqrt(), 0.0]);
        near(&method.scores(2), [0.0, 0.0, 1.0]);
    }
}
