//! JSON appended piece by piece. The fields of an answer are known; to serialise each of them with serde took a fifth
//! of the instructions of a request with a cached answer.

use serde::Serialize;

/// Appends text as it is: the JSON around the values.
pub(super) fn raw(body: &mut Vec<u8>, text: &str) {
    body.extend_from_slice(text.as_bytes());
}

/// Appends any value.
///
/// # Errors
/// As serde; the values written here cause none.
pub(super) fn value(body: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    serde_json::to_writer(body, value)
}

/// Appends a string in quotation marks.
///
/// # Errors
/// As [`value`].
pub(super) fn string(body: &mut Vec<u8>, text: &str) -> serde_json::Result<()> {
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        return value(body, &text);
    }
    body.push(b'"');
    raw(body, text);
    body.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_string_is_what_serde_makes_of_it(text in ".*", plain in "[ -~]{0,40}") {
            for text in [text, plain, "\u{7f}\u{1f}\"\\/".to_owned()] {
                let mut body = vec![b'['];
                super::string(&mut body, &text).unwrap();
                prop_assert_eq!(String::from_utf8(body).unwrap(), format!("[{}", serde_json::to_string(&text).unwrap()));
            }
        }
    }
}
