//! Changes of colour, in place, over RGB values of 0 to 255.

/// Keras' `apply_channel_shift`: adds `intensity`, then clips to the image's own least and greatest value.
pub(super) fn shift_channels(pixels: &mut [f32], intensity: f32) {
    let least = pixels.iter().copied().fold(f32::INFINITY, f32::min);
    let greatest = pixels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for value in pixels {
        *value = (*value + intensity).max(least).min(greatest);
    }
}

/// Keras' `apply_brightness_shift(scale=False)`: through Pillow's 8-bit images, so the value is truncated before and
/// after it is scaled by `factor`.
pub(super) fn scale_brightness(pixels: &mut [f32], factor: f32) {
    for value in pixels {
        *value = truncated((truncated(*value) * factor).clamp(0.0, 255.0));
    }
}

/// Without its fraction: `f32::trunc`, which is a call for each value, for numbers that fit an integer.
#[inline]
fn truncated(value: f32) -> f32 {
    value as i32 as f32
}
