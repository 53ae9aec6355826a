//! Plans on this computer's processor, with maps of either precision.

mod backward;
mod dense;
mod forward;
mod kernel;
mod memory;

pub use memory::Memory;

use kernel::Prepared;
use memory::{Buffers, View, pixels};

use crate::device::{Executable, State, UpdateRule};
use crate::kernels::accumulate::{self, Output};
use crate::kernels::batch_norm::{self, Affine, Moments};
use crate::kernels::convolution::Convolved;
use crate::kernels::element::{Bf16, Element};
use crate::kernels::elementwise;
use crate::kernels::max_pooling::Cell;
use crate::kernels::pixels::Pixels;
use crate::kernels::reduction;
use crate::kernels::sgd::{self, Update};
use crate::kernels::window::{Pooling, WindowGeometry};
use crate::plan::{Buffer, Launch, Map, Plan, Precision, Storage};
use crate::program::Program;
use crate::stopwatch::timed;

/// Makes a plan ready to run, for batches of up to so many images.
pub fn compile(program: &Program, plan: Plan, largest: usize) -> Box<dyn Executable> {
    match plan.precision {
        Precision::F32 => Box::new(Host::<f32>::new(program, plan, largest)),
        Precision::Bf16 => Box::new(Host::<Bf16>::new(program, plan, largest)),
    }
}

/// A plan with places in memory. Its results are in the memory until something else runs there.
struct Host<T: Convolved> {
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
    kernels: Vec<Option<Prepared<T>>>,
    version: Option<u64>,
    /// Images of the largest batch.
    largest: usize,
    /// Mean loss of the batch that was run last.
    loss: f32,
}

impl<T: Convolved> Host<T> {
    fn new(program: &Program, plan: Plan, largest: usize) -> Self {
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
        let [stored] = self.buffers.maps::<T, 1>([self.plan.images]);
        elementwise::narrow(images, stored);
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
                let [part, wide] = self.buffers.maps::<T, 2>([part, output.buffer]);
                let place = output.place;
                elementwise::insert_channels(part, place.channels, wide, place.all, place.first);
            }
            Launch::Measure { input, statistics, .. } => {
                let [values] = self.buffers.maps::<T, 1>([input.buffer]);
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
            // All zeros are zeros of either kind.
            Launch::Clear { buffer } => self.buffers.views([buffer]).map(View::numbers)[0].fill(0.0),
            Launch::Copy { from, to } => self.put(Output::Overwrite, from, to),
            Launch::Accumulate { from, to } => self.put(Output::Add, from, to),
            Launch::ReluGradient { output, gradient, .. } => {
                let [output, gradient] = self.buffers.maps::<T, 2>([output, gradient]);
                elementwise::relu_gradient(gradient, output);
            }
            Launch::DropGradient { factors, gradient, .. } => {
                let [factors, gradient] = self.buffers.maps::<T, 2>([factors, gradient]);
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
                let storage = self.buffers.storage(of_output);
                let [dy, dbias] = self.buffers.views([of_output, gradient]);
                let dbias = dbias.numbers();
                match storage {
                    Storage::Map => reduction::channel_sums(dy.map::<T>(), Output::Overwrite, dbias),
                    Storage::Number => reduction::channel_sums(dy.numbers(), Output::Overwrite, dbias),
                }
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
                let [gradient] = self.buffers.views([gradient]).map(View::numbers);
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
        let [values, target] = self.buffers.maps::<T, 2>([from.buffer, to]);
        if from.is_plain() {
            return accumulate::put(mode, values, target);
        }
        let place = from.place;
        elementwise::take_channels(values, place.all, place.first, mode, target, place.channels);
    }
}

impl<T: Convolved> Executable for Host<T> {
    fn largest(&self) -> usize {
        self.largest
    }

    fn run(&mut self, memory: &mut Memory, state: &mut State, images: &[f32], labels: &[usize], batch: usize) {
        self.run_with(memory, state, None, images, labels, batch);
    }

    fn update(
        &mut self,
        memory: &mut Memory,
        state: &mut State,
        rule: UpdateRule<'_>,
        images: &[f32],
        labels: &[usize],
    ) {
        self.run_with(memory, state, Some(rule), images, labels, labels.len());
    }

    fn loss(&self) -> f32 {
        self.loss
    }

    fn logits(&self, memory: &Memory) -> Vec<f32> {
        self.buffers.result::<T>(memory, self.plan.logits)
    }

    fn gradient<'m>(&self, memory: &'m Memory, parameter: usize) -> Option<&'m [f32]> {
        let buffer = self.plan.gradients.get(parameter).copied().flatten()?;
        Some(self.buffers.numbers(memory, buffer))
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
fn read<'a, T: Element>(values: &'a [T], map: Map, affine: &'a [Option<Affine>]) -> Pixels<'a, T> {
    let as_they_are = pixels(values, map);
    match map.through {
        None => as_they_are,
        Some(step) => as_they_are.through(settled(affine, step)),
    }
}
