//! Parses numbers as written by people, spreadsheets and accounting systems.

/// Parses a number: `2.5`; with a comma as `decimal`, `2,5` and `1.234,50`; `1 234.5`; `12-` and `(12)` for -12.
/// Returns NaN for a text that is not a number, and for an ambiguous one: `1,234` with a point as `decimal`.
pub(super) fn parse(text: &str, decimal: char) -> f64 {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        // With a decimal comma, 1.234 is either a thousand or a mistake.
        let is_grouped = decimal == ',' && text.contains('.');
        if !is_grouped && number.is_finite() {
            return number;
        }
    }
    let (sign, digits) = match (text.strip_suffix('-'), text.strip_prefix('(').and_then(|text| text.strip_suffix(')')))
    {
        (Some(digits), _) | (_, Some(digits)) => (-1.0, digits),
        _ => match text.strip_prefix(['-', '\u{2212}']) {
            Some(digits) => (-1.0, digits),
            None => (1.0, text.strip_prefix('+').unwrap_or(text)),
        },
    };
    let (whole, fraction) = digits.split_once(decimal).unwrap_or((digits, ""));
    let fine = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let Some(whole) = ungrouped(whole, decimal, digits.contains(decimal)).filter(|_| fine(fraction)) else {
        return f64::NAN;
    };
    format!("{whole}.{fraction}0").parse::<f64>().map_or(f64::NAN, |number| sign * number)
}

/// The digits of an integer without thousands separators. A comma or a point counts as such a separator only if there
/// are two of it, or if the decimal sign follows; a space always does.
fn ungrouped(whole: &str, decimal: char, has_decimals: bool) -> Option<String> {
    let mut groups = whole.split([' ', '\u{a0}', '\u{202f}', '\'', ',', '.']);
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    let digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let mut between = whole.chars().filter(|c| !c.is_ascii_digit());
    let sign = between.next();
    let known = match sign {
        Some(sign) if between.any(|other| other != sign) || sign == decimal => false,
        Some(',' | '.') => rest.len() > 1 || has_decimals || decimal == ',',
        None | Some(_) => true,
    };
    let fine = known && digits(first) && (rest.is_empty() || first.len() <= 3);
    (fine && rest.iter().all(|group| group.len() == 3 && digits(group))).then(|| format!("{first}{}", rest.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        for (text, number) in [
            ("2.5", 2.5),
            ("-3", -3.0),
            ("+3", 3.0),
            ("3-", -3.0),
            ("(3)", -3.0),
            ("\u{2212}3", -3.0),
            ("1e3", 1000.0),
            ("1,234.5", 1234.5),
            ("1,234,567", 1_234_567.0),
            ("1 234", 1234.0),
            ("1'234.50", 1234.5),
            ("0012", 12.0),
        ] {
            assert!((parse(text, '.') - number).abs() < 1e-9, "{text}: {}", parse(text, '.'));
        }
        for (text, number) in
            [("2,5", 2.5), ("1.234,5", 1234.5), ("1.234", 1234.0), ("1 234,50", 1234.5), ("-1,0", -1.0), ("7", 7.0)]
        {
            assert!((parse(text, ',') - number).abs() < 1e-9, "{text}: {}", parse(text, ','));
        }
        for text in
            ["many", "", "1,5", "1,234", "1.2.3", "12,34.5", "--1", "()", "-", "inf", "NaN", "1 23", "1,234 567"]
        {
            assert!(parse(text, '.').is_nan(), "{text}: {}", parse(text, '.'));
        }
        assert!(parse("1.5", ',').is_nan());
    }
}
