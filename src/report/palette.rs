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
    /// The shape along its mean curve, which tells heads apart without any colour.
    pub marker: Marker,
}

/// The shape along a mean curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    Disc,
    /// A square on its side.
    Square,
    /// A triangle that points up.
    Triangle,
    /// A triangle that points down.
    Funnel,
    /// A square on its corner.
    Diamond,
    /// An upright cross.
    Plus,
    /// A bar across the line.
    Bar,
}

impl Marker {
    /// The marker's corners around a place on the canvas, y downward.
    pub fn corners(self, (x, y): (f64, f64), radius: f64) -> Vec<(f64, f64)> {
        let (t, e) = (0.4, 1.25);
        let unit = match self {
            Self::Disc => (0..16)
                .map(|n| (f64::from(n) * std::f64::consts::TAU / 16.0).sin_cos())
                .collect(),
            Self::Square => vec![(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
            Self::Triangle => vec![(0.0, -1.15), (1.1, 0.8), (-1.1, 0.8)],
            Self::Funnel => vec![(0.0, 1.15), (1.1, -0.8), (-1.1, -0.8)],
            Self::Diamond => vec![(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
            Self::Plus => vec![
                (-t, -e),
                (t, -e),
                (t, -t),
                (e, -t),
                (e, t),
                (t, t),
                (t, e),
                (-t, e),
                (-t, t),
                (-e, t),
                (-e, -t),
                (-t, -t),
            ],
            Self::Bar => vec![(-0.45, -1.35), (0.45, -1.35), (0.45, 1.35), (-0.45, 1.35)],
        };
        unit.into_iter()
            .map(|(dx, dy)| (x + dx * radius, y + dy * radius))
            .collect()
    }
}

/// The heads of the paper, each with its own colour. GAP, the baseline, is neutral.
const PAPER: [(&str, Rgb, Marker); 7] = [
    ("gap", [0x77, 0x7d, 0x86], Marker::Disc),
    ("gap_dropout", [0xb7, 0x83, 0x68], Marker::Bar),
    ("depthwise", [0xff, 0x23, 0xe8], Marker::Funnel),
    ("depthwise_nonneg", [0x9d, 0x00, 0xff], Marker::Diamond),
    ("wise_srnet", [0x1f, 0x77, 0xc4], Marker::Square),
    ("wise_srnet_dropout", [0xcd, 0x2f, 0x2b], Marker::Plus),
    ("flatten_fc", [0xdb, 0x6d, 0x0b], Marker::Triangle),
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
    let own = |head: &str| PAPER.into_iter().find(|(name, ..)| *name == head);
    // Blue first: with two heads, the paper's own pair of colours is the clearest.
    let order = [4, 6, 3, 2, 1, 5, 0].map(|place| PAPER[place]);
    let free: Vec<_> = order.into_iter().filter(|(name, ..)| !heads.contains(name)).collect();
    let spare = if free.is_empty() { PAPER.to_vec() } else { free };
    let mut next = spare.into_iter().cycle();
    heads
        .iter()
        .map(|head| {
            let (_, colour, marker) = own(head).or_else(|| next.next()).unwrap_or(PAPER[0]);
            HeadStyle {
                title: title(head).to_string(),
                colour,
                dashed: matches!(*head, "gap_dropout" | "wise_srnet_dropout"),
                marker,
            }
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn linear(colour: Rgb) -> [f64; 3] {
        colour.map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        })
    }

    fn times(matrix: [[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
    }

    /// CIE L*a*b* of linear sRGB under D65.
    fn lab(linear: [f64; 3]) -> [f64; 3] {
        let to_xyz = [
            [0.4124, 0.3576, 0.1805],
            [0.2126, 0.7152, 0.0722],
            [0.0193, 0.1192, 0.9505],
        ];
        let [x, y, z] = times(to_xyz, linear.map(|value| value.clamp(0.0, 1.0)));
        let f = |t: f64| {
            if t > 0.008856 {
                t.cbrt()
            } else {
                7.787 * t + 16.0 / 116.0
            }
        };
        let (x, y, z) = (f(x / 0.9505), f(y), f(z / 1.089));
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// Usual sight; full protanopia, deuteranopia and tritanopia after Machado, Oliveira and Fernandes (2009), on linear RGB.
    const SIGHTS: [(&str, [[f64; 3]; 3]); 4] = [
        ("usual sight", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "protanopia",
            [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ],
        ),
        (
            "deuteranopia",
            [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.01182, 0.04294, 0.968881],
            ],
        ),
        (
            "tritanopia",
            [
                [1.255528, -0.076749, -0.178779],
                [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.3039],
            ],
        ),
    ];

    #[test]
    fn colours_keep_apart_in_every_kind_of_sight() {
        for (sight, matrix) in SIGHTS {
            let seen = PAPER.map(|(name, colour, _)| (name, lab(times(matrix, linear(colour)))));
            for (place, (a, first)) in seen.iter().enumerate() {
                for (b, second) in &seen[..place] {
                    let squares = first.iter().zip(second).map(|(a, b)| (a - b).powi(2));
                    let distance = squares.sum::<f64>().sqrt();
                    assert!(distance >= 20.0, "{a} and {b} are {distance:.1} apart in {sight}");
                }
            }
        }
    }

    /// The colours of the style sheet's custom properties from `start` on.
    fn style_colour(start: &str, name: &str) -> Rgb {
        let style = include_str!("page.css");
        let block = &style[style.find(start).unwrap()..];
        let value = block.split_once(&format!("{name}: #")).unwrap().1;
        [0, 2, 4].map(|at| u8::from_str_radix(&value[at..at + 2], 16).unwrap())
    }

    #[test]
    fn the_page_s_text_has_the_contrast_that_wcag_asks_for() {
        for start in [":root", "@media (prefers-color-scheme: dark)"] {
            let colour = |name| style_colour(start, name);
            for text in ["--ink", "--quiet"] {
                for ground in ["--ground", "--note"] {
                    let ratio = contrast(colour(text), colour(ground));
                    assert!(ratio >= 4.5, "{text} on {ground} after {start}: {ratio:.2}");
                }
            }
        }
    }

    #[test]
    fn every_head_of_the_paper_has_a_marker_of_its_own() {
        for (place, (name, _, marker)) in PAPER.iter().enumerate() {
            assert!(PAPER[..place].iter().all(|(.., other)| other != marker), "{name}");
        }
    }

    /// Contrast ratio of two colours as WCAG 2 defines it.
    pub fn contrast(a: Rgb, b: Rgb) -> f64 {
        let luminance = |colour: Rgb| {
            let linear = linear(colour);
            0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        };
        let (high, low) = (luminance(a).max(luminance(b)), luminance(a).min(luminance(b)));
        (high + 0.05) / (low + 0.05)
    }

    #[test]
    fn every_curve_stands_out_on_the_light_and_on_the_dark_ground() {
        for (name, colour, _) in PAPER {
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
