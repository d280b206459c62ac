//! What somebody may have meant by a word that nobody knows.

/// The known word nearest to `word`, if it is near enough to be a slip: at most a third of its letters differ.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(3)) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The known words nearest to `word`, at most `count`, the best first: near ones, and those that contain it.
pub fn several<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let lower = word.to_lowercase();
    let mut ranked: Vec<(u64, &str)> = known
        .into_iter()
        .filter_map(|candidate| {
            let other = candidate.to_lowercase();
            let similarity = strsim::jaro_winkler(&lower, &other);
            let contains = !lower.is_empty() && other.contains(&lower);
            let score = if contains { similarity + 1.0 } else { similarity };
            (contains || similarity >= 0.85).then_some(((score * 1e6) as u64, candidate))
        })
        .collect();
    ranked.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    ranked.truncate(count);
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::{nearest, several};

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        assert_eq!(nearest("procesors", ["processors", "program"]), Some("processors"));
        assert_eq!(nearest("Strict", ["strict", "overlapped"]), Some("strict"));
        assert_eq!(nearest("banana", ["strict", "overlapped"]), None);
    }

    #[test]
    fn words_that_contain_it_come_first() {
        let known = ["af-close-once", "af-close-no-block", "vc-create-af-open"];
        assert_eq!(several("close-once", known, 3), ["af-close-once"]);
        assert_eq!(several("af-close-onse", known, 1), ["af-close-once"]);
    }
}
