//! Numbers for people.

/// Digits in groups of three: `12,642,880`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the largest unit that leaves a number above 1: `1.4 GiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} bytes")
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// A duration in its two largest units: `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    let total = seconds.max(0.0).round() as u64;
    let (days, hours, minutes) = (total / 86_400, total / 3_600 % 24, total / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{total} s"),
        (0, 0, _) => format!("{minutes} min {} s", total % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// `1 image`, `2 images`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number as u64))
}

/// A word as a shell takes it for one.
pub fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "_-+=./,:@%\\".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(12_642_880)],
            ["0", "999", "12,642,880"]
        );
        assert_eq!(
            [bytes(512), bytes(1_536), bytes(67 << 30)],
            ["512 bytes", "1.5 KiB", "67.0 GiB"]
        );
        assert_eq!(
            [duration(59.4), duration(61.0), duration(7_500.0)],
            ["59 s", "1 min 1 s", "2 h 5 min"]
        );
        assert_eq!(duration(1_900_800.0), "22 d 0 h");
        assert_eq!(
            [count(1, "epoch"), count(2, "epoch"), count(1_500, "image")],
            ["1 epoch", "2 epochs", "1,500 images"]
        );
    }

    #[test]
    fn words_with_spaces_are_quoted_for_the_shell() {
        assert_eq!(
            ["a/b-1.ron", "my pets", "", "it's"].map(quoted),
            ["a/b-1.ron", "'my pets'", "''", r"'it'\''s'"]
        );
    }
}
