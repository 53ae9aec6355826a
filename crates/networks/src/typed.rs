//! From types to programs: a backbone and a head whose types are forgotten, each instantiated once, however many
//! experiments combine them. All that is asked of the types is a trace.

use dfdx::prelude::{Const, Cpu, CpuError, Dim, HasShape, PutTape, SplitTape, TensorFromVec, UniqueId};
use thiserror::Error;

use crate::heads::{AllHeads, Head, HeadKind, Logits};
use crate::layers::{
    FeatureMap, GradientStore, Images, TrainingTape, Visited, build, for_each, for_each_with_gradients, id,
};
use crate::networks::Backbone;
use crate::program::{Builder, Parameter, Program};

/// What the names of a backbone's parameters start with.
pub const BACKBONE: &str = "backbone";

/// What the names of a head's parameters start with.
pub const HEAD: &str = "head";

/// A network whose types are forgotten: what it does, and with which values it starts.
#[derive(Debug)]
pub struct TracedNetwork {
    /// What it does.
    pub program: Program,
    /// The values of each of the program's parameters.
    pub parameters: Vec<Vec<f32>>,
    /// The values of its scalars.
    pub scalars: Vec<f64>,
}

impl TracedNetwork {
    /// A program, and the values of what `for_each` visits: a network's parameters and scalars, in the program's order.
    pub fn new(program: Program, for_each: impl FnOnce(&mut dyn FnMut(Visited<'_>))) -> Self {
        let (mut parameters, mut scalars) = (Vec::new(), Vec::new());
        for_each(&mut |visited| match visited {
            Visited::Tensor(tensor) => parameters.push(tensor.values.to_vec()),
            Visited::Scalar(scalar) => scalars.push(*scalar.value),
        });
        Self {
            program,
            parameters,
            scalars,
        }
    }
}

/// Why a backbone and a head are no program.
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
pub trait AnyBackbone<const M: usize, const C: usize> {
    /// Height and width of its images, in pixels.
    fn image_size(&self) -> usize;

    /// The maps of a batch in training, and the images' identity on the tape.
    ///
    /// # Errors
    /// Those of its layers.
    fn train(&mut self, images: Vec<f32>, batch: usize)
    -> Result<(UniqueId, FeatureMap<M, C, TrainingTape>), CpuError>;

    /// Visits its tensors and scalars; their names start with [`BACKBONE`].
    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>));
}

/// A backbone for images of one size.
pub struct SizedBackbone<N, const IMAGE: usize>(pub N);

impl<N, const IMAGE: usize> SizedBackbone<N, IMAGE> {
    /// Values as a batch of images.
    ///
    /// # Errors
    /// If there are more or fewer than that.
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
pub trait AnyHead<const M: usize, const C: usize> {
    /// The logits of a batch in inference.
    ///
    /// # Errors
    /// Those of its layers.
    fn infer(&self, map: FeatureMap<M, C>) -> Result<Logits, CpuError>;

    /// The logits of a batch in training.
    ///
    /// # Errors
    /// Those of its layers.
    fn train(&mut self, map: FeatureMap<M, C, TrainingTape>) -> Result<Logits<TrainingTape>, CpuError>;

    /// Visits its tensors and scalars; their names start with [`HEAD`].
    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>));

    /// As [`for_each`](AnyHead::for_each), with the gradients that a tape has led to.
    fn for_each_with_gradients(&mut self, gradients: &mut dyn GradientStore, visit: &mut dyn FnMut(Visited<'_>));
}

/// A head behind [`AnyHead`].
pub struct TypedHead<H>(H);

impl<H> TypedHead<H> {
    /// A head for so many classes, its parameters drawn from a seed.
    ///
    /// # Errors
    /// Those of its layers.
    pub fn boxed<const M: usize, const C: usize>(seed: u64, classes: usize) -> Result<Box<dyn AnyHead<M, C>>, CpuError>
    where
        H: Head<M, C>,
    {
        Ok(Box::new(Self(build(seed, HEAD, classes)?)))
    }
}

impl<H: Head<M, C>, const M: usize, const C: usize> AnyHead<M, C> for TypedHead<H> {
    fn infer(&self, map: FeatureMap<M, C>) -> Result<Logits, CpuError> {
        self.0.infer(map)
    }

    fn train(&mut self, map: FeatureMap<M, C, TrainingTape>) -> Result<Logits<TrainingTape>, CpuError> {
        self.0.train(map)
    }

    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>)) {
        for_each(&mut self.0, HEAD, visit);
    }

    fn for_each_with_gradients(&mut self, gradients: &mut dyn GradientStore, visit: &mut dyn FnMut(Visited<'_>)) {
        for_each_with_gradients(&mut self.0, HEAD, gradients, visit);
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
    pub fn with_head<H: Head<M, C>>(&self, seed: u64, classes: usize) -> Result<TracedNetwork, BuildError> {
        self.trace(seed, TypedHead::<H>::boxed(seed, classes)?)
    }

    /// As [`with_head`](Self::with_head), by the head's name.
    ///
    /// # Errors
    /// A layer's, and if there are operations of dfdx itself.
    pub fn with(&self, head: HeadKind, seed: u64, classes: usize) -> Result<TracedNetwork, BuildError>
    where
        Const<M>: AllHeads<M, C>,
    {
        self.trace(seed, Const::<M>::build(head, seed, classes)?)
    }

    fn trace(&self, seed: u64, mut head: Box<dyn AnyHead<M, C>>) -> Result<TracedNetwork, BuildError> {
        let mut backbone = (self.build)(seed)?;
        let program = trace(&mut *backbone, &mut *head)?;
        if program.foreign > 0 {
            return Err(BuildError::Foreign {
                operations: program.foreign,
            });
        }
        Ok(TracedNetwork::new(program, |visit| {
            backbone.for_each(visit);
            head.for_each(visit);
        }))
    }
}

/// The program of a backbone and a head: a training pass over a batch of no images. Their state stays as it is.
///
/// # Errors
/// Those of its layers.
pub fn trace<B, const M: usize, const C: usize>(
    backbone: &mut B,
    head: &mut dyn AnyHead<M, C>,
) -> Result<Program, CpuError>
where
    B: AnyBackbone<M, C> + ?Sized,
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
