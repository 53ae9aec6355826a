//! How each head is drawn, the same in the image and on the page. The colours keep apart for the usual kinds of colour
//! blindness and keep a contrast of 3:1 on the page's light and dark ground; heads with dropout are dashed as well.

use super::head_names::title;

/// Red, green and blue.
pub type Rgb = [u8; 3];

/// The name, colour and stroke of one head.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadStyle {
    /// The head's name as people write it.
    pub title: String,
    /// The colour of its curves.
    pub colour: Rgb,
    /// Whether its mean curve is dashed.
    pub dashed: bool,
}

/// The heads of the paper, each with its own colour. GAP, the baseline, is neutral.
const PAPER: [(&str, Rgb); 7] = [
    ("gap", [0x77, 0x7d, 0x86]),
    ("gap_dropout", [0xa6, 0x76, 0x1d]),
    ("depthwise", [0xcc, 0x5c, 0x9c]),
    ("depthwise_nonneg", [0x00, 0x99, 0x70]),
    ("wise_srnet", [0x1f, 0x77, 0xc4]),
    ("wise_srnet_dropout", [0x86, 0x6b, 0xd6]),
    ("flatten_fc", [0xd5, 0x5e, 0x00]),
];

impl HeadStyle {
    /// The colour as CSS writes it.
    pub fn css_colour(&self) -> String {
        let [red, green, blue] = self.colour;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

/// One style per head. Heads that are not of the paper take the colours that no head of the report has; past seven
/// heads, colours repeat.
pub fn styles<'a>(heads: impl IntoIterator<Item = &'a str>) -> Vec<HeadStyle> {
    let heads: Vec<&str> = heads.into_iter().collect();
    let own = |head: &str| PAPER.iter().find(|(name, _)| *name == head).map(|(_, colour)| *colour);
    // Blue first: with two heads, the paper's own pair of colours is the clearest.
    let order = [4, 6, 3, 2, 1, 5, 0].map(|place| PAPER[place]);
    let free: Vec<Rgb> = order
        .iter()
        .filter(|(name, _)| !heads.contains(name))
        .map(|(_, colour)| *colour)
        .collect();
    let spare = if free.is_empty() {
        PAPER.map(|(_, colour)| colour).to_vec()
    } else {
        free
    };
    let mut next = spare.into_iter().cycle();
    heads
        .iter()
        .map(|head| HeadStyle {
            title: title(head).to_string(),
            colour: own(head).or_else(|| next.next()).unwrap_or(PAPER[0].1),
            dashed: matches!(*head, "gap_dropout" | "wise_srnet_dropout"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast ratio of two colours as WCAG 2 defines it.
    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let luminance = |colour: Rgb| {
            let linear = colour.map(|channel| {
                let value = f64::from(channel) / 255.0;
                if value <= 0.04045 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            });
            0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        };
        let (high, low) = (luminance(a).max(luminance(b)), luminance(a).min(luminance(b)));
        (high + 0.05) / (low + 0.05)
    }

    #[test]
    fn every_curve_stands_out_on_the_light_and_on_the_dark_ground() {
        for (name, colour) in PAPER {
            assert!(contrast(colour, [0xfd, 0xfc, 0xfa]) >= 3.0, "{name} on light");
            assert!(contrast(colour, [0x16, 0x19, 0x1e]) >= 3.0, "{name} on dark");
        }
    }

    #[test]
    fn a_head_has_the_same_colour_whatever_stands_beside_it() {
        assert_eq!(styles(["gap", "flatten_fc"])[1], styles(["flatten_fc"])[0]);
    }

    #[test]
    fn unknown_heads_take_colours_that_are_still_free() {
        let styles = styles(["gap", "mine", "wise_srnet", "yours"]);
        for (at, style) in styles.iter().enumerate() {
            assert!(styles[..at].iter().all(|other| other.colour != style.colour));
        }
        assert_eq!(styles[1].title, "mine");
    }

    #[test]
    fn more_heads_than_colours_still_have_one_each() {
        let names: Vec<String> = (0..20).map(|n| format!("head{n}")).collect();
        assert_eq!(styles(names.iter().map(String::as_str)).len(), 20);
    }
}
