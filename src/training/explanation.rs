//! What each place of the feature map adds to a logit: the class activation map, exact for every head of this crate.

use dfdx::prelude::CpuError;

use super::model::Model;

/// Values of the maps that run through a head at once: memory doesn't grow with the number of cells.
const VALUES_AT_ONCE: usize = 1 << 22;

/// The logits of one image, divided among the cells of its feature map.
///
/// In inference every head is linear from the map to the logits, up to a constant: pooling and convolution weigh
/// cells, dropout does nothing. So a map with one cell only, all others 0, has the logits `bias + contribution`, and the
/// contributions of all cells with the bias add up to the image's logits. Under global average pooling a contribution is
/// the class activation map of Zhou et al. (*Learning Deep Features for Discriminative Localization*, 2016), divided by
/// the number of cells. A cell that a head's pooling leaves out, at the lower or right edge, contributes 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Height and width of the feature map.
    pub cells: [usize; 2],
    /// The logits of a map of zeros, one a class.
    pub bias: Vec<f32>,
    /// Height × width × classes.
    pub contributions: Vec<f32>,
}

impl Explanation {
    /// Divides the logits of one image; `map` is its feature map, as [`Model::features`] gives it.
    ///
    /// # Errors
    /// Those of the head.
    pub fn of(model: &mut dyn Model, map: &[f32]) -> Result<Self, CpuError> {
        let [height, width, channels] = model.feature_map();
        let bias = model.logits_of_features(vec![0.0; map.len()], 1)?;
        let mut contributions = Vec::with_capacity(height * width * bias.len());
        let cells: Vec<usize> = (0..height * width).collect();
        for some in cells.chunks((VALUES_AT_ONCE / map.len().max(1)).max(1)) {
            let mut maps = vec![0.0; some.len() * map.len()];
            for (alone, cell) in maps.chunks_exact_mut(map.len()).zip(some) {
                let values = cell * channels..(cell + 1) * channels;
                alone[values.clone()].copy_from_slice(&map[values]);
            }
            let logits = model.logits_of_features(maps, some.len())?;
            let differences = logits.chunks_exact(bias.len()).flat_map(|logits| {
                let pairs = logits.iter().zip(&bias);
                pairs.map(|(logit, bias)| logit - bias)
            });
            contributions.extend(differences);
        }
        Ok(Self {
            cells: [height, width],
            bias,
            contributions,
        })
    }

    /// The cells' contributions to one class's logit: height × width.
    pub fn of_class(&self, class: usize) -> Vec<f32> {
        let cells = self.contributions.chunks_exact(self.bias.len());
        cells.map(|logits| logits[class]).collect()
    }
}
