//! Networks with operations of dfdx itself.

use dfdx::prelude::modules::Tanh;
use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::layers::Conv2D;
use wise_srnet::shapes::Same;
use wise_srnet::training::Sgd;

type WithTanh = (Conv2D<3, 8, 3, 2, Same>, Tanh);

#[test]
fn a_network_with_operations_of_dfdx_is_refused_with_the_line_to_write_and_runs_when_that_is_written() {
    let mut registry = Registry::empty();
    registry.register::<WithTanh, 64, 32, 8>("with_tanh");
    let refused = registry
        .build_named("with_tanh", 64, HeadKind::Gap, 0, 2)
        .err()
        .unwrap();
    let said = refused.to_string();
    assert!(
        said.contains("operations of dfdx itself, 1 of them") && said.contains("`register_eager`"),
        "{said}"
    );

    registry.register_eager::<WithTanh, 64, 32, 8>("with_tanh");
    let mut model = registry.build_named("with_tanh", 64, HeadKind::Gap, 0, 2).unwrap();
    assert_eq!(model.program().unwrap().foreign, 1);
    let images: Vec<f32> = (0..2 * 64 * 64 * 3)
        .map(|index| if index < 64 * 64 * 3 { 0.5 } else { -0.5 })
        .collect();
    let mut optimizer = Sgd::new(&mut *model, 0.9);
    let mut losses = Vec::new();
    for _ in 0..10 {
        let mut step = model.train(images.clone(), &[0, 1]).unwrap();
        losses.push(step.loss);
        optimizer.update(&mut *model, &mut step, 0.1);
    }
    assert!(losses[9] < 0.5 * losses[0], "{losses:?}");
    let logits = model.logits(images, 2).unwrap();
    assert!(logits[0] > logits[1] && logits[2] < logits[3], "{logits:?}");
}
