//! From types to models: a backbone and a head whose types are forgotten, each instantiated once, however many experiments
//! combine them. All that is asked of the types is a trace; what the trace says runs by plans.

use dfdx::prelude::{Const, Cpu, CpuError, Dim, HasShape, PutTape, SplitTape, TensorFromVec, UniqueId};
use thiserror::Error;

use super::model::{BACKBONE, HEAD, Model};
use super::planned::Planned;
use crate::heads::{Head, Logits};
use crate::layers::{FeatureMap, Images, TrainingTape, Visited, build, for_each, id};
use crate::networks::Backbone;
use crate::program::{Builder, Parameter, Program};

/// Why there is no model of a backbone and a head.
#[derive(Debug, Error)]
pub enum BuildError {
    /// A layer failed.
    #[error(transparent)]
    Layer(#[from] CpuError),
    /// The program is not the whole network.
    #[error(
        "it has operations of dfdx itself, {operations} of them, which only a tape knows: registered by \
         `register_eager` it runs layer by layer"
    )]
    Foreign {
        /// How many.
        operations: usize,
    },
}

/// A backbone whose image size is forgotten.
pub(super) trait AnyBackbone<const M: usize, const C: usize> {
    fn image_size(&self) -> usize;
    fn train(&mut self, images: Vec<f32>, batch: usize)
    -> Result<(UniqueId, FeatureMap<M, C, TrainingTape>), CpuError>;
    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>));
}

pub(super) struct SizedBackbone<N, const IMAGE: usize>(pub N);

impl<N, const IMAGE: usize> SizedBackbone<N, IMAGE> {
    pub fn images(images: Vec<f32>, batch: usize) -> Result<Images<IMAGE>, CpuError> {
        Cpu::default().try_tensor_from_vec(images, (batch, Const, Const, Const))
    }
}

impl<N: Backbone<IMAGE, M, C>, const IMAGE: usize, const M: usize, const C: usize> AnyBackbone<M, C>
    for SizedBackbone<N, IMAGE>
{
    fn image_size(&self) -> usize {
        IMAGE
    }

    fn train(
        &mut self,
        images: Vec<f32>,
        batch: usize,
    ) -> Result<(UniqueId, FeatureMap<M, C, TrainingTape>), CpuError> {
        let images = Self::images(images, batch)?;
        let identity = id(&images);
        Ok((identity, self.0.train(images.put_tape(TrainingTape::default()))?))
    }

    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>)) {
        for_each(&mut self.0, BACKBONE, visit);
    }
}

/// A head whose type is forgotten.
pub(super) trait AnyHead<const M: usize, const C: usize> {
    fn train(&mut self, map: FeatureMap<M, C, TrainingTape>) -> Result<Logits<TrainingTape>, CpuError>;
    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>));
}

pub(super) struct TypedHead<H>(pub H);

impl<H: Head<M, C>, const M: usize, const C: usize> AnyHead<M, C> for TypedHead<H> {
    fn train(&mut self, map: FeatureMap<M, C, TrainingTape>) -> Result<Logits<TrainingTape>, CpuError> {
        self.0.train(map)
    }

    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>)) {
        for_each(&mut self.0, HEAD, visit);
    }
}

/// Builds backbones that end in maps of `M × M × C`, with their types forgotten but for the map.
pub struct BackboneType<const M: usize, const C: usize> {
    build: fn(u64) -> Result<Box<dyn AnyBackbone<M, C>>, CpuError>,
}

impl<const M: usize, const C: usize> BackboneType<M, C> {
    /// The backbone `N` for images of `IMAGE × IMAGE`.
    pub fn of<N: Backbone<IMAGE, M, C>, const IMAGE: usize>() -> Self {
        Self {
            build: |seed| Ok(Box::new(SizedBackbone::<N, IMAGE>(build(seed, BACKBONE, 0)?))),
        }
    }

    /// The whole network with head `H` for `classes` classes. Equal seeds give equal backbones under every head.
    ///
    /// # Errors
    /// A layer's, and if there are operations of dfdx itself.
    pub fn with_head<H: Head<M, C>>(&self, seed: u64, classes: usize) -> Result<Box<dyn Model>, BuildError> {
        let mut backbone = (self.build)(seed)?;
        let mut head = TypedHead::<H>(build(seed, HEAD, classes)?);
        let program = trace(&mut *backbone, &mut head)?;
        if program.foreign > 0 {
            return Err(BuildError::Foreign {
                operations: program.foreign,
            });
        }
        Ok(Box::new(Planned::new(program, |visit| {
            backbone.for_each(visit);
            AnyHead::<M, C>::for_each(&mut head, visit);
        })))
    }
}

/// The program of a backbone and a head: a training pass over a batch of no images. Their state stays as it is.
pub(super) fn trace<B, H, const M: usize, const C: usize>(backbone: &mut B, head: &mut H) -> Result<Program, CpuError>
where
    B: AnyBackbone<M, C> + ?Sized,
    H: AnyHead<M, C> + ?Sized,
{
    let mut parameters = Vec::new();
    let mut scalars = Vec::new();
    let note = &mut |visited: Visited<'_>| match visited {
        Visited::Tensor(tensor) => parameters.extend(tensor.id.map(|id| {
            let parameter = Parameter {
                name: tensor.name.to_owned(),
                shape: tensor.shape.to_vec(),
                trainable: tensor.trainable,
                non_negative: tensor.non_negative,
            };
            (id, parameter)
        })),
        Visited::Scalar(scalar) => scalars.push((scalar.name.to_owned(), *scalar.value)),
    };
    backbone.for_each(note);
    head.for_each(note);
    let traced = backbone
        .train(Vec::new(), 0)
        .and_then(|(images, map)| Ok((images, id(&map), head.train(map)?)));
    // A pass draws masks: their counters go back to where they were.
    let mut before = scalars.iter();
    let restore = &mut |visited: Visited<'_>| {
        if let Visited::Scalar(scalar) = visited
            && let Some((_, before)) = before.next()
        {
            *scalar.value = *before;
        }
    };
    backbone.for_each(restore);
    head.for_each(restore);
    let (images, map, logits) = traced?;
    let (logits, tape) = logits.split_tape();
    let mut program = Builder::new(parameters, scalars);
    let size = backbone.image_size();
    let images = program.value(images, &[0, size, size, 3]);
    tape.into_operations().for_each(|operation| program.add(operation));
    let map = program.value(map, &[0, M, M, C]);
    let logits = program.value(id(&logits), &[0, logits.shape().1.size()]);
    Ok(program.finish([images, map, logits]))
}
