//! From types to programs: a backbone and a head whose types are forgotten, each instantiated once, however many
//! experiments combine them. All that is asked of the types is a trace.

use dfdx::prelude::{Const, Cpu, CpuError, Dim, HasShape, PutTape, SplitTape, TensorFromVec, UniqueId};
use thiserror::Error;

use crate::heads::{AllHeads, Head, HeadKind, Logits};
use crate::layers::{
    FeatureMap, GradientStore, Images, InitialState, TrainingTape, Visited, build, build_noting, for_each,
    for_each_with_gradients, id,
};
use crate::networks::Backbone;
use crate::program::{Builder, Program};

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
    /// A program, and what its network started with.
    ///
    /// # Errors
    /// Those of drawing values.
    pub fn new(program: Program, state: InitialState) -> Result<Self, CpuError> {
        Ok(Self {
            program,
            scalars: state.scalars.iter().map(|(_, value)| *value).collect(),
            parameters: state.into_values()?,
        })
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
    build: Build<M, C>,
}

/// Builds a backbone from a seed, and notes what it starts with.
type Build<const M: usize, const C: usize> = fn(u64, &mut InitialState) -> Result<Box<dyn AnyBackbone<M, C>>, CpuError>;

impl<const M: usize, const C: usize> BackboneType<M, C> {
    /// The backbone `N` for images of `IMAGE × IMAGE`.
    pub fn of<N: Backbone<IMAGE, M, C>, const IMAGE: usize>() -> Self {
        Self {
            build: |seed, state| {
                Ok(Box::new(SizedBackbone::<N, IMAGE>(build_noting(
                    seed, BACKBONE, state,
                )?)))
            },
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
        let mut state = InitialState::default();
        let mut backbone = (self.build)(seed, &mut state)?;
        head.for_each(&mut |visited| state.note(visited));
        let program = trace(&mut *backbone, &mut *head, &state)?;
        if program.foreign > 0 {
            return Err(BuildError::Foreign {
                operations: program.foreign,
            });
        }
        // A network has as many zeros as parameters: they go before the parameters come.
        drop((backbone, head));
        Ok(TracedNetwork::new(program, state)?)
    }
}

/// The program of a backbone and a head: a training pass over a batch of no images. It draws masks, whose counters move.
///
/// # Errors
/// Those of its layers.
pub fn trace<B, const M: usize, const C: usize>(
    backbone: &mut B,
    head: &mut dyn AnyHead<M, C>,
    state: &InitialState,
) -> Result<Program, CpuError>
where
    B: AnyBackbone<M, C> + ?Sized,
{
    let (images, map) = backbone.train(Vec::new(), 0)?;
    let (map, logits) = (id(&map), head.train(map)?);
    let (logits, tape) = logits.split_tape();
    let mut program = Builder::new(state.parameters.clone(), state.scalars.clone());
    let size = backbone.image_size();
    let images = program.value(images, &[0, size, size, 3]);
    tape.into_operations().for_each(|operation| program.add(operation));
    let map = program.value(map, &[0, M, M, C]);
    let logits = program.value(id(&logits), &[0, logits.shape().1.size()]);
    Ok(program.finish([images, map, logits]))
}
