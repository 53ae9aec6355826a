//! Figures as the page writes them.

use maud::{Markup, html};

use super::summary::Estimate;

/// What stands where there is no figure.
pub const ABSENT: &str = "–";

/// A share in percent, with its deviation.
pub fn percent(estimate: Option<Estimate>) -> Markup {
    html! {
        @match estimate {
            Some(Estimate { mean, deviation: Some(deviation), .. }) => {
                (format!("{:.1}", mean * 100.0)) small { (format!(" ± {:.1}", deviation * 100.0)) } " %"
            },
            Some(Estimate { mean, .. }) => (format!("{:.1} %", mean * 100.0)),
            None => (ABSENT),
        }
    }
}

/// A difference in points, with its sign; one that rounds to nothing has none.
pub fn points(estimate: Estimate) -> String {
    let signed = signed_points(estimate.mean);
    match estimate.deviation {
        Some(deviation) => format!("{signed} ± {:.1}", deviation * 100.0),
        None => signed,
    }
}

/// A fraction as points with a sign, unless it rounds to nothing.
pub fn signed_points(fraction: f64) -> String {
    match format!("{:.1}", fraction.abs() * 100.0) {
        zero if zero == "0.0" => zero,
        amount => format!("{}{amount}", if fraction > 0.0 { '+' } else { '−' }),
    }
}

/// A probability of a test.
pub fn p_value(p: f64) -> String {
    match p {
        0.001.. => format!("{p:.3}"),
        _ => "< 0.001".to_string(),
    }
}

/// A count with a prefix of the metric system.
pub fn metric_prefix(count: u64) -> String {
    let count = count as f64;
    match count {
        1e12.. => format!("{:.2} T", count / 1e12),
        1e9.. => format!("{:.2} G", count / 1e9),
        1e6.. => format!("{:.1} M", count / 1e6),
        1e3.. => format!("{:.1} k", count / 1e3),
        _ => format!("{count}"),
    }
}

/// A time in its largest unit.
pub fn duration(seconds: f64) -> String {
    match seconds {
        3600.0.. => format!("{:.1} h", seconds / 3600.0),
        120.0.. => format!("{:.1} min", seconds / 60.0),
        _ => format!("{seconds:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([metric_prefix(950), metric_prefix(12_300_000)], ["950", "12.3 M"]);
        assert_eq!(
            [duration(12.34), duration(300.0), duration(7200.0)],
            ["12.3 s", "5.0 min", "2.0 h"]
        );
    }

    #[test]
    fn a_small_probability_is_not_called_nothing() {
        assert_eq!(
            [p_value(0.0312), p_value(1.0), p_value(1e-9)],
            ["0.031", "1.000", "< 0.001"]
        );
        assert_eq!([signed_points(0.031), signed_points(-0.0004)], ["+3.1", "0.0"]);
    }
}
