//! Amounts as tables write them: `20 OZ`, `1 GA`, `6 x 0,33 l`, `12 PK/12 OZ`.

use trolley_model::{Amount, Unit};

/// A unit: its spellings in lower case, its dimension, and its size in base units.
const UNITS: &[(&[&str], Unit, f32)] = &[
    (&["mg"], Unit::Mass, 0.001),
    (&["g", "gr", "gm", "gms", "gram", "grams", "gramm"], Unit::Mass, 1.0),
    (&["kg", "kgs", "kilo", "kilos"], Unit::Mass, 1000.0),
    (&["oz", "ounce", "ounces", "onz"], Unit::Mass, 28.35),
    (&["lb", "lbs", "pound", "pounds"], Unit::Mass, 453.6),
    (&["ml", "mls"], Unit::Volume, 1.0),
    (&["cl"], Unit::Volume, 10.0),
    (&["dl"], Unit::Volume, 100.0),
    (&["l", "lt", "ltr", "ltrs", "liter", "liters", "litre", "litres"], Unit::Volume, 1000.0),
    (&["floz", "foz"], Unit::Volume, 29.57),
    (&["pt", "pint", "pints"], Unit::Volume, 473.2),
    (&["qt", "quart", "quarts"], Unit::Volume, 946.4),
    (&["ga", "gal", "gall", "gallon", "gallons", "galon"], Unit::Volume, 3785.0),
    (&["ct", "cnt", "count", "pc", "pcs", "piece", "pieces", "ea", "each", "stk", "st", "stück"], Unit::Count, 1.0),
    (
        &[
            "tab", "tabs", "tablets", "caps", "capsules", "sticks", "bags", "rolls", "sheets", "load", "loads", "kit",
            "kits",
        ],
        Unit::Count,
        1.0,
    ),
    (&["dz", "doz", "dozen"], Unit::Count, 12.0),
    (&["mm"], Unit::Length, 0.001),
    (&["cm"], Unit::Length, 0.01),
    (&["m", "meter", "metre"], Unit::Length, 1.0),
    (&["in", "inch", "inches"], Unit::Length, 0.0254),
    (&["ft", "foot", "feet"], Unit::Length, 0.3048),
    (&["yd", "yds", "yard", "yards"], Unit::Length, 0.9144),
    (&["sqft"], Unit::Area, 0.0929),
    (&["sqm", "qm"], Unit::Area, 1.0),
    (PACKS, Unit::Count, 1.0),
    (&["ctn", "ctns", "carton", "cartons", "karton", "case", "cs"], Unit::Carton, 1.0),
];

/// Packs multiply the measure that follows: `12 PK/12 OZ` is twelve times 12 ounces, but `12 CT/11 OZ` is twelve pieces
/// of 11 ounces in total.
const PACKS: &[&str] = &["pk", "pks", "pack", "packs", "pkg", "pkt"];

/// A number from here on before a count or carton is an article number, not a count.
const LARGEST_COUNT: f32 = 10_000.0;

pub(super) fn unit(word: &str) -> Option<(Unit, f32)> {
    UNITS.iter().find(|(words, ..)| words.contains(&word)).map(|&(_, unit, base)| (unit, base))
}

/// A token of an amount.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f32),
    /// Letters, in lower case.
    Word(String),
    /// `x`, `×` or `*`.
    Times,
    Slash,
    Dash,
}

/// A parsed part of an amount: `6 x`, or `12 PK`, or `0,33 l`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    /// Multiplier of the measure that follows.
    Times(f32),
    /// A measure in base units of its unit; a pack multiplies the measure that follows.
    Measure { amount: f32, unit: Unit, is_pack: bool },
}

