//! Every head learns.

use wise_srnet::data::{Loader, LoaderOptions, Order};
use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::training::Sgd;

use super::small_plan;

#[test]
fn every_head_overfits_four_images() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let options = LoaderOptions {
        image_size: 64,
        batch_size: 4,
        order: Order::Shuffled,
        augmentation: None,
        seed: 0,
        epoch: 0,
        first_batch: 0,
    };
    let batch = Loader::new(&plan.splits.train, options)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    for head in HeadKind::ALL {
        let mut model = plan.build(super::run_of(head)).unwrap();
        let mut optimizer = Sgd::new(&mut *model, 0.9);
        let mut losses = Vec::new();
        for _ in 0..30 {
            let mut step = model.train(batch.images.clone(), &batch.labels).unwrap();
            losses.push(step.loss);
            optimizer.update(&mut *model, &mut step, 0.05);
        }
        assert!(losses.iter().all(|loss| loss.is_finite()), "{head}: {losses:?}");
        let last = losses.last().copied().unwrap_or(f32::NAN);
        assert!(last < 0.5 * losses[0], "{head}: {losses:?}");
    }
}
