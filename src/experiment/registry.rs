//! From names to types: which networks there are, at which image sizes, and how each is built with each head.

use dfdx::prelude::{Const, CpuError};

use super::{Experiment, HeadKind, Problem};
use crate::heads::{Depthwise, DepthwiseNonNeg, Gap, GapDropout, Head, HeadsOver};
use crate::networks::{Backbone, DenseNet169, MiniResNet, NasNetLarge, ResNet50, Xception};
use crate::text::one_of;
use crate::training::{BackboneType, Model};

type Build = dyn Fn(HeadKind, u64, usize) -> Result<Box<dyn Model>, CpuError> + Send + Sync;

/// The networks that experiment files can name.
///
/// A program of one's own starts from [`Registry::builtin`], registers its networks and hands the registry to
/// [`cli::main`](crate::cli::main): it then runs experiment files like `wise-srnet` itself.
pub struct Registry {
    entries: Vec<Entry>,
}

struct Entry {
    network: String,
    image_size: usize,
    build: Box<Build>,
}

impl Registry {
    /// No networks.
    pub fn empty() -> Self {
        Self { entries: Vec::new() }
    }

    /// This crate's networks.
    pub fn builtin() -> Self {
        let mut registry = Self::empty();
        registry.register::<DenseNet169, 224, 7, 1664>("densenet169");
        registry.register::<DenseNet169, 512, 16, 1664>("densenet169");
        registry.register::<ResNet50, 224, 7, 2048>("resnet50");
        registry.register::<ResNet50, 512, 16, 2048>("resnet50");
        registry.register::<Xception, 224, 7, 2048>("xception");
        registry.register::<Xception, 512, 16, 2048>("xception");
        registry.register::<NasNetLarge, 224, 7, 4032>("nasnet_large");
        registry.register::<NasNetLarge, 512, 16, 4032>("nasnet_large");
        registry.register::<MiniResNet, 64, 8, 128>("mini_resnet");
        registry.register::<MiniResNet, 96, 12, 128>("mini_resnet");
        registry
    }

    /// Adds the network `N` for images of `IMAGE × IMAGE`, whose map is `M × M × C`, with all seven heads; an earlier
    /// entry with the same name and size is replaced.
    pub fn register<N, const IMAGE: usize, const M: usize, const C: usize>(&mut self, network: &str)
    where
        N: Backbone<IMAGE, M, C>,
        Const<M>: HeadsOver,
        Gap<C>: Head<M, C>,
        GapDropout<C>: Head<M, C>,
        Depthwise<C, M>: Head<M, C>,
        DepthwiseNonNeg<C, M>: Head<M, C>,
        <Const<M> as HeadsOver>::WiseSrNet<C>: Head<M, C>,
        <Const<M> as HeadsOver>::WiseSrNetDropout<C>: Head<M, C>,
        <Const<M> as HeadsOver>::FlattenFc<C>: Head<M, C>,
    {
        let backbone = BackboneType::<M, C>::of::<N, IMAGE>();
        let build = move |head, seed, classes| match head {
            HeadKind::Gap => backbone.with_head::<Gap<C>>(seed, classes),
            HeadKind::GapDropout => backbone.with_head::<GapDropout<C>>(seed, classes),
            HeadKind::Depthwise => backbone.with_head::<Depthwise<C, M>>(seed, classes),
            HeadKind::DepthwiseNonneg => backbone.with_head::<DepthwiseNonNeg<C, M>>(seed, classes),
            HeadKind::WiseSrnet => backbone.with_head::<<Const<M> as HeadsOver>::WiseSrNet<C>>(seed, classes),
            HeadKind::WiseSrnetDropout => {
                backbone.with_head::<<Const<M> as HeadsOver>::WiseSrNetDropout<C>>(seed, classes)
            }
            HeadKind::FlattenFc => backbone.with_head::<<Const<M> as HeadsOver>::FlattenFc<C>>(seed, classes),
        };
        self.entries
            .retain(|entry| entry.network != network || entry.image_size != IMAGE);
        self.entries.push(Entry {
            network: network.to_owned(),
            image_size: IMAGE,
            build: Box::new(build),
        });
    }

    /// The networks' names, each once.
    pub fn networks(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for entry in &self.entries {
            if !names.contains(&entry.network.as_str()) {
                names.push(&entry.network);
            }
        }
        names
    }

    /// The image sizes at which a network is registered.
    pub fn image_sizes(&self, network: &str) -> Vec<usize> {
        self.entries
            .iter()
            .filter(|entry| entry.network == network)
            .map(|entry| entry.image_size)
            .collect()
    }

    /// Builds an experiment's network with a head for `classes` classes, its parameters drawn from `seed`.
    ///
    /// # Errors
    /// A [`Problem`] that points at the file's network or image size if it isn't registered.
    pub fn build(
        &self,
        experiment: &Experiment,
        head: HeadKind,
        seed: u64,
        classes: usize,
    ) -> Result<Box<dyn Model>, Problem> {
        self.build_named(&experiment.network, experiment.image_size, head, seed, classes)
    }

    /// As [`build`](Self::build), by the network's name and image size.
    pub fn build_named(
        &self,
        network: &str,
        image_size: usize,
        head: HeadKind,
        seed: u64,
        classes: usize,
    ) -> Result<Box<dyn Model>, Problem> {
        let entry = self.find(network, image_size)?;
        let failed = |error| Problem::in_field("network", format!("the network could not be built: {error}"));
        (entry.build)(head, seed, classes).map_err(failed)
    }

    /// Whether the experiment's network is registered at its image size.
    pub fn check(&self, experiment: &Experiment) -> Result<(), Problem> {
        self.find(&experiment.network, experiment.image_size).map(|_| ())
    }

    fn find(&self, network: &str, size: usize) -> Result<&Entry, Problem> {
        let sizes = self.image_sizes(network);
        if sizes.is_empty() {
            return Err(Problem::unknown_name("network", "network", network, self.networks()));
        }
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.network == network && entry.image_size == size);
        entry.ok_or_else(|| {
            let known: Vec<String> = sizes.iter().map(usize::to_string).collect();
            Problem::in_field("image_size", format!("`{network}` is not registered for images of {size} pixels"))
                .label(one_of(known.iter().map(String::as_str)))
                .help(format!(
                    "one line in a program of your own registers it, if its layers fit: \
                     `registry.register::<Network, {size}, MAP, CHANNELS>(\"{network}\");` (see examples/custom_network.rs)"
                ))
        })
    }
}