/// Parses an amount; `None` if the text is not one. Text in brackets and words that are not units are ignored.
pub(super) fn amount(text: &str, decimal: char) -> Option<Amount> {
    let parts = parts(&tokens(text, decimal))?;
    let measure = |part: &Part| match *part {
        Part::Measure { amount, unit, .. } if unit != Unit::Count => Some((amount, unit)),
        _ => None,
    };
    // The multipliers: explicit ones, and packs before the measure.
    let whole = parts.iter().position(|part| measure(part).is_some());
    let before = &parts[..whole.unwrap_or(parts.len())];
    let times: f32 = before
        .iter()
        .map(|part| match *part {
            Part::Times(times) => times,
            Part::Measure { amount, is_pack: true, .. } => amount,
            Part::Measure { .. } => 1.0,
        })
        .product();
    let count = parts.iter().find_map(|part| match *part {
        Part::Measure { amount, unit: Unit::Count, is_pack: false } => Some(amount),
        _ => None,
    });
    match whole.and_then(|at| measure(&parts[at])) {
        // "12 PK/12 OZ" is 12 times 12 ounces; "12 CT/11 OZ" and "12.4 OZ/8 CT" give the total and the number of
        // pieces.
        Some((amount, unit)) => made(amount * times, unit, count.unwrap_or(times)),
        None => made(times * count.unwrap_or(1.0), Unit::Count, 1.0),
    }
}

/// The parts of an amount; `None` if none of them is a measure.
fn parts(tokens: &[Token]) -> Option<Vec<Part>> {
    let (mut parts, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let (number, width) = number(&tokens[at..]);
        let mut rest = &tokens[at + width..];
        at += width.max(1);
        // "3-LB BAG"
        if let [Token::Dash, after @ ..] = rest
            && matches!(after, [Token::Word(_), ..])
        {
            rest = after;
            at += 1;
        }
        match (number, rest) {
            (Some(times), [Token::Times, after @ ..]) => {
                let (other, width) = self::number(after);
                // Two lengths make an area: "10 x 20 cm".
                let unit = after.get(width).and_then(Token::unit).filter(|(unit, _)| *unit == Unit::Length);
                if let (Some(other), Some((_, base))) = (other, unit) {
                    return Some(vec![Part::measure(times * other * base * base, Unit::Area)]);
                }
                parts.push(Part::Times(times));
            }
            (Some(from), [sign @ (Token::Slash | Token::Dash), after @ ..]) => match self::number(after) {
                // "60-90 LB" is a range (its midpoint counts); in "5-1.4 OZ" and "8/6.5 OZ" the first number is a
                // multiplier.
                (Some(to), width) if *sign == Token::Dash && from < to && from.fract() + to.fract() == 0.0 => {
                    let (unit, base) = after.get(width).and_then(Token::unit)?;
                    return Some(vec![Part::measure(f32::midpoint(from, to) * base, unit)]);
                }
                (Some(_), _) => parts.push(Part::Times(from)),
                (None, _) => {}
            },
            (Some(number), [Token::Word(first), after @ ..]) => {
                let second = after.first().and_then(Token::word);
                let (unit, base) = match (first.as_str(), second) {
                    ("sq" | "s", Some("ft")) => self::unit("sqft"),
                    ("fl" | "f", Some("oz")) => self::unit("floz"),
                    _ => self::unit(first),
                }
                .unzip();
                let (Some(unit), Some(base)) = (unit, base) else { continue };
                // An article number, as in "974162 PK", is not a count.
                let is_code = matches!(unit, Unit::Count | Unit::Carton) && number >= LARGEST_COUNT;
                let amount = if is_code { base } else { number * base };
                parts.push(Part::Measure { amount, unit, is_pack: PACKS.contains(&first.as_str()) });
            }
            _ => {}
        }
    }
    if !parts.iter().any(|part| matches!(part, Part::Measure { .. })) {
        // A unit alone: "PT", "CTN".
        let [Token::Word(word)] = tokens else { return None };
        let (unit, base) = unit(word)?;
        parts.push(Part::measure(base, unit));
    }
    Some(parts)
}

impl Part {
    fn measure(amount: f32, unit: Unit) -> Self {
        Self::Measure { amount, unit, is_pack: false }
    }
}

impl Token {
    fn word(&self) -> Option<&str> {
        if let Self::Word(word) = self { Some(word) } else { None }
    }

