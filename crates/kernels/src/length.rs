//! How many values a slice must have. Sizes come from callers, and addresses are computed from them: a product that
//! wrapped would let a short slice pass for a long one.

/// The product of sizes; 0 if one of them is 0, whatever the others are.
///
/// # Panics
/// If it is larger than a `usize` can tell: no slice is that long.
pub fn of(sizes: &[usize]) -> usize {
    if sizes.contains(&0) {
        return 0;
    }
    let product = sizes
        .iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(size));
    product.unwrap_or_else(|| {
        let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
        panic!("{} values are more than a slice can have", sizes.join(" × "))
    })
}

/// From the first value to the last of `rows` rows of `columns` values that begin `stride` apart.
///
/// # Panics
/// As [`of`].
pub fn of_rows(rows: usize, columns: usize, stride: usize) -> usize {
    if rows == 0 || columns == 0 {
        return 0;
    }
    let before = (rows - 1).checked_mul(stride);
    before
        .and_then(|before| before.checked_add(columns))
        .unwrap_or_else(|| panic!("{rows} rows of {columns} values, {stride} apart, are more than a slice can have"))
}
