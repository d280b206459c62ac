//! Breaks prose into lines.

/// `text` in lines of at most `width` characters, broken at spaces; a longer word has a line of its own.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += word_length;
    }
    if length > 0 {
        lines.push(line);
    }
    lines
}

/// `text` after `label`, wrapped to `width` columns, further lines under the first word.
pub(crate) fn hang(label: &str, text: &str, width: usize) -> String {
    let indent = label.chars().count();
    let mut out = String::new();
    for (index, line) in wrap(text, width.saturating_sub(indent).max(20)).iter().enumerate() {
        match index {
            0 => out.push_str(label),
            _ => out.extend(std::iter::repeat_n(' ', indent)),
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{hang, wrap};

    #[test]
    fn prose_is_broken_at_spaces() {
        assert_eq!(wrap("a bb  ccc\ndddd", 6), ["a bb", "ccc", "dddd"]);
        assert_eq!(wrap("a-word-that-is-too-long b", 6), ["a-word-that-is-too-long", "b"]);
        assert!(wrap(" \n", 6).is_empty());
    }

    #[test]
    fn further_lines_hang_under_the_first_word() {
        assert_eq!(
            hang("rule: ", "one two three four five six", 26),
            "rule: one two three four\n      five six\n"
        );
    }
}
