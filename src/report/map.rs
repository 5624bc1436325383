//! A map of the categories: those whose items are bought in similar baskets are close to each other.

use trolley_model::{Category, Model};

/// Number of best-selling categories on the map.
const CATEGORIES: usize = 110;

/// Effective number of neighbours of each point.
const PERPLEXITY: f64 = 12.0;
/// Number of steps of gradient descent.
const STEPS: usize = 600;

/// The categories on the map: x, y, the number of baskets summed over their items, and the name.
pub(super) fn categories(model: &Model) -> Vec<(f64, f64, f64, String)> {
    let catalogue = model.catalogue();
    let mut all: Vec<(u64, u32, Vec<f64>)> = (0..catalogue.categories().len() as u32)
        .filter_map(|category| {
            let members = catalogue.members(Category(category)).iter().copied().filter(|&item| model.is_learned(item));
            let mut mean = vec![0.0; model.input().dims()];
            let mut sold = 0u64;
            for item in members {
                let weight = catalogue.baskets(item);
                sold += u64::from(weight);
                mean.iter_mut()
                    .zip(model.input().unit(item.0))
                    .for_each(|(m, x)| *m += f64::from(weight) * f64::from(*x));
            }
            let length = mean.iter().map(|x| x * x).sum::<f64>().sqrt();
            (length > 0.0).then(|| (sold, category, mean.into_iter().map(|x| x / length).collect()))
        })
        .collect();
    all.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    all.truncate(CATEGORIES);
    let vectors: Vec<&[f64]> = all.iter().map(|(.., vector)| vector.as_slice()).collect();
    let places = t_sne(&vectors);
    let name = |category: u32| catalogue.categories().get(category).to_lowercase();
    all.iter().zip(places).map(|((sold, category, _), [x, y])| (x, y, *sold as f64, name(*category))).collect()
}

/// Exact t-SNE in two dimensions (van der Maaten and Hinton 2008), suitable for a few hundred points.
fn t_sne(vectors: &[&[f64]]) -> Vec<[f64; 2]> {
    let n = vectors.len();
    if n < 3 {
        return (0..n).map(|at| [at as f64, 0.0]).collect();
    }
    let distance = |a: usize, b: usize| vectors[a].iter().zip(vectors[b]).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
    // Neighbour probabilities of each point with the wanted perplexity; the precision is found by bisection.
    let wanted = PERPLEXITY.min((n - 1) as f64 / 3.0).max(1.5).ln();
    let mut p = vec![0.0; n * n];
    for a in 0..n {
        let (mut low, mut high, mut precision) = (0.0, f64::INFINITY, 1.0);
        for _ in 0..50 {
            let weights: Vec<f64> =
                (0..n).map(|b| if a == b { 0.0 } else { (-precision * distance(a, b)).exp() }).collect();
            let sum = weights.iter().sum::<f64>().max(1e-300);
            let entropy: f64 = weights.iter().filter(|w| **w > 0.0).map(|w| -(w / sum) * (w / sum).ln()).sum();
            p[a * n..(a + 1) * n].iter_mut().zip(&weights).for_each(|(p, w)| *p = w / sum);
            if entropy > wanted {
                low = precision;
                precision = if high.is_finite() { f64::midpoint(low, high) } else { precision * 2.0 };
            } else {
                high = precision;
                precision = f64::midpoint(low, high);
            }
        }
    }
    let joint = |a: usize, b: usize| ((p[a * n + b] + p[b * n + a]) / (2 * n) as f64).max(1e-12);
    // Starts on a spiral, which separates the points without random numbers.
    let mut places: Vec<[f64; 2]> = (0..n)
        .map(|at| {
            let (angle, radius) = (at as f64 * 2.399_963, 1e-2 * (at as f64 + 1.0).sqrt());
            [radius * angle.cos(), radius * angle.sin()]
        })
        .collect();
    let mut speed = vec![[0.0; 2]; n];
    for step in 0..STEPS {
        let early = step < 150;
        let close = |a: &[f64; 2], b: &[f64; 2]| 1.0 / (1.0 + (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2));
        let sum: f64 = (0..n)
            .flat_map(|a| (0..n).filter(move |&b| a != b).map(move |b| (a, b)))
            .map(|(a, b)| close(&places[a], &places[b]))
            .sum();
        let before = places.clone();
        for a in 0..n {
            let mut pull = [0.0; 2];
            for b in (0..n).filter(|&b| a != b) {
                let near = close(&before[a], &before[b]);
                let by = (joint(a, b) * if early { 6.0 } else { 1.0 } - near / sum) * near;
                (0..2).for_each(|axis| pull[axis] += 4.0 * by * (before[a][axis] - before[b][axis]));
            }
            for axis in 0..2 {
                speed[a][axis] = if early { 0.5 } else { 0.8 } * speed[a][axis] - 20.0 * pull[axis];
                places[a][axis] += speed[a][axis];
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_lies_together() {
        let near = |angle: f64| vec![angle.cos(), angle.sin()];
        let vectors: Vec<Vec<f64>> = (0..20).map(|at| near(if at < 10 { 0.01 } else { 2.0 } * f64::from(at))).collect();
        let vectors: Vec<Vec<f64>> = vectors
            .iter()
            .enumerate()
            .map(|(at, v)| if at < 10 { v.clone() } else { near(3.0 + 0.01 * at as f64) })
            .collect();
        let places = t_sne(&vectors.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let distance =
            |a: usize, b: usize| ((places[a][0] - places[b][0]).powi(2) + (places[a][1] - places[b][1]).powi(2)).sqrt();
        let within = (0..10).map(|b| distance(0, b)).fold(0.0, f64::max);
        let between = (10..20).map(|b| distance(0, b)).fold(f64::MAX, f64::min);
        assert!(places.iter().flatten().all(|x| x.is_finite()));
        assert!(between > within, "{between} between, {within} within");
    }
}
