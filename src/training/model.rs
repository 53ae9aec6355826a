//! A backbone with its head, with all shapes forgotten: what the training loop, checkpoints and predictions work with.
//! Each backbone and each head is instantiated once, however many experiments combine them.

use std::marker::PhantomData;

use dfdx::prelude::{Const, Cpu, CpuError, Dim, HasShape, PutTape, SplitTape, TensorFromVec, UniqueId};

use super::planned::Planned;
use crate::heads::{Head, Logits};
use crate::layers::{
    FeatureMap, GradientStore, Images, TrainingTape, Visited, build, for_each, for_each_with_gradients, id,
    softmax_cross_entropy, values,
};
use crate::networks::Backbone;
use crate::program::{Builder, Parameter, Program};

/// What the names of a backbone's parameters start with.
pub const BACKBONE: &str = "backbone";

/// What the names of a head's parameters start with.
pub const HEAD: &str = "head";

/// A whole network behind one interface.
///
/// Images are NHWC, preprocessed, densely packed; every method that takes them, or maps, panics if their number of values
/// is not `batch` times that of one.
pub trait Model {
    /// Height and width of the input, in pixels.
    fn image_size(&self) -> usize;

    /// Height, width and channels of the map between backbone and head.
    fn feature_map(&self) -> [usize; 3];

    /// Forward and backward in training mode. Running statistics move; parameters don't.
    fn train(&mut self, images: Vec<f32>, labels: &[usize]) -> Result<Step, CpuError>;

    /// Logits in inference mode: `batch × classes`.
    fn logits(&mut self, images: Vec<f32>, batch: usize) -> Result<Vec<f32>, CpuError>;

    /// The backbone's maps in inference mode: `batch × height × width × channels`.
    fn features(&mut self, images: Vec<f32>, batch: usize) -> Result<Vec<f32>, CpuError>;

    /// The head's logits of maps as [`features`](Model::features) gives them, in inference mode: `batch × classes`.
    fn logits_of_features(&mut self, maps: Vec<f32>, batch: usize) -> Result<Vec<f32>, CpuError>;

    /// Visits all tensors and scalars; of each kind, the backbone's before the head's.
    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>));

    /// As [`for_each`](Model::for_each), with the gradients of a step.
    fn for_each_with_gradients(&mut self, step: &mut Step, visit: &mut dyn FnMut(Visited<'_>));

    /// All operations of a training step up to the logits. The state of the network stays as it is.
    fn program(&mut self) -> Result<Program, CpuError>;
}

/// What one forward and backward pass gives.
pub struct Step {
    /// Mean loss over the batch.
    pub loss: f32,
    /// `batch × classes`.
    pub logits: Vec<f32>,
    /// Those that the step's tape has led to; a network that runs by plans has its gradients itself.
    pub(super) gradients: Option<Box<dyn GradientStore>>,
}

/// A backbone whose image size is forgotten.
trait AnyBackbone<const M: usize, const C: usize> {
    fn image_size(&self) -> usize;
    fn infer(&self, images: Vec<f32>, batch: usize) -> Result<FeatureMap<M, C>, CpuError>;
    fn train(&mut self, images: Vec<f32>, batch: usize) -> Result<FeatureMap<M, C, TrainingTape>, CpuError>;
    /// A training pass over a batch of no images: the batch's identity, and its map.
    fn trace(&mut self) -> Result<(UniqueId, FeatureMap<M, C, TrainingTape>), CpuError>;
    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>));
    fn for_each_with_gradients(&mut self, gradients: &mut dyn GradientStore, visit: &mut dyn FnMut(Visited<'_>));
}

struct SizedBackbone<N, const IMAGE: usize>(N);

impl<N, const IMAGE: usize> SizedBackbone<N, IMAGE> {
    fn images(images: Vec<f32>, batch: usize) -> Result<Images<IMAGE>, CpuError> {
        Cpu::default().try_tensor_from_vec(images, (batch, Const, Const, Const))
    }
}

impl<N: Backbone<IMAGE, M, C>, const IMAGE: usize, const M: usize, const C: usize> AnyBackbone<M, C>
    for SizedBackbone<N, IMAGE>
{
    fn image_size(&self) -> usize {
        IMAGE
    }

    fn infer(&self, images: Vec<f32>, batch: usize) -> Result<FeatureMap<M, C>, CpuError> {
        self.0.infer(Self::images(images, batch)?)
    }

    fn train(&mut self, images: Vec<f32>, batch: usize) -> Result<FeatureMap<M, C, TrainingTape>, CpuError> {
        self.0
            .train(Self::images(images, batch)?.put_tape(TrainingTape::default()))
    }

    fn trace(&mut self) -> Result<(UniqueId, FeatureMap<M, C, TrainingTape>), CpuError> {
        let images = Self::images(Vec::new(), 0)?;
        let identity = id(&images);
        Ok((identity, self.0.train(images.put_tape(TrainingTape::default()))?))
    }

    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>)) {
        for_each(&mut self.0, BACKBONE, visit);
    }

    fn for_each_with_gradients(&mut self, gradients: &mut dyn GradientStore, visit: &mut dyn FnMut(Visited<'_>)) {
        for_each_with_gradients(&mut self.0, BACKBONE, gradients, visit);
    }
}

