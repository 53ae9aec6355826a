//! Runs of one seed compare image by image: equal initial backbones, equal images in an equal order.

use std::collections::BTreeMap;

use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::training::{Checkpoint, Snapshot};

use super::{StopAfter, small_plan, train};

fn initial(registry: &Registry, head: HeadKind, seed: u64) -> Snapshot {
    let mut model = registry.build_named("mini_resnet", 64, head, seed, 6).unwrap();
    Snapshot::of(&mut *model, None)
}

fn backbone(snapshot: Snapshot) -> BTreeMap<String, Vec<f32>> {
    let tensors = snapshot.tensors.into_iter();
    let backbone = tensors.filter(|(name, _)| name.starts_with("backbone."));
    backbone.map(|(name, tensor)| (name, tensor.values)).collect()
}

#[test]
fn every_head_of_a_seed_starts_from_the_same_backbone() {
    let registry = Registry::builtin();
    let expected = backbone(initial(&registry, HeadKind::Gap, 7));
    assert!(expected.len() > 20);
    for head in HeadKind::ALL {
        assert_eq!(backbone(initial(&registry, head, 7)), expected, "{head}");
    }
    assert_ne!(backbone(initial(&registry, HeadKind::Gap, 8)), expected, "another seed");
}

#[test]
fn every_head_of_a_seed_sees_the_same_images_in_the_same_order() {
    // With a learning rate of 0 the backbones stay equal, and their running statistics are a digest of the images.
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let digest = |head, seed| {
        let folder = tempfile::tempdir().unwrap();
        let change = |fit: &mut wise_srnet::training::Fit<'_>| {
            (fit.epochs, fit.optimizer.learning_rate) = (1, 0.0);
            fit.identity.seed = seed;
        };
        train(&plan, head, folder.path(), change, &mut StopAfter::never()).unwrap();
        backbone(
            Checkpoint::load(&folder.path().join("last.safetensors"))
                .unwrap()
                .snapshot,
        )
    };
    let expected = digest(HeadKind::Gap, 0);
    for head in [HeadKind::WiseSrnetDropout, HeadKind::FlattenFc] {
        assert_eq!(digest(head, 0), expected, "{head}");
    }
    assert_ne!(digest(HeadKind::Gap, 1), expected, "another seed");
}
