use std::collections::BTreeMap;

use figment::error::Kind;
use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider};
use serde::de::DeserializeOwned;

use super::text;

const PREFIX: &str = "TROLLEY_";

/// Keys without a section that may be set. Others are ignored: Kubernetes sets `TROLLEY_PORT` and the like for a
/// service of that name.
const TOP: [&str; 3] = ["models", "rejects", "reports"];

/// The values of environment variables, by the path of their keys.
///
/// A variable is text, and the type of its key decides what the text means. A string takes it literally, even if it
/// looks like a number; it is parsed only for a number, a boolean, a list or a table. The type is not known before
/// extraction, so extraction is tried with the likeliest meaning first, and if that fails with the next one.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment(BTreeMap<String, Node>);

#[derive(Clone, Debug)]
enum Node {
    /// Keys below this one.
    Section(BTreeMap<String, Node>),
    Leaf(Box<Leaf>),
}

#[derive(Clone, Debug)]
struct Leaf {
    /// Possible meanings of the text, the likeliest first; at least one.
    readings: Vec<Reading>,
    /// Index of the one to try.
    at: usize,
    /// The error of extraction with the first one.
    first_error: Option<Box<Error>>,
}

#[derive(Clone, Debug)]
enum Reading {
    Text(String),
    Scalar(Value),
    List(Vec<Leaf>),
    Table(BTreeMap<String, Leaf>),
}

impl Environment {
    /// The variables of this process.
    pub(super) fn of_process() -> Self {
        let variables = std::env::vars_os();
        Self::new(
            variables.map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())),
        )
    }

    pub(super) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut environment = Self::default();
        let mut variables: Vec<(String, String)> = variables.into_iter().collect();
        // The last of two spellings of one name applies: sorting makes this deterministic.
        variables.sort();
        for (name, value) in variables {
            let Some((prefix, key)) = name.split_at_checked(PREFIX.len()) else { continue };
            if !prefix.eq_ignore_ascii_case(PREFIX) {
                continue;
            }
            let key = key.to_ascii_lowercase();
            let path: Vec<&str> = key.split("__").collect();
            if path.iter().any(|part| part.is_empty()) || (path.len() == 1 && !TOP.contains(&path[0])) {
                continue;
            }
            insert(&mut environment.0, &path, Box::new(Leaf::new(value.trim(), false)));
        }
        environment
    }

    /// Extracts a config from `file` and these values, which take precedence.
    pub(super) fn over<T: DeserializeOwned>(mut self, file: &Figment) -> Result<T, Box<Error>> {
        loop {
            let error = match file.clone().merge(&self).extract() {
                Ok(config) => return Ok(config),
                Err(error) => Box::new(error),
            };
            self.refuse(error)?;
        }
    }

    /// Switches the value that an error is about to its next reading; `Err` if it has no other, or is not from the
    /// environment.
    fn refuse(&mut self, error: Box<Error>) -> Result<(), Box<Error>> {
        let (mut section, path) = (&mut self.0, error.path.clone());
        for (at, part) in path.iter().enumerate() {
            match section.get_mut(part) {
                Some(Node::Section(below)) => section = below,
                Some(Node::Leaf(leaf)) => return leaf.refuse(&path[at + 1..], error),
                None => return Err(error),
            }
        }
        Err(error)
    }
}

fn insert(section: &mut BTreeMap<String, Node>, path: &[&str], leaf: Box<Leaf>) {
    let [part, below @ ..] = path else { return };
    if below.is_empty() {
        section.insert((*part).to_owned(), Node::Leaf(leaf));
        return;
    }
    let node = section.entry((*part).to_owned()).or_insert_with(|| Node::Section(BTreeMap::new()));
    // The longer path is more specific and takes precedence.
    if matches!(node, Node::Leaf(_)) {
        *node = Node::Section(BTreeMap::new());
    }
    if let Node::Section(section) = node {
        insert(section, below, leaf);
    }
}

impl Leaf {
    /// `quoted`: it was in quotation marks inside a list or a table, and can only be text.
    fn new(text: &str, quoted: bool) -> Self {
        let mut readings = Vec::new();
        if quoted {
            readings.push(Reading::Text(text.to_owned()));
        } else {
            // Quotation marks around the whole mark it as text, and are removed.
            readings.push(Reading::Text(text::unquoted(text).unwrap_or_else(|| text.to_owned())));
            if let Some(value) = text::scalar(text) {
                readings.push(Reading::Scalar(value));
            } else if let Some(elements) = text::list(text) {
                // If both a text and a list are valid, quoted elements mean the list.
                let first = !elements.is_empty() && elements.iter().all(|(_, quoted)| *quoted);
                let list = Reading::List(elements.iter().map(|(text, quoted)| Self::new(text, *quoted)).collect());
                readings.insert(usize::from(!first), list);
            } else if let Some(entries) = text::table(text) {
                let leaf = |(key, text, quoted): (String, String, bool)| (key, Self::new(&text, quoted));
                readings.push(Reading::Table(entries.into_iter().map(leaf).collect()));
            }
        }
        Self { readings, at: 0, first_error: None }
    }

    /// Switches the value that an error is about, this one or one inside it, to its next reading.
    fn refuse(&mut self, path: &[String], error: Box<Error>) -> Result<(), Box<Error>> {
        let inside = match (&mut self.readings[self.at], path.first()) {
            (Reading::List(leaves), Some(at)) => at.parse().ok().and_then(|at: usize| leaves.get_mut(at)),
            (Reading::Table(leaves), Some(key)) => leaves.get_mut(key),
            _ => None,
        };
        if let Some(leaf) = inside {
            return leaf.refuse(&path[1..], error);
        }
        self.at += 1;
        if self.at < self.readings.len() {
            self.first_error.get_or_insert(error);
            return Ok(());
        }
        // That a text is not a number is less helpful than what is wrong with the number.
        Err(self.first_error.take_if(|first| !matches!(first.kind, Kind::InvalidType(..))).unwrap_or(error))
    }

