//! From names to types: which networks there are, at which image sizes, and how each is built with each head.

use dfdx::prelude::Const;

use super::{Experiment, HeadKind, Problem};
use crate::builtin::{Builtin, builtin};
use crate::heads::AllHeads;
use crate::networks::Backbone;
use crate::text::one_of;
use crate::training::{BackboneType, BuildError, EagerBackboneType, Model, Planned, TracedNetwork};

type Build = dyn Fn(HeadKind, u64, usize) -> Result<Box<dyn Model>, BuildError> + Send + Sync;

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

fn planned(network: TracedNetwork) -> Result<Box<dyn Model>, BuildError> {
    Ok(Box::new(Planned::new(network)))
}

impl Registry {
    /// No networks.
    pub fn empty() -> Self {
        Self { entries: Vec::new() }
    }

    /// This crate's networks.
    pub fn builtin() -> Self {
        let mut registry = Self::empty();
        for Builtin {
            name,
            image_size,
            build,
        } in builtin()
        {
            let build = move |head, seed, classes| planned(build(head, seed, classes)?);
            registry.add(name, image_size, Box::new(build));
        }
        registry
    }

    /// Adds the network `N` for images of `IMAGE × IMAGE`, whose map is `M × M × C`, with all seven heads; an earlier
    /// entry with the same name and size is replaced.
    pub fn register<N, const IMAGE: usize, const M: usize, const C: usize>(&mut self, network: &str)
    where
        N: Backbone<IMAGE, M, C>,
        Const<M>: AllHeads<M, C>,
    {
        let backbone = BackboneType::<M, C>::of::<N, IMAGE>();
        let build = move |head, seed, classes| planned(backbone.with(head, seed, classes)?);
        self.add(network, IMAGE, Box::new(build));
    }

    /// As [`register`](Self::register), of a network with operations of dfdx itself: it runs layer by layer, slower and in
    /// more memory, and takes longer to compile.
    pub fn register_eager<N, const IMAGE: usize, const M: usize, const C: usize>(&mut self, network: &str)
    where
        N: Backbone<IMAGE, M, C>,
        Const<M>: AllHeads<M, C>,
    {
        let backbone = EagerBackboneType::<M, C>::of::<N, IMAGE>();
        let build = move |head, seed, classes| Ok(backbone.with(head, seed, classes)?);
        self.add(network, IMAGE, Box::new(build));
    }

    fn add(&mut self, network: &str, image_size: usize, build: Box<Build>) {
        self.entries
            .retain(|entry| entry.network != network || entry.image_size != image_size);
        self.entries.push(Entry {
            network: network.to_owned(),
            image_size,
            build,
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
    /// A [`Problem`] that points at the file's network or image size if it isn't registered, or at what becomes of its maps or how
    /// they are stored if it can't do so.
    pub fn build(
        &self,
        experiment: &Experiment,
        head: HeadKind,
        seed: u64,
        classes: usize,
    ) -> Result<Box<dyn Model>, Problem> {
        let mut model = self.build_named(&experiment.network, experiment.image_size, head, seed, classes)?;
        if !model.set_memory(experiment.memory) {
            let problem = "this network has operations of dfdx itself, whose maps can't be made again";
            return Err(Problem::in_field("memory", problem).help("`memory: Keep` keeps them"));
        }
        if !model.set_precision(experiment.precision) {
            let problem = "this network has operations of dfdx itself, which are f32";
            return Err(Problem::in_field("precision", problem).help("`precision: F32` trains it"));
        }
        Ok(model)
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
