//! Figures as SVG: lines, steps and bars with axes and a legend, for pages that nobody's script reads.
//!
//! Small on purpose: what is drawn is known, every number has a fixed form, and so the same run gives the same bytes.

use std::fmt::Write;

/// A figure.
#[derive(Clone, Debug)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// What goes to the right, with its unit.
    pub x: String,
    /// What goes up, with its unit.
    pub y: String,
    /// How it is drawn.
    pub shape: Shape,
    /// What is drawn.
    pub series: Vec<Series>,
    /// Stretches to the right that something lasted, behind what is drawn.
    pub spans: Vec<Span>,
}

/// A stretch of a figure, in the colour of one of its series.
#[derive(Clone, Debug)]
pub struct Span {
    /// What lasted.
    pub name: String,
    /// Whose it is, by number.
    pub series: usize,
    /// From where to where.
    pub x: (f64, f64),
}

/// How a figure is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// From point to point.
    Lines,
    /// A point's height holds until the next: distributions.
    Steps,
    /// A group of bars at each whole x.
    Bars,
}

/// One line of a figure, or the bars of one colour.
#[derive(Clone, Debug)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Points by rising x.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 48.0;
/// Colours that can be told apart with any colour vision; the page says what each is in light and dark.
const COLOURS: usize = 8;
const LEGEND_LINE: f64 = 18.0;

impl Plot {
    /// As one `<svg>` element; its colours are the page's variables `--c0` to `--c7`, `--ink` and `--grid`.
    pub fn svg(&self) -> String {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let (mut x_from, mut x_to) = bounds(points().map(|(x, _)| *x));
        let (y_low, y_high) = bounds(points().map(|(_, y)| *y));
        let (y_from, y_to) = (y_low.min(0.0), if y_high > y_low.min(0.0) { y_high } else { 1.0 });
        if self.shape == Shape::Bars {
            (x_from, x_to) = (x_from - 0.5, x_to + 0.5);
        } else {
            x_from = x_from.min(0.0);
        }
        if x_to <= x_from {
            x_to = x_from + 1.0;
        }
        let legend = match self.series.len() {
            0 | 1 => 0.0,
            n => n.div_ceil(2) as f64 * LEGEND_LINE,
        };
        let area = Area {
            x: (x_from, x_to),
            y: (y_from, nice_end(y_from, y_to)),
        };
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH:.0} {:.0}\" role=\"img\" aria-label=\"{title}\" xmlns=\"http://www.w3.org/2000/svg\">\
             <text class=\"title\" x=\"{LEFT:.0}\" y=\"22\">{title}</text>",
            HEIGHT + legend,
            title = escape(&self.title)
        );
        for (at, marked) in self.spans.iter().enumerate() {
            span(marked, at, &area, &mut svg);
        }
        self.axes(&area, &mut svg);
        for (at, series) in self.series.iter().enumerate() {
            match self.shape {
                Shape::Bars => bars(series, at, self.series.len(), &area, &mut svg),
                Shape::Lines | Shape::Steps => line(series, at, self.shape, &area, &mut svg),
            }
        }
        if self.series.len() > 1 {
            self.legend(&mut svg);
        }
        svg.push_str("</svg>");
        svg
    }

    fn axes(&self, area: &Area, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for tick in ticks(area.y.0, area.y.1, 5) {
            let y = area.up(tick);
            put(
                svg,
                format_args!(
                    "<path class=\"grid\" d=\"M{LEFT:.0} {y:.1}H{right:.0}\"/><text class=\"tick\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                    LEFT - 6.0,
                    y + 4.0,
                    label(tick)
                ),
            );
        }
        for tick in ticks(area.x.0, area.x.1, 8) {
            let whole = self.shape == Shape::Bars && tick.fract() != 0.0;
            if !whole {
                let x = area.right(tick);
                put(
                    svg,
                    format_args!(
                        "<text class=\"tick\" x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
                        bottom + 16.0,
                        label(tick)
                    ),
                );
            }
        }
        put(
            svg,
            format_args!(
                "<path class=\"axis\" d=\"M{LEFT:.0} {TOP:.0}V{bottom:.0}H{right:.0}\"/>\
                 <text class=\"label\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>\
                 <text class=\"label\" transform=\"translate(14 {:.0}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
                (LEFT + right) / 2.0,
                HEIGHT - 10.0,
                escape(&self.x),
                (TOP + bottom) / 2.0,
                escape(&self.y)
            ),
        );
    }

    fn legend(&self, svg: &mut String) {
        for (at, series) in self.series.iter().enumerate() {
            let x = LEFT + (at % 2) as f64 * (WIDTH - LEFT) / 2.0;
            let y = HEIGHT + (at / 2) as f64 * LEGEND_LINE;
            put(
                svg,
                format_args!(
                    "<rect class=\"f{}\" x=\"{x:.0}\" y=\"{y:.0}\" width=\"12\" height=\"12\"/><text class=\"tick\" x=\"{:.0}\" y=\"{:.0}\">{}</text>",
                    at % COLOURS,
                    x + 18.0,
                    y + 10.0,
                    escape(&series.name)
                ),
            );
        }
    }
}