    fn value(&self) -> Value {
        match &self.readings[self.at] {
            Reading::Text(text) => Value::from(text.as_str()),
            Reading::Scalar(value) => value.clone(),
            Reading::List(leaves) => Value::from(leaves.iter().map(Self::value).collect::<Vec<_>>()),
            Reading::Table(leaves) => {
                Value::from(leaves.iter().map(|(key, leaf)| (key.clone(), leaf.value())).collect::<Dict>())
            }
        }
    }
}

impl Node {
    fn value(&self) -> Value {
        match self {
            Self::Section(below) => Value::from(section(below)),
            Self::Leaf(leaf) => leaf.value(),
        }
    }
}

fn section(nodes: &BTreeMap<String, Node>) -> Dict {
    nodes.iter().map(|(key, node)| (key.clone(), node.value())).collect()
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        let name = |_: &Profile, path: &[&str]| {
            let parts: Vec<String> = path.iter().map(|part| part.to_ascii_uppercase()).collect();
            format!("{PREFIX}{}", parts.join("__"))
        };
        Metadata::named("the environment").interpolater(name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Map::from([(Profile::Default, section(&self.0))]))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Section {
        text: String,
        maybe: Option<String>,
        path: std::path::PathBuf,
        address: Option<std::net::SocketAddr>,
        whole: u64,
        real: f32,
        yes: bool,
        texts: Vec<String>,
        numbers: Vec<u8>,
        columns: Option<OneOrMany>,
        lists: BTreeMap<String, Vec<String>>,
        rows: Vec<Row>,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    struct Row {
        id: String,
        count: u32,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Root {
        section: Section,
    }

    fn read(variables: &[(&str, &str)]) -> Result<Section, Box<Error>> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment::new(variables).over(&Figment::new()).map(|root: Root| root.section)
    }

    fn one(key: &str, value: &str) -> Section {
        read(&[(&format!("TROLLEY_SECTION__{key}"), value)]).unwrap()
    }

    #[test]
    fn a_text_is_taken_as_it_is() {
        for text in
            ["049", "49", "-1", "true", "1e3", "1.50", "0x10", "[a]", "[1, 2]", "{a = 1}", "null", "inf", "a,b", "'x'"]
        {
            assert_eq!(one("TEXT", text).text, text);
            assert_eq!(one("MAYBE", text).maybe.as_deref(), Some(text));
            assert_eq!(one("PATH", text).path, std::path::Path::new(text));
            assert_eq!(one("COLUMNS", text).columns, Some(OneOrMany::One(text.to_owned())));
        }
        assert_eq!(one("TEXT", "\"049\"").text, "049", "quotation marks around it are no part of it");
        assert_eq!(one("TEXT", "[\"a\"]").text, "[\"a\"]");
    }

    #[test]
    fn numbers_lists_and_tables_are_parsed_where_they_are_wanted() {
        assert_eq!((one("WHOLE", "049").whole, one("REAL", "1e-3").real, one("REAL", "2").real), (49, 0.001, 2.0));
        assert!(one("YES", "true").yes);
        let texts = ["049", "true", "a b", "x, y"].map(str::to_owned);
        assert_eq!(one("TEXTS", "[049, true, a b, \"x, y\"]").texts, texts);
        assert_eq!(one("TEXTS", "[]").texts, [""; 0]);
        assert_eq!(one("NUMBERS", "[1, 2]").numbers, [1, 2]);
        let many = OneOrMany::Many(vec!["kind".to_owned(), "007".to_owned()]);
        assert_eq!(one("COLUMNS", "[\"kind\", \"007\"]").columns, Some(many));
        assert_eq!(one("LISTS", "{DEPT = [049, \"b\"]}").lists["DEPT"], ["049", "b"]);
        assert_eq!(one("LISTS__DEPT", "[049, b]").lists["dept"], ["049", "b"]);
        assert_eq!(one("ROWS", "[{id = 007, count = 3}]").rows, [Row { id: "007".into(), count: 3 }]);
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_key() {
        let error = |key: &str, value: &str| {
            let error = read(&[(&format!("TROLLEY_SECTION__{key}"), value)]).unwrap_err();
            (error.path.join("."), error.kind.to_string())
        };
        for (key, value, path, words) in [
            ("WHOLE", "many", "section.whole", "u64"),
            ("WHOLE", "-1", "section.whole", "u64"),
            ("NUMBERS", "[1, 300]", "section.numbers.1", "u8"),
            ("ADDRESS", "8080", "section.address", "socket address"),
            ("ROWS", "[{id = a, count = b}]", "section.rows.0.count", "u32"),
            ("TEXTS", "a", "section.texts", "sequence"),
        ] {
            let (found, kind) = error(key, value);
            assert!(found == path && kind.contains(words), "{key}={value}: {found}: {kind}");
        }
    }

    #[test]
    fn the_environment_wins_and_what_is_not_ours_is_passed_over() {
        let file = Figment::from(figment::providers::Serialized::default("section.text", "file"))
            .merge(figment::providers::Serialized::default("section.whole", 5));
        let variables = [("TROLLEY_SECTION__TEXT", "7"), ("TROLLEY_PORT", "tcp://10.0.0.1:80"), ("OTHER__X", "1")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let Root { section } = Environment::new(variables).over(&file).unwrap();
        assert_eq!((section.text.as_str(), section.whole), ("7", 5));
    }
}
