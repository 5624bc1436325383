//! Charts as SVG, drawn without a library: a report must be self-contained.

use maud::{Markup, html};
use trolley_training::Estimate;

const OURS: &str = "#0a7d4f";
const THEIRS: &str = "#9aa5b1";

/// A labelled bar.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: Estimate,
    pub(super) ours: bool,
    pub(super) note: String,
}

/// Horizontal bars with their 95 % intervals.
pub(super) fn bars(bars: &[Bar]) -> Markup {
    const NAME: f64 = 190.0;
    const WIDTH: f64 = 300.0;
    const ROW: f64 = 22.0;
    let most = bars.iter().map(|bar| bar.value.high).fold(1e-9, f64::max);
    let x = |value: f64| NAME + value.max(0.0) / most * WIDTH;
    let height = ROW * bars.len() as f64 + 4.0;
    html! {
        svg viewBox=(format!("0 0 {} {height}", NAME + WIDTH + 160.0)) role="img" {
            @for (at, bar) in bars.iter().enumerate() {
                @let y = at as f64 * ROW + 4.0;
                text x=(NAME - 8.0) y=(y + 12.0) text-anchor="end" font-weight=(if bar.ours { "600" } else { "400" }) { (bar.name) }
                rect x=(NAME) y=(y) width=(x(bar.value.value) - NAME) height="15" rx="2" fill=(if bar.ours { OURS } else { THEIRS }) {}
                line x1=(x(bar.value.low)) x2=(x(bar.value.high)) y1=(y + 7.5) y2=(y + 7.5) stroke="#1f2933" stroke-width="1.5" {}
                text x=(x(bar.value.high.max(bar.value.value)) + 6.0) y=(y + 12.0) {
                    (format!("{:.3}", bar.value.value))
                    tspan fill="#7b8794" { " " (bar.note) }
                }
            }
        }
    }
}

/// A line through values, from left to right.
pub(super) fn line(values: &[f64], x_label: &str) -> Markup {
    const WIDTH: f64 = 420.0;
    const HEIGHT: f64 = 150.0;
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let span = (high - low).max(1e-9);
    let point = |(at, value): (usize, &f64)| {
        let x = 50.0 + at as f64 / (values.len().max(2) - 1) as f64 * (WIDTH - 70.0);
        format!("{x:.1},{:.1}", 10.0 + (high - value) / span * (HEIGHT - 45.0))
    };
    let points: Vec<String> = values.iter().enumerate().map(point).collect();
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" {
            polyline points=(points.join(" ")) fill="none" stroke=(OURS) stroke-width="2" {}
            text x="44" y="14" text-anchor="end" { (format!("{high:.3}")) }
            text x="44" y=(HEIGHT - 33.0) text-anchor="end" { (format!("{low:.3}")) }
            text x=(WIDTH / 2.0) y=(HEIGHT - 6.0) text-anchor="middle" fill="#7b8794" { (x_label) }
        }
    }
}

/// A curve through points (value, part) around a part of 0; `reach` scales it, and is the same for all curves of a
/// table.
pub(super) fn curve(points: &[[f32; 2]], reach: f32) -> Markup {
    const WIDTH: f32 = 150.0;
    const HEIGHT: f32 = 36.0;
    let (left, right) = (points.first().map_or(0.0, |p| p[0]), points.last().map_or(1.0, |p| p[0]));
    let place = |&[value, adds]: &[f32; 2]| {
        let x = (value - left) / (right - left).max(1e-6) * WIDTH;
        format!("{x:.1},{:.1}", HEIGHT / 2.0 - adds / reach.max(1e-6) * (HEIGHT / 2.0 - 2.0))
    };
    html! {
        svg.curve viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" {
            line x1="0" x2=(WIDTH) y1=(HEIGHT / 2.0) y2=(HEIGHT / 2.0) stroke="#cbd2d9" {}
            polyline points=(points.iter().map(place).collect::<Vec<_>>().join(" ")) fill="none" stroke=(OURS) stroke-width="1.5" {}
        }
    }
}

/// Labelled points: `(x, y, size, label)`.
pub(super) fn scatter(points: &[(f64, f64, f64, String)]) -> Markup {
    const WIDTH: f64 = 1000.0;
    const HEIGHT: f64 = 620.0;
    let range = |of: fn(&(f64, f64, f64, String)) -> f64| {
        points.iter().map(of).fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)))
    };
    let ((left, right), (low, high)) = (range(|p| p.0), range(|p| p.1));
    let x = |value: f64| 70.0 + (value - left) / (right - left).max(1e-9) * (WIDTH - 160.0);
    let y = |value: f64| 20.0 + (value - low) / (high - low).max(1e-9) * (HEIGHT - 40.0);
    let largest = points.iter().map(|p| p.2).fold(1e-9, f64::max);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" {
            @for (px, py, size, label) in points {
                circle cx=(format!("{:.1}", x(*px))) cy=(format!("{:.1}", y(*py)))
                    r=(format!("{:.1}", 2.5 + 9.0 * (size / largest).sqrt())) fill=(OURS) fill-opacity="0.35" {
                    title { (label) }
                }
                text.small x=(format!("{:.1}", x(*px) + 5.0)) y=(format!("{:.1}", y(*py) + 3.0)) { (label) }
            }
        }
    }
}
