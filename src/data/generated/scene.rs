//! What a generated image shows: shapes with a place, a size and a colour. Lengths are fractions of the image's side.

use std::f32::consts::TAU;

use rand::Rng;

/// A class of the generated data set. The spread between the arrangements' places is a multiple of their jitter, so
/// that every image shows its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrangement {
    DiscAboveSquare,
    DiscBelowSquare,
    DiscLeftOfSquare,
    DiscRightOfSquare,
    TrianglesInAColumn,
    TrianglesInARow,
}

impl Arrangement {
    /// In the byte order of their names.
    pub(super) const ALL: [Self; 6] = [
        Self::DiscAboveSquare,
        Self::DiscBelowSquare,
        Self::DiscLeftOfSquare,
        Self::DiscRightOfSquare,
        Self::TrianglesInAColumn,
        Self::TrianglesInARow,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DiscAboveSquare => "disc_above_square",
            Self::DiscBelowSquare => "disc_below_square",
            Self::DiscLeftOfSquare => "disc_left_of_square",
            Self::DiscRightOfSquare => "disc_right_of_square",
            Self::TrianglesInAColumn => "triangles_in_a_column",
            Self::TrianglesInARow => "triangles_in_a_row",
        }
    }

    /// The shapes and where their centres lie, as (x, y) from the upper left corner.
    fn places(self) -> Vec<(Form, [f32; 2])> {
        let disc_and_square = |disc, square| vec![(Form::Disc, disc), (Form::Square, square)];
        let triangles = |centres: [[f32; 2]; 3]| centres.map(|centre| (Form::Triangle, centre)).to_vec();
        match self {
            Self::DiscAboveSquare => disc_and_square([0.5, 0.27], [0.5, 0.73]),
            Self::DiscBelowSquare => disc_and_square([0.5, 0.73], [0.5, 0.27]),
            Self::DiscLeftOfSquare => disc_and_square([0.27, 0.5], [0.73, 0.5]),
            Self::DiscRightOfSquare => disc_and_square([0.73, 0.5], [0.27, 0.5]),
            Self::TrianglesInAColumn => triangles([[0.5, 0.2], [0.5, 0.5], [0.5, 0.8]]),
            Self::TrianglesInARow => triangles([[0.2, 0.5], [0.5, 0.5], [0.8, 0.5]]),
        }
    }
}

/// The outline of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Disc,
    Square,
    Triangle,
    Ring,
}

/// A coloured shape.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) form: Form,
    /// Centre (x, y).
    pub(super) centre: [f32; 2],
    /// Distance from the centre to the outline (disc, ring), or to a side (square, triangle).
    pub(super) radius: f32,
    /// Rotation in radians.
    pub(super) angle: f32,
    /// RGB, 0 to 255.
    pub(super) colour: [f32; 3],
}

/// Everything that is random about an image, except for its noise.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// Two colours between which the background's texture varies.
    pub(super) background: [[f32; 3]; 2],
    /// Waves (x and y per side, phase) whose sum is the background's texture.
    pub(super) waves: [[f32; 3]; 3],
    /// From back to front.
    pub(super) shapes: Vec<Shape>,
}

impl Scene {
    pub(super) fn draw(arrangement: Arrangement, random: &mut impl Rng) -> Self {
        let clutter = random.gen_range(2..=5);
        let mut shapes: Vec<Shape> = (0..clutter).map(|_| distractor(random)).collect();
        shapes.extend(
            arrangement
                .places()
                .into_iter()
                .map(|(form, place)| arranged(form, place, random)),
        );
        Self {
            background: [colour(random, 30.0..140.0), colour(random, 30.0..140.0)],
            waves: std::array::from_fn(|_| {
                [
                    random.gen_range(-6.0..6.0),
                    random.gen_range(-6.0..6.0),
                    random.gen_range(0.0..TAU),
                ]
            }),
            shapes,
        }
    }
}

/// A shape of the arrangement: near its place, in any bright colour.
fn arranged(form: Form, place: [f32; 2], random: &mut impl Rng) -> Shape {
    const JITTER: f32 = 0.06;
    Shape {
        form,
        centre: place.map(|coordinate| coordinate + random.gen_range(-JITTER..JITTER)),
        radius: random.gen_range(0.08..0.14),
        angle: random.gen_range(0.0..TAU),
        colour: colour(random, 90.0..255.0),
    }
}

/// A small ring anywhere.
fn distractor(random: &mut impl Rng) -> Shape {
    Shape {
        form: Form::Ring,
        centre: [random.gen_range(0.0..1.0), random.gen_range(0.0..1.0)],
        radius: random.gen_range(0.03..0.07),
        angle: 0.0,
        colour: colour(random, 60.0..255.0),
    }
}

fn colour(random: &mut impl Rng, range: std::ops::Range<f32>) -> [f32; 3] {
    std::array::from_fn(|_| random.gen_range(range.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    /// Where the arrangement's shapes of this form are on average.
    fn centre(scene: &Scene, form: Form) -> [f32; 2] {
        let centres: Vec<[f32; 2]> = scene
            .shapes
            .iter()
            .filter(|s| s.form == form)
            .map(|s| s.centre)
            .collect();
        [0, 1].map(|axis| centres.iter().map(|centre| centre[axis]).sum::<f32>() / centres.len() as f32)
    }

    #[test]
    fn every_scene_shows_the_arrangement_of_its_class() {
        for (class, arrangement) in Arrangement::ALL.into_iter().enumerate() {
            for image in 0..50 {
                let scene = Scene::draw(arrangement, &mut stream(0, "scene", &[class as u64, image]));
                let ([disc_x, disc_y], [square_x, square_y]) =
                    (centre(&scene, Form::Disc), centre(&scene, Form::Square));
                let triangles: Vec<[f32; 2]> = scene
                    .shapes
                    .iter()
                    .filter(|s| s.form == Form::Triangle)
                    .map(|s| s.centre)
                    .collect();
                let ascends = |axis: usize| triangles.is_sorted_by(|a, b| a[axis] + 0.15 < b[axis]);
                let holds = match arrangement {
                    Arrangement::DiscAboveSquare => disc_y + 0.3 < square_y,
                    Arrangement::DiscBelowSquare => square_y + 0.3 < disc_y,
                    Arrangement::DiscLeftOfSquare => disc_x + 0.3 < square_x,
                    Arrangement::DiscRightOfSquare => square_x + 0.3 < disc_x,
                    Arrangement::TrianglesInAColumn => triangles.len() == 3 && ascends(1),
                    Arrangement::TrianglesInARow => triangles.len() == 3 && ascends(0),
                };
                assert!(holds, "{} {image}: {scene:?}", arrangement.name());
            }
        }
    }
}