/// What a figure's axes span.
struct Area {
    x: (f64, f64),
    y: (f64, f64),
}

impl Area {
    fn right(&self, x: f64) -> f64 {
        LEFT + (x - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - LEFT - RIGHT)
    }

    fn up(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - (y - self.y.0) / (self.y.1 - self.y.0) * (HEIGHT - TOP - BOTTOM)
    }
}

/// What lies outside of the axes is not drawn.
fn span(span: &Span, at: usize, area: &Area, svg: &mut String) {
    let (from, to) = (span.x.0.max(area.x.0), span.x.1.min(area.x.1));
    if span.x.0.is_nan() || span.x.1.is_nan() || from > to {
        return;
    }
    let (left, right) = (area.right(from), area.right(to));
    let colour = span.series % COLOURS;
    put(
        svg,
        format_args!(
            "<g><title>{name}: {} to {}</title>\
             <rect class=\"f{colour} span\" x=\"{left:.1}\" y=\"{TOP:.0}\" width=\"{:.1}\" height=\"{:.0}\"/>\
             <path class=\"s{colour} edge\" d=\"M{left:.1} {TOP:.0}V{bottom:.0}M{right:.1} {TOP:.0}V{bottom:.0}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.0}\">{name}</text></g>",
            label(span.x.0),
            label(span.x.1),
            right - left,
            HEIGHT - BOTTOM - TOP,
            left + 4.0,
            TOP + 12.0 + 14.0 * (at % 8) as f64,
            name = escape(&span.name),
            bottom = HEIGHT - BOTTOM,
        ),
    );
}

fn line(series: &Series, at: usize, shape: Shape, area: &Area, svg: &mut String) {
    let mut path = String::new();
    for (n, (x, y)) in series.points.iter().enumerate() {
        let (right, up) = (area.right(*x), area.up(*y));
        match (n, shape) {
            (0, _) => put(&mut path, format_args!("M{right:.1} {up:.1}")),
            (_, Shape::Steps) => put(&mut path, format_args!("H{right:.1}V{up:.1}")),
            _ => put(&mut path, format_args!("L{right:.1} {up:.1}")),
        }
    }
    if !series.points.is_empty() {
        put(
            svg,
            format_args!(
                "<path class=\"line s{}\" d=\"{path}\"><title>{}</title></path>",
                at % COLOURS,
                escape(&series.name)
            ),
        );
    }
}

fn bars(series: &Series, at: usize, of: usize, area: &Area, svg: &mut String) {
    let width = 0.8 / of as f64;
    for (x, y) in &series.points {
        let left = x - 0.4 + width * at as f64;
        let (from, to) = (area.right(left), area.right(left + width));
        let (top, base) = (area.up(y.max(0.0)), area.up(y.min(0.0)));
        put(
            svg,
            format_args!(
                "<rect class=\"f{}\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}: {} at {}</title></rect>",
                at % COLOURS,
                to - from,
                base - top,
                escape(&series.name),
                label(*y),
                label(*x)
            ),
        );
    }
}

/// Round values from one end to the other, about so many.
fn ticks(from: f64, to: f64, about: usize) -> Vec<f64> {
    let step = step(to - from, about);
    let first = (from / step).ceil();
    let last = (to / step + 1e-9).floor();
    let count = (last - first).clamp(0.0, 100.0) as usize;
    (0..=count).map(|n| (first + n as f64) * step).collect()
}

