//! A list of texts in one string.

/// A list of texts, concatenated.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    ends: Vec<u32>,
}

/// The list would exceed 4 GiB of text or 2³² entries.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("too much text: a list holds up to 4 GiB in up to 4 billion entries")]
pub struct TooLarge;

impl Texts {
    /// Appends a text.
    ///
    /// # Errors
    /// [`TooLarge`] if the list is full.
    pub fn push(&mut self, text: &str) -> Result<(), TooLarge> {
        u32::try_from(self.ends.len() + 1).map_err(|_| TooLarge)?;
        let end = u32::try_from(self.text.len() + text.len()).map_err(|_| TooLarge)?;
        self.text.push_str(text);
        self.ends.push(end);
        Ok(())
    }

    /// Restores a stored list; `None` if the ends decrease, exceed the text or split a character.
    pub fn from_parts(text: String, ends: Vec<u32>) -> Option<Self> {
        let fine = ends.windows(2).all(|pair| pair[0] <= pair[1])
            && ends.last().copied().unwrap_or(0) as usize == text.len()
            && ends.iter().all(|&end| text.is_char_boundary(end as usize));
        fine.then_some(Self { text, ends })
    }

    /// The text at a position.
    pub fn get(&self, position: u32) -> &str {
        let position = position as usize;
        let start = if position == 0 { 0 } else { self.ends[position - 1] as usize };
        &self.text[start..self.ends[position] as usize]
    }

    /// All texts in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|position| self.get(position as u32))
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All texts concatenated, as stored.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The end offset of each text in bytes, as stored.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The texts may be customers' IDs, which must not appear in debug output.
        write!(f, "Texts({})", self.len())
    }
}
