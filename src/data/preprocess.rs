//! Keras' `imagenet_utils.preprocess_input` in its 'caffe' mode, which the paper uses for every network.

/// ImageNet's mean blue, green and red, of 255.
pub const MEAN_BGR: [f32; 3] = [103.939, 116.779, 123.68];

/// Turns RGB values of 0 to 255 into BGR minus [`MEAN_BGR`], unscaled, in place.
///
/// # Shapes
/// `pixels`: any number of pixels × 3.
pub fn caffe(pixels: &mut [f32]) {
    for pixel in pixels.as_chunks_mut::<3>().0 {
        let [red, green, blue] = *pixel;
        *pixel = [blue - MEAN_BGR[0], green - MEAN_BGR[1], red - MEAN_BGR[2]];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_reversed_and_centred_without_scaling() {
        let mut pixels = [255.0, 128.0, 0.0, 123.68, 116.779, 103.939];
        caffe(&mut pixels);
        assert_eq!(pixels, [-103.939, 128.0 - 116.779, 255.0 - 123.68, 0.0, 0.0, 0.0]);
    }
}
