//! From a scene to pixels.

use image::{Rgb, RgbImage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::scene::{Form, Scene, Shape};

/// Largest noise added to a channel, of 255.
const NOISE: f32 = 18.0;

/// Draws `scene` in `size`×`size` pixels with pixel noise of `noise_seed`.
pub(super) fn render(scene: &Scene, size: u32, noise_seed: u64) -> RgbImage {
    let mut noise = ChaCha8Rng::seed_from_u64(noise_seed);
    let pixel = 1.0 / size as f32;
    RgbImage::from_fn(size, size, |column, row| {
        let point = [column, row].map(|place| (place as f32 + 0.5) * pixel);
        let mut colour = background(scene, point);
        for shape in &scene.shapes {
            // One pixel of transition along the outline keeps edges smooth.
            let coverage = (0.5 - distance(shape, point) / pixel).clamp(0.0, 1.0);
            colour = mix(colour, shape.colour, coverage);
        }
        Rgb(colour.map(|value| (value + noise.gen_range(-NOISE..NOISE)).clamp(0.0, 255.0) as u8))
    })
}

fn background(scene: &Scene, [x, y]: [f32; 2]) -> [f32; 3] {
    let turns = |[across, down, phase]: [f32; 3]| (std::f32::consts::TAU * (across * x + down * y) + phase).sin();
    let texture = scene.waves.iter().copied().map(turns).sum::<f32>() / scene.waves.len() as f32;
    mix(scene.background[0], scene.background[1], 0.5 + 0.5 * texture)
}

fn mix(from: [f32; 3], to: [f32; 3], share: f32) -> [f32; 3] {
    std::array::from_fn(|channel| from[channel] + (to[channel] - from[channel]) * share)
}

/// Signed distance from the outline, negative inside (outside of corners a lower bound).
fn distance(shape: &Shape, point: [f32; 2]) -> f32 {
    let [x, y] = [0, 1].map(|axis| point[axis] - shape.centre[axis]);
    let (sin, cos) = shape.angle.sin_cos();
    let (u, v) = (cos * x + sin * y, cos * y - sin * x);
    match shape.form {
        Form::Disc => x.hypot(y) - shape.radius,
        Form::Ring => (x.hypot(y) - shape.radius).abs() - shape.radius * 0.3,
        Form::Square => u.abs().max(v.abs()) - shape.radius,
        Form::Triangle => {
            let half_sqrt_3 = 3_f32.sqrt() / 2.0;
            v.max(half_sqrt_3 * u.abs() - v / 2.0) - shape.radius * 0.8
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_shape(form: Form) -> Scene {
        let shape = Shape {
            form,
            centre: [0.25, 0.75],
            radius: 0.15,
            angle: 0.0,
            colour: [255.0, 20.0, 20.0],
        };
        Scene {
            background: [[20.0, 20.0, 255.0]; 2],
            waves: [[0.0; 3]; 3],
            shapes: vec![shape],
        }
    }

    #[test]
    fn a_shape_covers_its_centre_and_not_the_opposite_corner() {
        for form in [Form::Disc, Form::Square, Form::Triangle] {
            let image = render(&one_shape(form), 40, 0);
            let (inside, outside) = (image.get_pixel(10, 30), image.get_pixel(30, 10));
            assert!(inside[0] > 200 && inside[2] < 60, "{form:?}: {inside:?}");
            assert!(outside[0] < 60 && outside[2] > 200, "{form:?}: {outside:?}");
        }
    }

    #[test]
    fn shapes_are_turned_by_their_angle() {
        let mut shape = one_shape(Form::Square).shapes.remove(0);
        shape.angle = std::f32::consts::FRAC_PI_6;
        // Along its own axes, (√3/2, 1/2) and (−1/2, √3/2), the square ends at 0.15.
        for (point, expected) in [
            ([0.1, 0.0], -0.0634),
            ([0.0, 0.2], 0.0232),
            ([0.1, 0.2], 0.0366),
            ([-0.1, 0.2], 0.0732),
        ] {
            let place = [shape.centre[0] + point[0], shape.centre[1] + point[1]];
            let found = distance(&shape, place);
            assert!((found - expected).abs() < 1e-4, "{point:?}: {found}");
        }
    }

    #[test]
    fn a_background_is_a_mean_of_waves_over_the_image() {
        let scene = Scene {
            background: [[0.0; 3], [200.0, 100.0, 50.0]],
            waves: [
                [2.0, 0.0, 0.0],
                [2.0, 3.0, 0.0],
                [0.0, 0.0, std::f32::consts::FRAC_PI_2],
            ],
            shapes: Vec::new(),
        };
        // Waves of 1, 1 and 1; then of 1, sin(2π (1/4 + 1/4)) = 0 and 1.
        for (point, share) in [([0.125, 0.0], 1.0), ([0.125, 1.0 / 12.0], 5.0 / 6.0)] {
            let found = background(&scene, point);
            let expected = scene.background[1].map(|value| share * value);
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 0.01, "{point:?}: {found}, {expected}");
            }
        }
    }

    #[test]
    fn a_ring_leaves_its_centre_open() {
        let image = render(&one_shape(Form::Ring), 40, 0);
        assert!(image.get_pixel(10, 30)[2] > 200);
        assert!(image.get_pixel(10, 30 - 6)[0] > 200);
    }
}
