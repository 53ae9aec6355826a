//! The networks of this crate by name, at the sizes of images for which their maps are proven.

use dfdx::prelude::Const;

use crate::heads::{AllHeads, HeadKind};
use crate::networks::{Backbone, DenseNet169, MiniResNet, NasNetLarge, ResNet50, Xception};
use crate::typed::{BackboneType, BuildError, TracedNetwork};

/// Traces a network with a head for so many classes; its parameters are drawn from a seed.
pub type Build = dyn Fn(HeadKind, u64, usize) -> Result<TracedNetwork, BuildError> + Send + Sync;

/// A network for images of one size, with all heads.
pub struct Builtin {
    /// The name in experiment files.
    pub name: &'static str,
    /// Height and width of the images, in pixels.
    pub image_size: usize,
    /// How it is built.
    pub build: Box<Build>,
}

fn network<N, const IMAGE: usize, const M: usize, const C: usize>(name: &'static str) -> Builtin
where
    N: Backbone<IMAGE, M, C>,
    Const<M>: AllHeads<M, C>,
{
    let backbone = BackboneType::<M, C>::of::<N, IMAGE>();
    Builtin {
        name,
        image_size: IMAGE,
        build: Box::new(move |head, seed, classes| backbone.with(head, seed, classes)),
    }
}

/// All networks.
pub fn builtin() -> impl Iterator<Item = Builtin> {
    // One function a network: after an edit to one, the compiler need not look at the others again.
    [densenet169, resnet50, xception, nasnet_large, mini_resnet]
        .into_iter()
        .flat_map(|network| network())
}

fn densenet169() -> [Builtin; 2] {
    [
        network::<DenseNet169, 224, 7, 1664>("densenet169"),
        network::<DenseNet169, 512, 16, 1664>("densenet169"),
    ]
}

fn resnet50() -> [Builtin; 2] {
    [
        network::<ResNet50, 224, 7, 2048>("resnet50"),
        network::<ResNet50, 512, 16, 2048>("resnet50"),
    ]
}

fn xception() -> [Builtin; 2] {
    [
        network::<Xception, 224, 7, 2048>("xception"),
        network::<Xception, 512, 16, 2048>("xception"),
    ]
}

fn nasnet_large() -> [Builtin; 2] {
    [
        network::<NasNetLarge, 224, 7, 4032>("nasnet_large"),
        network::<NasNetLarge, 512, 16, 4032>("nasnet_large"),
    ]
}

fn mini_resnet() -> [Builtin; 2] {
    [
        network::<MiniResNet, 64, 8, 128>("mini_resnet"),
        network::<MiniResNet, 96, 12, 128>("mini_resnet"),
    ]
}