/// A head whose type is forgotten.
trait AnyHead<const M: usize, const C: usize> {
    fn infer(&self, map: FeatureMap<M, C>) -> Result<Logits, CpuError>;
    fn train(&mut self, map: FeatureMap<M, C, TrainingTape>) -> Result<Logits<TrainingTape>, CpuError>;
    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>));
    fn for_each_with_gradients(&mut self, gradients: &mut dyn GradientStore, visit: &mut dyn FnMut(Visited<'_>));
}

struct TypedHead<H>(H);

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

    /// The whole network with head `H` for `classes` classes. Equal seeds give equal backbones under every head. It runs by
    /// plans, unless it has operations of dfdx itself, which only a tape knows.
    pub fn with_head<H: Head<M, C>>(&self, seed: u64, classes: usize) -> Result<Box<dyn Model>, CpuError> {
        Planned::of(self.on_tape::<H>(seed, classes)?)
    }

    /// The same network, which runs layer by layer on a tape.
    pub fn on_tape<H: Head<M, C>>(&self, seed: u64, classes: usize) -> Result<Box<dyn Model>, CpuError> {
        let backbone = (self.build)(seed)?;
        let head: Box<dyn AnyHead<M, C>> = Box::new(TypedHead::<H>(build(seed, HEAD, classes)?));
        Ok(Box::new(Joined {
            backbone,
            head,
            map: PhantomData,
        }))
    }
}

struct Joined<const M: usize, const C: usize> {
    backbone: Box<dyn AnyBackbone<M, C>>,
    head: Box<dyn AnyHead<M, C>>,
    map: PhantomData<FeatureMap<M, C>>,
}

impl<const M: usize, const C: usize> Joined<M, C> {
    /// A training pass over a batch of no images: its identity, that of its map, and the logits.
    fn trace(&mut self) -> Result<(UniqueId, UniqueId, Logits<TrainingTape>), CpuError> {
        let (images, map) = self.backbone.trace()?;
        Ok((images, id(&map), self.head.train(map)?))
    }
}

impl<const M: usize, const C: usize> Model for Joined<M, C> {
    fn image_size(&self) -> usize {
        self.backbone.image_size()
    }

    fn feature_map(&self) -> [usize; 3] {
        [M, M, C]
    }

    fn train(&mut self, images: Vec<f32>, labels: &[usize]) -> Result<Step, CpuError> {
        let map = self.backbone.train(images, labels.len())?;
        let logits = self.head.train(map)?;
        let scores = values(&logits).to_vec();
        let loss = softmax_cross_entropy(logits, labels)?;
        let mean = values(&loss)[0];
        Ok(Step {
            loss: mean,
            logits: scores,
            gradients: Some(TrainingTape::backward(loss)?),
        })
    }

    fn logits(&mut self, images: Vec<f32>, batch: usize) -> Result<Vec<f32>, CpuError> {
        let map = self.backbone.infer(images, batch)?;
        Ok(values(&self.head.infer(map)?).to_vec())
    }

    fn features(&mut self, images: Vec<f32>, batch: usize) -> Result<Vec<f32>, CpuError> {
        Ok(values(&self.backbone.infer(images, batch)?).to_vec())
    }

    fn logits_of_features(&mut self, maps: Vec<f32>, batch: usize) -> Result<Vec<f32>, CpuError> {
        let map = Cpu::default().try_tensor_from_vec(maps, (batch, Const, Const, Const))?;
        Ok(values(&self.head.infer(map)?).to_vec())
    }

    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>)) {
        self.backbone.for_each(visit);
        self.head.for_each(visit);
    }

    fn for_each_with_gradients(&mut self, step: &mut Step, visit: &mut dyn FnMut(Visited<'_>)) {
        if let Some(gradients) = &mut step.gradients {
            self.backbone.for_each_with_gradients(&mut **gradients, visit);
            self.head.for_each_with_gradients(&mut **gradients, visit);
        }
    }

    fn program(&mut self) -> Result<Program, CpuError> {
        let mut parameters = Vec::new();
        // A step draws masks: their counters go back to where they were.
        let mut scalars = Vec::new();
        self.for_each(&mut |visited| match visited {
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
        });
        let traced = self.trace();
        let mut before = scalars.iter();
        self.for_each(&mut |visited| {
            if let Visited::Scalar(scalar) = visited
                && let Some((_, before)) = before.next()
            {
                *scalar.value = *before;
            }
        });
        let (images, map, logits) = traced?;
        let (logits, tape) = logits.split_tape();
        let mut program = Builder::new(parameters, scalars);
        let images = program.value(images, &[0, self.image_size(), self.image_size(), 3]);
        tape.into_operations().for_each(|operation| program.add(operation));
        let map = program.value(map, &[0, M, M, C]);
        let logits = program.value(id(&logits), &[0, logits.shape().1.size()]);
        Ok(program.finish([images, map, logits]))
    }
}
