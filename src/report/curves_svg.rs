//! The page's plots as inline SVG: colours of text and grid come from the page's style sheet, so that they follow the
//! reader's light or dark setting; every text and attribute is escaped by the template.

use maud::{Markup, html};

use super::palette::HeadStyle;
use super::panels::{Band, Frame, Panel, Stroke};
use super::runs::HeadRuns;

/// Width of a plot in its own units; the page scales it to the column.
pub const WIDTH: f64 = 430.0;
/// Height of a plot in its own units.
pub const HEIGHT: f64 = 290.0;
/// The plotting area within it.
pub const FRAME: Frame = Frame {
    left: 44.0,
    top: 12.0,
    width: 372.0,
    height: 232.0,
};

/// One plot. `number` tells the plots of a page apart.
pub fn curves(panel: &Panel, number: usize, heads: &[HeadRuns], styles: &[HeadStyle]) -> Markup {
    let clip = format!("plot-area-{number}");
    html! {
        svg.curves.dense[panel.is_dense()] viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" tabindex="0"
            aria-label={ (panel.title) " over epochs; left and right arrow keys show the values" } data-panel=(number) {
            clipPath id=(clip) {
                rect x=(FRAME.left - 4.0) y=(FRAME.top - 4.0) width=(FRAME.width + 8.0) height=(FRAME.height + 8.0) {}
            }
            (axes(panel))
            g clip-path={ "url(#" (clip) ")" } {
                @for band in panel.bands(heads) { (area(panel, &band, &styles[band.head])) }
                @for stroke in panel.strokes(heads) {
                    (line(panel, &stroke, &styles[stroke.head]))
                    @if stroke.points.len() > 1 { (markers(panel, &stroke, &styles[stroke.head])) }
                }
            }
            line.cursor x1="0" x2="0" y1=(FRAME.top) y2=(FRAME.bottom()) {}
        }
    }
}

fn axes(panel: &Panel) -> Markup {
    let baseline = FRAME.bottom();
    html! {
        @for value in &panel.y.ticks {
            @let y = coordinate(FRAME.y(panel, *value));
            line.grid x1=(FRAME.left) x2=(FRAME.right()) y1=(y) y2=(y) {}
            text x=(FRAME.left - 8.0) y=(y) dy="0.35em" text-anchor="end" { (panel.y.label(*value)) }
        }
        @for epoch in &panel.x.ticks {
            @let x = coordinate(FRAME.x(panel, *epoch));
            line.tick x1=(x) x2=(x) y1=(baseline) y2=(baseline + 4.0) {}
            text x=(x) y=(baseline + 17.0) text-anchor="middle" { (panel.x.label(*epoch)) }
        }
        line.tick x1=(FRAME.left) x2=(FRAME.right()) y1=(baseline) y2=(baseline) {}
        text x=(FRAME.left + FRAME.width / 2.0) y=(baseline + 36.0) text-anchor="middle" { "epoch" }
    }
}

fn area(panel: &Panel, band: &Band, style: &HeadStyle) -> Markup {
    let points = points(band.outline.iter().map(|point| FRAME.point(panel, *point)));
    html! { polygon class={ "head-" (band.head) " band" } points=(points) fill=(style.css_colour()) {} }
}

fn markers(panel: &Panel, stroke: &Stroke, style: &HeadStyle) -> Markup {
    html! {
        @for point in panel.marked(stroke) {
            @let corners = points(style.marker.corners(FRAME.point(panel, point), 3.2));
            polygon class={ "head-" (stroke.head) " marker" } points=(corners) fill=(style.css_colour()) {}
        }
    }
}

/// Coordinates as SVG writes a list of points.
pub fn points(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let points: Vec<String> = points
        .into_iter()
        .map(|(x, y)| format!("{},{}", coordinate(x), coordinate(y)))
        .collect();
    points.join(" ")
}

fn line(panel: &Panel, stroke: &Stroke, style: &HeadStyle) -> Markup {
    let points = stroke.points.iter().map(|point| FRAME.point(panel, *point));
    let class = format!("head-{} {}", stroke.head, if stroke.bold { "mean" } else { "seed" });
    let dashes = (style.dashed && stroke.bold).then_some("7 4");
    if stroke.points.len() == 1 {
        let radius = if stroke.bold { 3.5 } else { 2.2 };
        return html! {
            @for (x, y) in points {
                circle class=(class) cx=(coordinate(x)) cy=(coordinate(y)) r=(radius) fill=(style.css_colour()) {}
            }
        };
    }
    html! {
        polyline class=(class) points=(self::points(points)) stroke=(style.css_colour()) stroke-dasharray=[dashes] {}
    }
}

/// A tenth of a unit is finer than any screen shows.
fn coordinate(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_string).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::super::examples::row;
    use super::super::palette::styles;
    use super::super::panels::accuracy_panels;
    use super::super::runs::group;
    use super::*;

    fn svg(rows: &[super::super::EpochRow]) -> String {
        let heads = group([], rows);
        let [_, test] = accuracy_panels(&heads);
        curves(&test, 1, &heads, &styles(heads.iter().map(|head| head.head.as_str()))).into_string()
    }

    #[test]
    fn a_run_is_one_line_with_a_point_per_epoch() {
        let svg = svg(&[row("gap", 0, 1, 0.4), row("gap", 0, 2, 0.6)]);
        assert_eq!(svg.matches("<polyline").count(), 1);
        assert!(svg.contains("points=\"44,128 416,12\""), "{svg}");
    }

    #[test]
    fn two_seeds_are_two_thin_lines_and_their_mean() {
        let rows: Vec<_> = (1..=3)
            .flat_map(|e| [row("gap", 0, e, 0.4), row("gap", 1, e, 0.5)])
            .collect();
        let svg = svg(&rows);
        assert_eq!((svg.matches("seed\"").count(), svg.matches("mean\"").count()), (2, 1));
    }

    #[test]
    fn a_gap_splits_the_line_and_no_coordinate_is_nan() {
        let accuracies = [0.4, 0.5, f64::NAN, 0.6, f64::INFINITY];
        let rows: Vec<_> = (1..)
            .zip(accuracies)
            .map(|(epoch, accuracy)| row("gap", 0, epoch, accuracy))
            .collect();
        let svg = svg(&rows);
        assert_eq!(
            (svg.matches("<polyline").count(), svg.matches("<circle").count()),
            (1, 1)
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
