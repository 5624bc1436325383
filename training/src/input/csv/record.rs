//! Splits a record into its fields.

use memchr::{memchr, memchr_iter};

/// The fields of a record, stored end to end.
#[derive(Debug, Default)]
pub(super) struct Fields {
    text: String,
    ends: Vec<usize>,
}

impl Fields {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|at| self.get(at))
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn end(&mut self) {
        self.ends.push(self.text.len());
    }
}

/// Why a text is not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// A quote is opened and not closed.
    Open,
    /// Something follows the quote that closes a field.
    Stray,
}

/// Splits a record by a separator (RFC 4180). A field that begins with a quote must end with one, and quotes inside it
/// are doubled; elsewhere a quote is an ordinary character.
pub(super) fn split(text: &str, separator: u8, fields: &mut Fields) -> Result<(), Malformed> {
    fields.clear();
    if memchr(b'"', text.as_bytes()).is_none() {
        let mut from = 0;
        for at in memchr_iter(separator, text.as_bytes()) {
            fields.text.push_str(&text[from..at]);
            fields.end();
            from = at + 1;
        }
        fields.text.push_str(&text[from..]);
        fields.end();
        return Ok(());
    }
    let mut rest = text;
    loop {
        let after = if let Some(inner) = rest.strip_prefix('"') {
            quoted(inner, &mut fields.text)?
        } else {
            let end = memchr(separator, rest.as_bytes()).unwrap_or(rest.len());
            fields.text.push_str(&rest[..end]);
            &rest[end..]
        };
        fields.end();
        match after.as_bytes().first() {
            None => return Ok(()),
            Some(next) if *next == separator => rest = &after[1..],
            Some(_) => return Err(Malformed::Stray),
        }
    }
}

/// Copies a quoted field from behind its opening quote, and returns the rest behind its closing quote.
fn quoted<'a>(mut rest: &'a str, field: &mut String) -> Result<&'a str, Malformed> {
    loop {
        let (part, after) = rest.split_once('"').ok_or(Malformed::Open)?;
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Ok(after),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(text: &str) -> Result<Vec<String>, Malformed> {
        let mut fields = Fields::default();
        split(text, b';', &mut fields)?;
        Ok(fields.iter().map(str::to_owned).collect())
    }

    #[test]
    fn known_records() {
        assert_eq!(fields("a;b;").unwrap(), ["a", "b", ""]);
        assert_eq!(fields("").unwrap(), [""]);
        assert_eq!(fields("\"a;b\";\"say \"\"so\"\"\";\"\"").unwrap(), ["a;b", "say \"so\"", ""]);
        assert_eq!(fields("pipe 6\" long;x").unwrap(), ["pipe 6\" long", "x"], "a quote inside is a character");
        assert_eq!(fields("a;\"5 inch;x"), Err(Malformed::Open));
        assert_eq!(fields("a;\"5\" inch;x"), Err(Malformed::Stray));
    }

    proptest! {
        #[test]
        fn what_a_writer_quotes_is_read_back(record in proptest::collection::vec("[a-z;\"\n ä]{0,6}", 1..6)) {
            let quoted: Vec<String> = record.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
            prop_assert_eq!(fields(&quoted.join(";")).unwrap(), record);
        }

        #[test]
        fn no_text_is_too_odd(text in "[a;\" ]{0,12}") {
            let _ = fields(&text);
        }
    }
}