    fn unit(&self) -> Option<(Unit, f32)> {
        self.word().and_then(unit)
    }
}

fn made(total: f32, unit: Unit, pieces: f32) -> Option<Amount> {
    let pieces = pieces.max(1.0);
    (total.is_finite() && total > 0.0 && pieces.is_finite()).then_some(Amount { total, unit, pieces })
}

/// The number at the start of the tokens, and how many tokens it takes: "22 3/4" takes four.
fn number(tokens: &[Token]) -> (Option<f32>, usize) {
    let fraction = |tokens: &[Token]| match tokens {
        [Token::Number(over), Token::Slash, Token::Number(under), ..] if is_fraction(*over, *under) => {
            Some(over / under)
        }
        _ => None,
    };
    match tokens {
        [Token::Number(whole), rest @ ..] if whole.fract() == 0.0 && fraction(rest).is_some() => {
            (fraction(rest).map(|part| whole + part), 4)
        }
        [Token::Number(number), ..] => match fraction(tokens) {
            Some(part) => (Some(part), 3),
            None => (Some(*number), 1),
        },
        _ => (None, 0),
    }
}

/// Whether `over/under` is a fraction: 3/4 is one, 4/6 (four times six) is not.
fn is_fraction(over: f32, under: f32) -> bool {
    let is_odd = over.fract() == 0.0 && over as u64 % 2 == 1;
    over < under && is_odd && [2.0, 3.0, 4.0, 8.0, 16.0, 32.0].contains(&under)
}

