//! Student's t: how wide an interval of few values must be.

/// The 95 % quantile (one-sided) for so many degrees of freedom, at least one.
///
/// The quantile is found where the distribution's own integral reaches 0.95: no table, no interpolation.
pub fn t95(freedom: f64) -> f64 {
    let freedom = freedom.max(1.0);
    let (mut low, mut high) = (0.0, 10.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if half_mass(middle, freedom) < 0.45 {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The distribution's mass from 0 to t.
///
/// With x = sqrt(n) tan(a) the density becomes a power of a cosine, smooth on a finite interval, which Simpson's rule
/// integrates to more digits than anyone reads; the constant is that same integral over a quarter turn.
fn half_mass(t: f64, freedom: f64) -> f64 {
    let quarter = std::f64::consts::FRAC_PI_2;
    let part = (t / freedom.sqrt()).atan();
    cosine_power(part, freedom - 1.0) / cosine_power(quarter, freedom - 1.0) * 0.5
}

fn cosine_power(until: f64, power: f64) -> f64 {
    const STEPS: u32 = 2_000;
    let width = until / f64::from(STEPS);
    let at = |step: u32| (width * f64::from(step)).cos().max(0.0).powf(power);
    let inner: f64 = (1..STEPS)
        .map(|step| at(step) * if step % 2 == 1 { 4.0 } else { 2.0 })
        .sum();
    (at(0) + inner + at(STEPS)) * width / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_printed_tables() {
        for (freedom, t) in [
            (1.0, 6.314),
            (2.0, 2.920),
            (5.0, 2.015),
            (10.0, 1.812),
            (38.0, 1.686),
            (120.0, 1.658),
        ] {
            assert!((t95(freedom) - t).abs() < 0.001, "{freedom}: {} for {t}", t95(freedom));
        }
    }
}
