//! Parses the text of environment variables. Elements of a list or a table stay text here: the type of their key
//! decides what they mean.

use figment::value::Value;

/// A boolean, an integer or a decimal number.
pub(super) fn scalar(text: &str) -> Option<Value> {
    if let Ok(truth) = text.parse::<bool>() {
        return Some(Value::from(truth));
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(Value::from(whole));
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Value::from(whole));
    }
    // `inf` and `nan` are text.
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    text.parse::<f64>().ok().filter(|number| digits && number.is_finite()).map(Value::from)
}

/// The content of quotation marks that enclose the whole text.
pub(super) fn unquoted(text: &str) -> Option<String> {
    let inside = text.strip_prefix('"')?;
    let (mut unquoted, mut characters) = (String::with_capacity(inside.len()), inside.chars());
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(unquoted),
            '\\' => unquoted.push(match characters.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            }),
            character => unquoted.push(character),
        }
    }
}

/// The elements of `[a, b]`, each with whether it was quoted.
pub(super) fn list(text: &str) -> Option<Vec<(String, bool)>> {
    let pieces = pieces(text.strip_prefix('[')?.strip_suffix(']')?)?;
    Some(pieces.into_iter().map(element).collect())
}

/// The keys of `{a = b}` with their values, each with whether it was quoted.
pub(super) fn table(text: &str) -> Option<Vec<(String, String, bool)>> {
    let entry = |piece: &str| {
        let end = outside_quotes(piece).find(|(_, character)| *character == '=')?.0;
        let (key, _) = element(piece[..end].trim());
        let (value, quoted) = element(piece[end + 1..].trim());
        (!key.is_empty()).then_some((key, value, quoted))
    };
    pieces(text.strip_prefix('{')?.strip_suffix('}')?)?.into_iter().map(entry).collect()
}

fn element(piece: &str) -> (String, bool) {
    unquoted(piece).map_or_else(|| (piece.to_owned(), false), |text| (text, true))
}

/// The parts between the commas outside quotation marks and brackets; `None` if the brackets don't match or a part is
/// empty.
fn pieces(text: &str) -> Option<Vec<&str>> {
    let (mut pieces, mut from, mut open) = (Vec::new(), 0, Vec::new());
    for (at, character) in outside_quotes(text) {
        match character {
            '[' => open.push(']'),
            '{' => open.push('}'),
            ']' | '}' if open.pop() != Some(character) => return None,
            ',' if open.is_empty() => {
                pieces.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    let last = text[from..].trim();
    // A comma may follow the last element.
    if !last.is_empty() {
        pieces.push(last);
    }
    (open.is_empty() && pieces.iter().all(|piece| !piece.is_empty())).then_some(pieces)
}

/// The characters outside quotation marks, with their positions.
fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quoted, mut escaped) = (false, false);
    text.char_indices().filter(move |&(_, character)| {
        let inside = quoted;
        if escaped {
            escaped = false;
        } else if quoted && character == '\\' {
            escaped = true;
        } else if character == '"' {
            quoted = !quoted;
            return false;
        }
        !inside
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_tables_are_cut_where_they_must_be() {
        let texts = |text: &str| list(text).map(|list| list.into_iter().map(|(text, _)| text).collect::<Vec<_>>());
        assert_eq!(texts("[a, [b, c], {d = 1, e = 2}]").unwrap(), ["a", "[b, c]", "{d = 1, e = 2}"]);
        assert_eq!(texts(r#"["a, \"b\"", c,]"#).unwrap(), ["a, \"b\"", "c"]);
        for wrong in ["[a, , b]", "[a]]", "[[a]", "a", "{a}", "[a}"] {
            assert_eq!(texts(wrong), None, "{wrong}");
        }
        let entry = |key: &str, value: &str, quoted| (key.to_owned(), value.to_owned(), quoted);
        let expected = [entry("a", "[1, 2]", false), entry("b.c", "x=y", true)];
        assert_eq!(table(r#"{a = [1, 2], "b.c" = "x=y"}"#).unwrap(), expected);
        assert_eq!(table("{a}"), None);
    }
}