fn tokens(text: &str, decimal: char) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut depth = 0;
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        let is_digit = |at: usize| text.get(at).is_some_and(char::is_ascii_digit);
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ if depth > 0 => {}
            _ if is_digit(at) || (matches!(c, '.' | ',') && is_digit(at + 1)) => {
                let mut end = at;
                while is_digit(end) || (text.get(end).is_some_and(|c| matches!(c, '.' | ',')) && is_digit(end + 1)) {
                    end += 1;
                }
                let written: String = text[at..end].iter().collect();
                tokens.extend(read_number(&written, decimal).map(Token::Number));
                at = end;
                continue;
            }
            '×' | '*' => tokens.push(Token::Times),
            '/' => tokens.push(Token::Slash),
            '-' | '–' => tokens.push(Token::Dash),
            _ if c.is_alphabetic() => {
                let end = (at..text.len()).find(|&at| !text[at].is_alphabetic()).unwrap_or(text.len());
                let word: String = text[at..end].iter().collect();
                match word.strip_suffix('x').filter(|_| word.len() > 1 && unit(&word).is_none()) {
                    // "12 INX10 FT"
                    Some(before) if unit(before).is_some() && is_digit(end) => tokens.push(Token::Times),
                    _ if word == "x" => tokens.push(Token::Times),
                    _ => tokens.push(Token::Word(word)),
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    // A trailing sign, as in "2 L*", has no meaning.
    while tokens.last().is_some_and(|token| !matches!(token, Token::Number(_) | Token::Word(_))) {
        tokens.pop();
    }
    tokens
}

/// Parses a number with either decimal sign. A sign before exactly three digits separates thousands, unless it is the
/// decimal sign of the config.
fn read_number(written: &str, decimal: char) -> Option<f32> {
    let signs: Vec<(usize, char)> = written.char_indices().filter(|(_, c)| !c.is_ascii_digit()).collect();
    let [.., (at, sign)] = signs[..] else { return written.parse().ok() };
    let is_thousands = signs.len() > 1 && signs.iter().all(|(_, other)| *other == sign)
        || sign != decimal && written.len() - at == 4 && at > 0 && !written.starts_with('0');
    let digits: String = written
        .char_indices()
        .filter(|(place, c)| c.is_ascii_digit() || *place == at && !is_thousands)
        .map(|(_, c)| if c == ',' { '.' } else { c })
        .collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(f32, Unit, f32)> {
        amount(text, '.').map(|amount| ((amount.total * 10.0).round() / 10.0, amount.unit, amount.pieces))
    }

    #[test]
    fn one_amount() {
        let mass = |total| Some((total, Unit::Mass, 1.0));
        let volume = |total| Some((total, Unit::Volume, 1.0));
        assert_eq!(read("20 OZ"), mass(567.0));
        assert_eq!(read("500g"), mass(500.0));
        assert_eq!(read(".5 OZ"), mass(14.2));
        assert_eq!(read("22 3/4 OZ"), mass(645.0));
        assert_eq!(read("1/2 lb"), mass(226.8));
        assert_eq!(read("1,5 kg"), mass(1500.0));
        assert_eq!(read("1,500 g"), mass(1500.0));
        assert_eq!(read("(600) 4 LB"), mass(1814.4));
        assert_eq!(read("KIOSK20 OZ"), mass(567.0));
        assert_eq!(read("60-90 LB"), mass(34020.0));
        assert_eq!(read("1 GA"), volume(3785.0));
        assert_eq!(read("3-LB BAG"), mass(1360.8));
        assert_eq!(read("PT"), volume(473.2));
        assert_eq!(read("2 L*"), volume(2000.0));
        assert_eq!(read("12 FL OZ"), volume(354.8));
        assert_eq!(read("0,75 l"), volume(750.0));
        assert_eq!(read("100 CT"), Some((100.0, Unit::Count, 1.0)));
        assert_eq!(read("1 doz"), Some((12.0, Unit::Count, 1.0)));
        assert_eq!(read("120 CT/2 PLY"), Some((120.0, Unit::Count, 1.0)));
        assert_eq!(read("75.6 SQ FT"), Some((7.0, Unit::Area, 1.0)));
        assert_eq!(read("18 IN"), Some((0.5, Unit::Length, 1.0)));
    }

    #[test]
    fn several_pieces() {
        assert_eq!(read("6 x 0,33 l"), Some((1980.0, Unit::Volume, 6.0)));
        assert_eq!(read("6x330ml"), Some((1980.0, Unit::Volume, 6.0)));
        assert_eq!(read("12 PK/12 OZ"), Some((4082.4, Unit::Mass, 12.0)));
        assert_eq!(read("4 PK 5.48 OZ"), Some((621.4, Unit::Mass, 4.0)));
        assert_eq!(read("8/6.5 OZ"), Some((1474.2, Unit::Mass, 8.0)));
        assert_eq!(read("5-1.4 OZ"), Some((198.5, Unit::Mass, 5.0)));
        assert_eq!(read("12 CT/11 OZ"), Some((311.9, Unit::Mass, 12.0)));
        assert_eq!(read("12.4 OZ/8 CT"), Some((351.5, Unit::Mass, 8.0)));
        assert_eq!(read("6 PK"), Some((6.0, Unit::Count, 1.0)));
        assert_eq!(read("10 x 20 cm").map(|read| read.1), Some(Unit::Area));
    }

    #[test]
    fn an_articles_number_is_no_amount_and_a_pack_no_carton() {
        assert_eq!(read("974162  PK"), Some((1.0, Unit::Count, 1.0)));
        assert_eq!(read("535054 CTN"), Some((1.0, Unit::Carton, 1.0)));
        assert_eq!(read("CTN"), Some((1.0, Unit::Carton, 1.0)));
    }

    #[test]
    fn what_is_no_amount() {
        for text in [
            "",
            "SET",
            "MED",
            "12",
            "x",
            "3/",
            "0 OZ",
            "-",
            "99999999999999999999999999999999999999999999999999 g",
            "(",
            "(((((",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_as_the_config_has_them() {
        let total = |text, decimal| amount(text, decimal).map(|amount| amount.total);
        assert_eq!(total("1.500 g", ','), Some(1500.0));
        assert_eq!(total("1.500 g", '.'), Some(1.5));
        assert_eq!(total("1.234,5 g", ','), Some(1234.5));
        assert_eq!(total("0,330 l", '.'), Some(330.0));
    }
}
