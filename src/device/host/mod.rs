//! Plans on this computer's processor, in 32-bit floating point.

mod backward;
mod forward;
mod kernel;
mod memory;

pub use memory::Memory;

use kernel::Prepared;
use memory::{Buffers, pixels};

use crate::kernels::accumulate::{self, Output};
use crate::kernels::batch_norm::{self, Affine, Moments};
use crate::kernels::elementwise;
use crate::kernels::max_pooling::Cell;
use crate::kernels::pixels::Pixels;
use crate::kernels::reduction;
use crate::kernels::sgd::{self, Update};
use crate::kernels::window::{Pooling, WindowGeometry};
use crate::plan::{Buffer, Launch, Map, Plan};
use crate::program::Program;
use crate::stopwatch::timed;

/// A network's state: what training changes.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The values of each of the program's parameters.
    pub parameters: Vec<Vec<f32>>,
    /// The values of its scalars.
    pub scalars: Vec<f64>,
    /// To be raised by whoever changes the values: what was made of them is made again then.
    pub version: u64,
}

/// What an optimizer does to every parameter, and its state.
pub struct UpdateRule<'a> {
    /// The numbers of the step.
    pub numbers: Update,
    /// A velocity for each trainable parameter, in the program's order.
    pub velocities: &'a mut [Vec<f32>],
}

/// A plan with places in memory. Its results are in the memory until something else runs there.
pub struct Executable {
    program: Program,
    plan: Plan,
    buffers: Buffers,
    moments: Moments,
    statistics: Vec<batch_norm::Statistics>,
    /// What the normalisation of each step does.
    affine: Vec<Option<Affine>>,
    /// Which cell of its window each maximum of a step came from.
    cells: Vec<Vec<Cell>>,
    /// Kernels of steps that stay as they are from batch to batch, and the version of the state that they are of.
    kernels: Vec<Option<Prepared>>,
    version: Option<u64>,
    /// Images of the largest batch.
    largest: usize,
    /// Mean loss of the batch that was run last.
    loss: f32,
}

impl Executable {
    /// For batches of up to so many images.
    pub fn new(program: &Program, plan: Plan, largest: usize) -> Self {
        let steps = program.steps.len();
        Self {
            buffers: Buffers::new(&plan, largest),
            moments: Moments::default(),
            statistics: vec![batch_norm::Statistics::default(); plan.statistics.len()],
            affine: vec![None; steps],
            cells: vec![Vec::new(); steps],
            kernels: (0..steps).map(|_| None).collect(),
            version: None,
            program: program.clone(),
            plan,
            largest,
            loss: 0.0,
        }
    }

    /// Images of the largest batch.
    pub fn largest(&self) -> usize {
        self.largest
    }

    /// Runs a batch: NHWC images, and a label for each if the plan has a loss.
    ///
    /// # Panics
    /// More images than the largest batch has, or other sizes than the program's; a plan with updates.
    pub fn run(&mut self, memory: &mut Memory, state: &mut State, images: &[f32], labels: &[usize], batch: usize) {
        self.run_with(memory, state, None, images, labels, batch);
    }

    /// As [`run`](Self::run), of a plan with updates. If the loss is not finite, the step ends there: parameters stay as they are.
    ///
    /// # Panics
    /// As there, and if the optimizer has other velocities than the program's trainable parameters.
    pub fn update(
        &mut self,
        memory: &mut Memory,
        state: &mut State,
        rule: UpdateRule<'_>,
        images: &[f32],
        labels: &[usize],
    ) {
        self.run_with(memory, state, Some(rule), images, labels, labels.len());
    }

    fn run_with(
        &mut self,
        memory: &mut Memory,
        state: &mut State,
        mut rule: Option<UpdateRule<'_>>,
        images: &[f32],
        labels: &[usize],
        batch: usize,
    ) {
        assert!(batch <= self.largest, "{batch} images of at most {}", self.largest);
        self.buffers.batch = batch;
        if batch == 0 {
            self.loss = f32::NAN;
            return;
        }
        if self.version != Some(state.version) {
            self.kernels.iter_mut().for_each(|kernel| *kernel = None);
        }
        self.buffers.enter(memory);
        self.buffers.views([self.plan.images])[0].copy_from_slice(images);
        let launches = std::mem::take(&mut self.plan.launches);
        for launch in &launches {
            let kind = launch.kind(&self.program);
            timed(kind, launch.direction(), || {
                self.launch(launch, state, rule.as_mut(), labels)
            });
            if rule.is_some() && matches!(launch, Launch::Loss { .. }) && !self.loss.is_finite() {
                break;
            }
        }
        self.plan.launches = launches;
        self.version = Some(state.version);
        self.buffers.leave(memory);
    }

    /// Whether the plan changes no state, so that kernels stay as they are.
    fn is_inference(&self) -> bool {
        !self.plan.trains
    }

    /// Mean loss of the last batch.
    pub fn loss(&self) -> f32 {
        self.loss
    }

