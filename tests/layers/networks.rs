//! The networks' parameters and maps.

use std::marker::PhantomData;

use dfdx::prelude::{Cpu, TensorCollection};
use wise_srnet::heads::{Head, WiseSrNet};
use wise_srnet::layers::{Visited, build, for_each};
use wise_srnet::networks::{Backbone, DenseNet169, MiniResNet};

/// All parameters, and the trainable ones.
fn parameters<N: TensorCollection<f32, Cpu, To<f32, Cpu> = N>>() -> [usize; 2] {
    let mut network: N = build(1, "net", 0).unwrap();
    let mut counts = [0, 0];
    for_each(&mut network, "net", &mut |visited| {
        if let Visited::Tensor(tensor) = visited {
            counts[0] += tensor.values.len();
            counts[1] += if tensor.trainable { tensor.values.len() } else { 0 };
        }
    });
    counts
}

#[test]
fn densenet169_has_keras_numbers_of_parameters() {
    assert_eq!(parameters::<DenseNet169>(), [12_642_880, 12_484_480]);
}

#[test]
fn mini_resnet_is_small() {
    let [all, trainable] = parameters::<MiniResNet>();
    assert!((200_000..500_000).contains(&all) && trainable < all);
}

/// Compiles only if the network's map at this image size is `M × M × C`.
fn map<N: Backbone<IMAGE, M, C>, const IMAGE: usize, const M: usize, const C: usize>(_: PhantomData<N>) -> [usize; 3] {
    [M, M, C]
}

#[test]
fn maps_have_the_sizes_of_the_papers_table() {
    assert_eq!(map::<DenseNet169, 224, _, _>(PhantomData), [7, 7, 1664]);
    assert_eq!(map::<DenseNet169, 512, _, _>(PhantomData), [16, 16, 1664]);
    assert_eq!(map::<MiniResNet, 64, _, _>(PhantomData), [8, 8, 128]);
    assert_eq!(map::<MiniResNet, 96, _, _>(PhantomData), [12, 12, 128]);
}

/// Compiles only if the head fits the map.
fn fits<H: Head<M, C>, const M: usize, const C: usize>(_: PhantomData<H>) -> usize {
    M * M * C
}

#[test]
fn wise_srnet_covers_the_maps_of_both_image_sizes_with_the_papers_kernels() {
    assert_eq!(fits::<WiseSrNet<1664, 2, 3>, 7, 1664>(PhantomData), 7 * 7 * 1664);
    assert_eq!(fits::<WiseSrNet<1664, 3, 5>, 16, 1664>(PhantomData), 16 * 16 * 1664);
}
