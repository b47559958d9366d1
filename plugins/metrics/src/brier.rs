/// Computes the Brier score: the mean squared difference between probability and label. In [0, 1],
/// 0 is best; NaN without samples.
///
/// ```
/// use pe_metrics::brier;
/// assert_eq!(brier(&[true, false], &[1.0, 0.5]), 0.125);
/// assert!(brier(&[], &[]).is_nan());
/// ```
///
/// # Panics
/// When there are not as many probabilities as labels.
pub fn brier(labels: &[bool], probabilities: &[f64]) -> f64 {
    assert_eq!(
        labels.len(),
        probabilities.len(),
        "one score for each label"
    );
    let samples = labels.iter().zip(probabilities);
    let sum: f64 = samples
        .map(|(label, probability)| squared_error(*label, *probability))
        .sum();
    sum / labels.len() as f64
}

/// One sample's term of the sum.
pub(crate) fn squared_error(label: bool, probability: f64) -> f64 {
    let difference = probability - f64::from(u8::from(label));
    difference * difference
}