    /// The last batch's logits: `batch × classes`.
    pub fn logits<'m>(&self, memory: &'m Memory) -> &'m [f32] {
        self.buffers.result(memory, self.plan.logits)
    }

    /// The gradient of one of the program's parameters; none of one that isn't trained.
    pub fn gradient<'m>(&self, memory: &'m Memory, parameter: usize) -> Option<&'m [f32]> {
        let buffer = self.plan.gradients.get(parameter).copied().flatten()?;
        Some(self.buffers.result(memory, buffer))
    }

    fn window(&self, window: WindowGeometry) -> WindowGeometry {
        window.of_batch(self.buffers.batch)
    }

    fn pooling(&self, pooling: Pooling) -> Pooling {
        Pooling {
            window: self.window(pooling.window),
            ..pooling
        }
    }

    fn launch(&mut self, launch: &Launch, state: &mut State, rule: Option<&mut UpdateRule<'_>>, labels: &[usize]) {
        match *launch {
            Launch::Forward {
                step,
                ref inputs,
                output,
                then,
            } => self.forward(step, inputs, output, then, &state.parameters),
            Launch::Insert { part, output, .. } => {
                let [part, wide] = self.buffers.views([part, output.buffer]);
                let place = output.place;
                elementwise::insert_channels(part, place.channels, wide, place.all, place.first);
            }
            Launch::Measure { input, statistics, .. } => {
                let [values] = self.buffers.views([input.buffer]);
                let statistics = &mut self.statistics[statistics.index()];
                batch_norm::measure(pixels(values, input), &mut self.moments, statistics);
            }
            Launch::Join {
                ref parts, statistics, ..
            } => {
                let parts = parts.iter().map(|part| self.statistics[part.index()].clone());
                self.statistics[statistics.index()] = batch_norm::Statistics::joined(parts);
            }
            Launch::Settle { step, statistics } => self.settle(step, statistics, state),
            Launch::Normalize {
                step,
                input,
                addend,
                output,
            } => self.normalize(step, input, addend, output),
            Launch::Drop {
                step,
                input,
                factors,
                output,
            } => self.drop(step, [input, factors, output], state),
            Launch::Loss { logits, gradient } => self.compare(labels, logits, gradient),
            Launch::Clear { buffer } => self.buffers.views([buffer])[0].fill(0.0),
            Launch::Copy { from, to } => self.put(Output::Overwrite, from, to),
            Launch::Accumulate { from, to } => self.put(Output::Add, from, to),
            Launch::ReluGradient { output, gradient, .. } => {
                let [output, gradient] = self.buffers.views([output, gradient]);
                elementwise::relu_gradient(gradient, output);
            }
            Launch::DropGradient { factors, gradient, .. } => {
                let [factors, gradient] = self.buffers.views([factors, gradient]);
                elementwise::scale(gradient, factors);
            }
            Launch::InputGradient {
                step,
                input,
                of_output,
                gradient,
                mode,
            } => self.input_gradient(step, input, of_output, gradient, mode, &state.parameters),
            Launch::KernelGradient {
                step,
                input,
                of_output,
                gradient,
            } => self.kernel_gradient(step, input, of_output, gradient),
            Launch::BiasGradient {
                of_output, gradient, ..
            } => {
                let [dy, dbias] = self.buffers.views([of_output, gradient]);
                reduction::channel_sums(dy, Output::Overwrite, dbias);
            }
            Launch::NormalizeGradient {
                step,
                input,
                of_output,
                gradient,
                mode,
                gamma,
                beta,
            } => self.normalize_gradient(step, input, of_output, (gradient, mode), [gamma, beta]),
            Launch::Update {
                parameter,
                velocity,
                gradient,
            } => {
                let Some(rule) = rule else {
                    panic!("a plan with updates, and an optimizer");
                };
                let [gradient] = self.buffers.views([gradient]);
                let numbers = Update {
                    non_negative: self.program.parameters[parameter].non_negative,
                    ..rule.numbers
                };
                sgd::update(
                    numbers,
                    &mut state.parameters[parameter],
                    &mut rule.velocities[velocity],
                    gradient,
                );
            }
        }
    }

    /// Copies a map, or adds it.
    fn put(&mut self, mode: Output, from: Map, to: Buffer) {
        let [values, target] = self.buffers.views([from.buffer, to]);
        if from.is_plain() {
            return accumulate::put(mode, values, target);
        }
        let place = from.place;
        elementwise::take_channels(values, place.all, place.first, mode, target, place.channels);
    }
}

/// What a step's normalisation does.
fn settled(affine: &[Option<Affine>], step: usize) -> &Affine {
    match &affine[step] {
        Some(affine) => affine,
        None => panic!("a normalisation that has been settled"),
    }
}

/// A map's pixels, as they are or as a normalisation makes them.
fn read<'a>(values: &'a [f32], map: Map, affine: &'a [Option<Affine>]) -> Pixels<'a> {
    let as_they_are = pixels(values, map);
    match map.through {
        None => as_they_are,
        Some(step) => as_they_are.through(settled(affine, step)),
    }
}
