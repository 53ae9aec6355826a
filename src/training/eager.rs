//! Models that run layer by layer on a tape: the reference that plans are held against, and the way of networks with operations
//! of dfdx itself. Their types are instantiated for inference too.

use dfdx::prelude::{Const, Cpu, CpuError, TensorFromVec};

use super::model::{Model, Step};
use super::optimizer::Sgd;
use super::planned::Planned;
use crate::heads::{AllHeads, Head, HeadKind};
use crate::layers::{
    FeatureMap, GradientStore, InitialState, TrainingTape, Visited, build, for_each, for_each_with_gradients,
    softmax_cross_entropy, values,
};
use crate::networks::Backbone;
use crate::plan::{MemoryUse, Precision};
use crate::program::Program;
use crate::typed::{AnyBackbone, AnyHead, BACKBONE, SizedBackbone, TracedNetwork, TypedHead, trace};

trait EagerBackbone<const M: usize, const C: usize>: AnyBackbone<M, C> {
    fn infer(&self, images: Vec<f32>, batch: usize) -> Result<FeatureMap<M, C>, CpuError>;
    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>));
    fn for_each_with_gradients(&mut self, gradients: &mut dyn GradientStore, visit: &mut dyn FnMut(Visited<'_>));
}

impl<N: Backbone<IMAGE, M, C>, const IMAGE: usize, const M: usize, const C: usize> EagerBackbone<M, C>
    for SizedBackbone<N, IMAGE>
{
    fn infer(&self, images: Vec<f32>, batch: usize) -> Result<FeatureMap<M, C>, CpuError> {
        self.0.infer(Self::images(images, batch)?)
    }

    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>)) {
        for_each(&mut self.0, BACKBONE, visit);
    }

    fn for_each_with_gradients(&mut self, gradients: &mut dyn GradientStore, visit: &mut dyn FnMut(Visited<'_>)) {
        for_each_with_gradients(&mut self.0, BACKBONE, gradients, visit);
    }
}

/// Builds backbones as [`BackboneType`](super::BackboneType) does, that can run layer by layer too.
pub struct EagerBackboneType<const M: usize, const C: usize> {
    build: fn(u64) -> Result<Box<dyn EagerBackbone<M, C>>, CpuError>,
}

impl<const M: usize, const C: usize> EagerBackboneType<M, C> {
    /// The backbone `N` for images of `IMAGE × IMAGE`.
    pub fn of<N: Backbone<IMAGE, M, C>, const IMAGE: usize>() -> Self {
        Self {
            build: |seed| Ok(Box::new(SizedBackbone::<N, IMAGE>(build(seed, BACKBONE, 0)?))),
        }
    }

    /// The whole network with head `H` for `classes` classes, by plans if all its operations are known.
    ///
    /// # Errors
    /// A layer's.
    pub fn with_head<H: Head<M, C>>(&self, seed: u64, classes: usize) -> Result<Box<dyn Model>, CpuError> {
        self.join(seed, TypedHead::<H>::boxed(seed, classes)?)?.by_plans()
    }

    /// As [`with_head`](Self::with_head), by the head's name.
    ///
    /// # Errors
    /// A layer's.
    pub fn with(&self, head: HeadKind, seed: u64, classes: usize) -> Result<Box<dyn Model>, CpuError>
    where
        Const<M>: AllHeads<M, C>,
    {
        self.join(seed, Const::<M>::build(head, seed, classes)?)?.by_plans()
    }

    /// The network with head `H`, layer by layer whatever its operations are.
    ///
    /// # Errors
    /// A layer's.
    pub fn on_tape<H: Head<M, C>>(&self, seed: u64, classes: usize) -> Result<Box<dyn Model>, CpuError> {
        Ok(Box::new(self.join(seed, TypedHead::<H>::boxed(seed, classes)?)?))
    }

    fn join(&self, seed: u64, head: Box<dyn AnyHead<M, C>>) -> Result<Joined<M, C>, CpuError> {
        Ok(Joined {
            backbone: (self.build)(seed)?,
            head,
        })
    }
}

struct Joined<const M: usize, const C: usize> {
    backbone: Box<dyn EagerBackbone<M, C>>,
    head: Box<dyn AnyHead<M, C>>,
}

impl<const M: usize, const C: usize> Joined<M, C> {
    fn state(&mut self) -> InitialState {
        let mut state = InitialState::default();
        self.for_each(&mut |visited| state.note(visited));
        state
    }

    fn by_plans(mut self) -> Result<Box<dyn Model>, CpuError> {
        let state = self.state();
        let program = self.trace(&state)?;
        if program.foreign > 0 {
            return Ok(Box::new(self));
        }
        drop(self);
        Ok(Box::new(Planned::new(TracedNetwork::new(program, state)?)))
    }

    /// The program of a network in this state, which it has afterwards.
    fn trace(&mut self, state: &InitialState) -> Result<Program, CpuError> {
        let program = trace(&mut *self.backbone, &mut *self.head, state);
        // The counters of masks go back to where they were.
        let mut before = state.scalars.iter();
        self.for_each(&mut |visited| {
            if let Visited::Scalar(scalar) = visited
                && let Some((_, before)) = before.next()
            {
                *scalar.value = *before;
            }
        });
        program
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
        let (_, map) = self.backbone.train(images, labels.len())?;
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

    fn update(
        &mut self,
        images: Vec<f32>,
        labels: &[usize],
        optimizer: &mut Sgd,
        learning_rate: f64,
    ) -> Result<Step, CpuError> {
        let mut step = self.train(images, labels)?;
        if step.loss.is_finite() {
            optimizer.update(self, &mut step, learning_rate);
        }
        Ok(step)
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

    fn memory(&self) -> MemoryUse {
        MemoryUse::Keep
    }

    fn set_memory(&mut self, memory: MemoryUse) -> bool {
        memory == MemoryUse::Keep
    }

    fn precision(&self) -> Precision {
        Precision::F32
    }

    fn set_precision(&mut self, precision: Precision) -> bool {
        precision == Precision::F32
    }

    fn program(&mut self) -> Result<Program, CpuError> {
        let state = self.state();
        self.trace(&state)
    }
}