/// 1, 2 or 5 times a power of ten, so that about so many cover the span.
fn step(span: f64, about: usize) -> f64 {
    let raw = span / about as f64;
    let power = 10_f64.powf(raw.log10().floor());
    let digit = [1.0, 2.0, 5.0, 10.0].into_iter().find(|digit| digit * power >= raw);
    digit.unwrap_or(10.0) * power
}

/// The first tick at or above the largest value, so that nothing touches the top.
fn nice_end(from: f64, to: f64) -> f64 {
    let step = step(to - from, 5);
    (to / step - 1e-9).ceil() * step
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    let span = finite.fold(None, |span: Option<(f64, f64)>, value| match span {
        None => Some((value, value)),
        Some((low, high)) => Some((low.min(value), high.max(value))),
    });
    span.unwrap_or((0.0, 1.0))
}

/// A number as short as it can be told: `0.25`, `12k`, `3.5M`.
pub fn label(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        n if n >= 1e12 => (value / 1e12, "T"),
        n if n >= 1e9 => (value / 1e9, "G"),
        n if n >= 1e6 => (value / 1e6, "M"),
        n if n >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.3}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    let short = if short == "-0" { "0" } else { short };
    format!("{short}{unit}")
}

/// Text that can stand in a page and in an attribute's quotes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

fn put(to: &mut String, what: std::fmt::Arguments<'_>) {
    to.write_fmt(what).expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(ticks(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(
            ticks(0.0, 730.0, 8),
            [0.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0]
        );
        assert_eq!(nice_end(0.0, 730.0), 800.0);
        assert_eq!(nice_end(0.0, 800.0), 800.0);
    }

    #[test]
    fn labels_are_short() {
        for (value, text) in [
            (0.2, "0.2"),
            (0.6000000000000001, "0.6"),
            (0.0, "0"),
            (-0.0001, "0"),
            (12_000.0, "12k"),
            (3.5e6, "3.5M"),
        ] {
            assert_eq!(label(value), text);
        }
    }

    #[test]
    fn a_strangers_name_stays_text() {
        let plot = Plot {
            title: "<script>\"x\"".into(),
            x: "a & b".into(),
            y: String::new(),
            shape: Shape::Lines,
            series: vec![Series {
                name: "</svg>".into(),
                points: vec![(0.0, 0.0), (1.0, 2.0)],
            }],
            spans: vec![Span {
                name: "<script>".into(),
                series: 0,
                x: (0.5, 9.0),
            }],
        };
        let svg = plot.svg();
        assert!(!svg.contains("<script>") && svg.matches("</svg>").count() == 1, "{svg}");
        assert!(svg.contains("a &amp; b"));
    }

    #[test]
    fn a_span_ends_where_its_figure_ends() {
        let plot = |x| Plot {
            title: String::new(),
            x: String::new(),
            y: String::new(),
            shape: Shape::Lines,
            series: vec![Series {
                name: String::new(),
                points: vec![(0.0, 0.0), (10.0, 2.0)],
            }],
            spans: vec![Span {
                name: "attack".into(),
                series: 0,
                x,
            }],
        };
        let half = plot((5.0, 1e9)).svg();
        assert!(
            half.contains("<rect class=\"f0 span\" x=\"344.0\" y=\"40\" width=\"280.0\""),
            "{half}"
        );
        assert!(!plot((11.0, 12.0)).svg().contains("span"));
    }

    #[test]
    fn a_figure_of_nothing_or_of_one_point_is_drawn() {
        for points in [
            vec![],
            vec![(0.0, 0.0)],
            vec![(5.0, 5.0)],
            vec![(f64::NAN, f64::INFINITY)],
        ] {
            for shape in [Shape::Lines, Shape::Steps, Shape::Bars] {
                let name = "one".to_owned();
                let series = vec![Series {
                    name,
                    points: points.clone(),
                }];
                let (title, x, y) = (String::new(), String::new(), String::new());
                let spans = vec![Span {
                    name: String::new(),
                    series: 9,
                    x: (f64::NAN, 2.0),
                }];
                let svg = Plot {
                    title,
                    x,
                    y,
                    shape,
                    series,
                    spans,
                }
                .svg();
                assert!(points.iter().any(|(x, _)| x.is_nan()) || !svg.contains("NaN"), "{svg}");
            }
        }
    }
}
