//! The page's plots with their switches, and the values behind them for the page's script.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::curves_svg::{self, FRAME, curves};
use super::palette::HeadStyle;
use super::panels::{Panel, shown};
use super::runs::HeadRuns;

const SCRIPT: &str = include_str!("page.js");

/// One plot of a page.
#[derive(Clone, Debug)]
pub struct Plot<'a> {
    /// What stands above it.
    pub title: &'a str,
    /// What it shows.
    pub panel: Panel,
    /// The histories, a head for each style of the page.
    pub heads: &'a [HeadRuns],
}

/// The plots of a page.
#[derive(Clone, Debug)]
pub struct Plots<'a> {
    /// The plots, in the order of the page.
    pub plots: Vec<Plot<'a>>,
    /// One style per head.
    pub styles: &'a [HeadStyle],
}

impl<'a> Plot<'a> {
    /// A plot under the title of its panel.
    pub fn new(panel: Panel, heads: &'a [HeadRuns]) -> Self {
        Self {
            title: panel.title,
            panel,
            heads,
        }
    }

    /// Whether the curves of several heads lie on top of each other, as those of a learning rate do.
    fn coincides(&self) -> bool {
        let mut means = self
            .heads
            .iter()
            .filter(|head| !head.runs.is_empty())
            .map(|head| self.panel.mean(head));
        let Some(first) = means.next() else { return false };
        let mut others = means.peekable();
        others.peek().is_some() && others.all(|other| other == first)
    }

    /// What the script needs: the scale, and mean and range of every head at every epoch.
    fn data(&self) -> Value {
        let rows = self.heads.iter().flat_map(|head| &head.runs).flat_map(|run| &run.rows);
        let epochs: BTreeSet<u64> = rows.map(|row| row.epoch).collect();
        let panel = &self.panel;
        let rounded = |value: f64| (shown(panel.metric, value) * 1e6).round() / 1e6;
        let at_epochs =
            |values: BTreeMap<u64, Value>| -> Value { epochs.iter().map(|epoch| json!(values.get(epoch))).collect() };
        let mean = |head: &HeadRuns| {
            let values = panel.mean(head).into_iter();
            at_epochs(values.map(|(epoch, value)| (epoch, json!(rounded(value)))).collect())
        };
        let range = |head: &HeadRuns| {
            let ends = |low, high| json!([rounded(low), rounded(high)]);
            let values = head.range_curve(panel.metric).into_iter();
            at_epochs(values.map(|(epoch, low, high)| (epoch, ends(low, high))).collect())
        };
        json!({
            "percent": panel.metric.is_accuracy(),
            "digits": panel.digits(),
            "low": panel.x.low,
            "high": panel.x.high,
            "epochs": epochs,
            "means": self.heads.iter().map(mean).collect::<Vec<_>>(),
            "ranges": self.heads.iter().map(range).collect::<Vec<_>>(),
        })
    }
}

impl Plots<'_> {
    /// The plots under switches for heads and seeds; nothing before the first epoch.
    pub fn section(&self) -> Markup {
        let heads = || self.plots.iter().flat_map(|plot| plot.heads);
        let several_seeds = heads().any(|head| head.runs.len() > 1);
        if heads().all(|head| head.runs.is_empty()) {
            return html! {};
        }
        html! {
            section aria-labelledby="curves" {
                h2 id="curves" { "Curves" }
                div.legend role="group" aria-label="Heads to show" {
                    @for (place, style) in self.styles.iter().enumerate() {
                        label {
                            input type="checkbox" id={ "show-" (place) } checked autocomplete="off";
                            (key(style))
                            span { (style.title) }
                        }
                    }
                }
                @if several_seeds {
                    div.legend role="group" aria-label="What to show of the seeds" {
                        label { input type="checkbox" id="show-bands" checked autocomplete="off"; span { "Range of seeds" } }
                        label { input type="checkbox" id="show-seeds" autocomplete="off"; span { "Every seed" } }
                    }
                    p.remark {
                        "Lines are means over seeds, for the epochs that all of them finished; the bands reach from the lowest "
                        "seed to the highest."
                    }
                }
                div.panels {
                    @for (number, plot @ Plot { title, panel, heads }) in self.plots.iter().enumerate() {
                        figure {
                            figcaption { (title) span { (panel.y_label()) } }
                            (curves(panel, number, heads, self.styles))
                            @if plot.coincides() { p.remark { "The lines of all heads coincide." } }
                            @if panel.cut_off { p.remark { "Values above the scale are cut off." } }
                        }
                    }
                }
            }
        }
    }

    /// The script that shows values under the pointer, with its data. `<` is written as an escape, so that no name can end
    /// the element that holds them.
    pub fn script(&self) -> Markup {
        let style = |style: &HeadStyle| json!({ "title": style.title, "colour": style.css_colour() });
        let data = json!({
            "left": FRAME.left, "width": FRAME.width, "canvas": curves_svg::WIDTH,
            "heads": self.styles.iter().map(style).collect::<Vec<_>>(),
            "panels": self.plots.iter().map(Plot::data).collect::<Vec<_>>(),
        });
        let data = data.to_string().replace('<', "\\u003c");
        html! {
            script type="application/json" id="curve-data" { (PreEscaped(data)) }
            script { (PreEscaped(SCRIPT)) }
        }
    }
}

/// A short piece of a head's line, as the plots draw it.
pub(super) fn key(style: &HeadStyle) -> Markup {
    let dashes = style.dashed.then_some("7 4");
    html! {
        svg.key viewBox="0 0 26 10" aria-hidden="true" {
            line x1="1" x2="25" y1="5" y2="5" stroke=(style.css_colour()) stroke-dasharray=[dashes] {}
            polygon points=(curves_svg::points(style.marker.corners((13.0, 5.0), 3.4))) fill=(style.css_colour()) {}
        }
    }
}
