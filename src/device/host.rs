//! Plans on this computer's processor, in 32-bit floating point.

use std::ops::Range;

use crate::kernels::batch_norm::{self, Affine};
use crate::kernels::elementwise;
use crate::kernels::max_pooling::{self, Cell};
use crate::kernels::product::{self, Output};
use crate::kernels::window::{Pooling, WindowGeometry};
use crate::kernels::{average_pooling, cross_entropy, dropout, reduction};
use crate::plan::{Arena, Buffer, Direction, Launch, Plan};
use crate::program::{Instruction, Program, Step};
use crate::stopwatch;

/// A network's state: what training changes.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The values of each of the program's parameters.
    pub parameters: Vec<Vec<f32>>,
    /// The values of its scalars.
    pub scalars: Vec<f64>,
}

/// The memory in which executables run, one at a time. It is allocated when the first one needs it, or a larger one.
#[derive(Debug, Default)]
pub struct Memory(Vec<f32>);

impl Memory {
    fn reserve(&mut self, length: usize) {
        if self.0.len() < length {
            // What is there is given back before more is asked for.
            self.0 = Vec::new();
            self.0 = vec![0.0; length];
        }
    }
}

/// A plan with places in memory. Its results are in the memory until something else runs there.
pub struct Executable {
    program: Program,
    plan: Plan,
    places: Arena,
    /// The memory while it runs.
    arena: Vec<f32>,
    statistics: Vec<batch_norm::Statistics>,
    /// What the normalisation of each step did.
    affine: Vec<Option<Affine>>,
    /// Which cell of its window each maximum of a step came from.
    cells: Vec<Vec<Cell>>,
    /// Images of the largest batch.
    largest: usize,
    /// Images of the batch that was run last.
    batch: usize,
    /// Mean loss of the batch that was run last.
    loss: f32,
}

impl Executable {
    /// For batches of up to so many images.
    pub fn new(program: &Program, plan: Plan, largest: usize) -> Self {
        let places = plan.arena(largest);
        let none = || batch_norm::Statistics {
            mean: Vec::new(),
            variance: Vec::new(),
        };
        Self {
            arena: Vec::new(),
            places,
            statistics: plan.statistics.iter().map(|_| none()).collect(),
            affine: vec![None; program.steps.len()],
            cells: vec![Vec::new(); program.steps.len()],
            program: program.clone(),
            plan,
            largest,
            batch: 0,
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
    /// More images than the largest batch has, or other sizes than the program's.
    pub fn run(&mut self, memory: &mut Memory, state: &mut State, images: &[f32], labels: &[usize], batch: usize) {
        assert!(batch <= self.largest, "{batch} images of at most {}", self.largest);
        self.batch = batch;
        if batch == 0 {
            self.loss = f32::NAN;
            return;
        }
        memory.reserve(self.places.length());
        std::mem::swap(&mut self.arena, &mut memory.0);
        let place = self.range(self.plan.images);
        self.arena[place].copy_from_slice(images);
        let launches = std::mem::take(&mut self.plan.launches);
        for launch in &launches {
            let name = self.name(launch);
            match launch.direction() {
                Direction::Forward => stopwatch::forward(name, || self.launch(launch, state, labels)),
                Direction::Backward => stopwatch::backward(name, || self.launch(launch, state, labels)),
            }
        }
        self.plan.launches = launches;
        std::mem::swap(&mut self.arena, &mut memory.0);
    }

    /// The kind of layer that a launch is of.
    fn name(&self, launch: &Launch) -> &'static str {
        let step = launch.step().map(|step| &self.program.steps[step]);
        step.map_or("between layers", |step| step.instruction.name())
    }

    /// Mean loss of the last batch.
    pub fn loss(&self) -> f32 {
        self.loss
    }

    /// The last batch's logits: `batch × classes`.
    pub fn logits<'m>(&self, memory: &'m Memory) -> &'m [f32] {
        memory.0.get(self.range(self.plan.logits)).unwrap_or_default()
    }

    /// The gradient of one of the program's parameters; none of one that isn't trained.
    pub fn gradient<'m>(&self, memory: &'m Memory, parameter: usize) -> Option<&'m [f32]> {
        let buffer = self.plan.gradients.get(parameter).copied().flatten()?;
        Some(&memory.0[self.range(buffer)])
    }

    fn range(&self, buffer: Buffer) -> Range<usize> {
        let length = self.plan.buffers[buffer.index()].of_batch(self.batch);
        self.places.range(buffer, length)
    }

    /// Different buffers, to be read and written.
    fn views<const N: usize>(&mut self, buffers: [Buffer; N]) -> [&mut [f32]; N] {
        let ranges = buffers.map(|buffer| self.range(buffer));
        match self.arena.get_disjoint_mut(ranges) {
            Ok(views) => views,
            Err(error) => panic!("buffers of one launch: {error}"),
        }
    }

    fn window(&self, window: WindowGeometry) -> WindowGeometry {
        WindowGeometry {
            batch: self.batch,
            ..window
        }
    }

    fn pooling(&self, pooling: Pooling) -> Pooling {
        Pooling {
            window: self.window(pooling.window),
            ..pooling
        }
    }

    fn launch(&mut self, launch: &Launch, state: &mut State, labels: &[usize]) {
        match *launch {
            Launch::Forward {
                step,
                ref inputs,
                output,
            } => self.forward(step, inputs, output, &state.parameters),
            Launch::Measure {
                input,
                channels,
                statistics,
                ..
            } => {
                let [input] = self.views([input]);
                self.statistics[statistics.index()] = batch_norm::statistics(input, channels);
            }
            Launch::Join {
                ref parts, statistics, ..
            } => {
                let parts = parts.iter().map(|part| self.statistics[part.index()].clone());
                self.statistics[statistics.index()] = batch_norm::Statistics::joined(parts);
            }
            Launch::Normalize {
                step,
                input,
                statistics,
                output,
            } => {
                let statistics = statistics.map(|statistics| self.statistics[statistics.index()].clone());
                self.normalize(step, input, statistics, output, state);
            }
            Launch::Drop {
                step,
                input,
                factors,
                output,
            } => self.drop(step, [input, factors, output], state),
            Launch::Loss { logits, gradient } => self.compare(labels, logits, gradient),
            Launch::Clear { buffer } => self.views([buffer])[0].fill(0.0),
            Launch::Copy { from, to } => {
                let [from, to] = self.views([from, to]);
                to.copy_from_slice(from);
            }
            Launch::Accumulate { from, to } => {
                let [from, to] = self.views([from, to]);
                elementwise::put(Output::Add, from, to);
            }
            Launch::ReluGradient { output, gradient, .. } => {
                let [output, gradient] = self.views([output, gradient]);
                elementwise::relu_gradient(gradient, output);
            }
            Launch::DropGradient { factors, gradient, .. } => {
                let [factors, gradient] = self.views([factors, gradient]);
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
                let [dy, dbias] = self.views([of_output, gradient]);
                reduction::channel_sums(dy, Output::Overwrite, dbias);
            }
            Launch::NormalizeGradient {
                step,
                input,
                of_output,
                gradient,
                gamma,
                beta,
            } => {
                let Some(affine) = self.affine[step].clone() else {
                    return;
                };
                let Instruction::BatchNorm { relu, .. } = self.program.steps[step].instruction else {
                    return;
                };
                let parameters = if gradient == of_output {
                    let [input, dy] = self.views([input, of_output]);
                    batch_norm::gradients(dy, input, &affine, relu)
                } else {
                    let [input, dy, dx] = self.views([input, of_output, gradient]);
                    batch_norm::gradients_apart(dy, input, &affine, relu, dx)
                };
                let [dgamma, dbeta] = self.views([gamma, beta]);
                dgamma.copy_from_slice(&parameters.gamma);
                dbeta.copy_from_slice(&parameters.beta);
            }
        }
    }

    fn forward(&mut self, step: usize, inputs: &[Buffer], output: Buffer, parameters: &[Vec<f32>]) {
        let Step {
            instruction,
            parameters: places,
            ..
        } = self.program.steps[step].clone();
        let parameter = |index: usize| places.get(index).map(|&place| parameters[place].as_slice());
        match (instruction, inputs) {
            (Instruction::Convolution(mut sizes), &[x]) => {
                sizes.window = self.window(sizes.window);
                let [x, y] = self.views([x, output]);
                sizes.forward(x, parameter(0).unwrap_or_default(), parameter(1), y);
            }
            (Instruction::Depthwise(mut sizes), &[x]) => {
                sizes.window = self.window(sizes.window);
                let [x, y] = self.views([x, output]);
                sizes.forward(x, parameter(0).unwrap_or_default(), parameter(1), y);
            }
            (Instruction::Multiply { inputs, units }, &[x]) => {
                let [x, y] = self.views([x, output]);
                product::forward(x, parameter(0).unwrap_or_default(), parameter(1), inputs, units, y);
            }
            (Instruction::Rectify, &[x]) => {
                let [x, y] = self.views([x, output]);
                elementwise::relu(x, y);
            }
            (Instruction::Add { relu }, &[a, b]) if a == b => {
                let [a, y] = self.views([a, output]);
                elementwise::sum(a, a, relu, y);
            }
            (Instruction::Add { relu }, &[a, b]) => {
                let [a, b, y] = self.views([a, b, output]);
                elementwise::sum(a, b, relu, y);
            }
            (Instruction::Concatenate { channels }, maps) => {
                let all = channels.iter().sum();
                let mut first = 0;
                for (&map, channels) in maps.iter().zip(channels) {
                    let [map, wide] = self.views([map, output]);
                    elementwise::insert_channels(map, channels, wide, all, first);
                    first += channels;
                }
            }
            (Instruction::MaxPool(sizes), &[x]) => {
                let sizes = self.pooling(sizes);
                let [x, y] = self.views([x, output]);
                self.cells[step] = max_pooling::forward(&sizes, x, y);
            }
            (Instruction::AveragePool(sizes), &[x]) => {
                let sizes = self.pooling(sizes);
                let [x, y] = self.views([x, output]);
                average_pooling::forward(&sizes, x, y);
            }
            (Instruction::Subsample(sizes), &[x]) => {
                let [x, y] = self.views([x, output]);
                sizes.forward(x, y);
            }
            (instruction, inputs) => panic!("{instruction:?} of {} inputs", inputs.len()),
        }
    }

    fn normalize(
        &mut self,
        step: usize,
        input: Buffer,
        batch: Option<batch_norm::Statistics>,
        output: Buffer,
        state: &mut State,
    ) {
        let &Step {
            instruction:
                Instruction::BatchNorm {
                    momentum,
                    epsilon,
                    relu,
                },
            ref parameters,
            ..
        } = &self.program.steps[step]
        else {
            panic!("a normalisation");
        };
        let [gamma, beta, mean, variance] = [0, 1, 2, 3].map(|index| parameters[index]);
        if let Some(batch) = &batch {
            for (running, batch) in [(mean, &batch.mean), (variance, &batch.variance)] {
                batch_norm::move_running(&mut state.parameters[running], batch, momentum);
            }
        }
        let statistics = batch.unwrap_or_else(|| batch_norm::Statistics {
            mean: state.parameters[mean].clone(),
            variance: state.parameters[variance].clone(),
        });
        let affine = Affine::new(&statistics, epsilon, &state.parameters[gamma], &state.parameters[beta]);
        let [input, output] = self.views([input, output]);
        batch_norm::normalize(input, &affine, relu, output);
        self.affine[step] = Some(affine);
    }

    fn drop(&mut self, step: usize, buffers: [Buffer; 3], state: &mut State) {
        let Step {
            instruction: Instruction::Mask { percent },
            scalars: Some([seed, masks]),
            ..
        } = self.program.steps[step]
        else {
            panic!("a dropout");
        };
        let [input, factors, output] = self.views(buffers);
        dropout::draw(
            factors,
            percent,
            state.scalars[seed] as u64,
            state.scalars[masks] as u64,
        );
        state.scalars[masks] += 1.0;
        output.copy_from_slice(input);
        elementwise::scale(output, factors);
    }

    fn compare(&mut self, labels: &[usize], logits: Buffer, gradient: Buffer) {
        let classes = self.program.size(self.program.logits);
        assert_eq!(labels.len(), self.batch, "one label an image");
        assert!(labels.iter().all(|&label| label < classes), "labels below {classes}");
        let [logits, gradient] = self.views([logits, gradient]);
        let loss = cross_entropy::mean_loss(logits, labels, classes);
        gradient.copy_from_slice(&cross_entropy::gradient(logits, labels, classes, 1.0));
        self.loss = loss;
    }

    fn input_gradient(
        &mut self,
        step: usize,
        input: usize,
        of_output: Buffer,
        gradient: Buffer,
        mode: Output,
        parameters: &[Vec<f32>],
    ) {
        let Step {
            instruction,
            parameters: places,
            ..
        } = self.program.steps[step].clone();
        let kernel = places.first().map_or(&[][..], |&place| &parameters[place]);
        let (window, pooling) = (|window| self.window(window), |pooling| self.pooling(pooling));
        match instruction {
            Instruction::Convolution(mut sizes) => {
                sizes.window = window(sizes.window);
                let [dy, dx] = self.views([of_output, gradient]);
                sizes.input_gradient(dy, kernel, mode, dx);
            }
            Instruction::Depthwise(mut sizes) => {
                sizes.window = window(sizes.window);
                let [dy, dx] = self.views([of_output, gradient]);
                sizes.input_gradient(dy, kernel, mode, dx);
            }
            Instruction::Multiply { inputs, units } => {
                let [dy, dx] = self.views([of_output, gradient]);
                product::input_gradient(dy, kernel, inputs, units, mode, dx);
            }
            Instruction::Concatenate { channels } => {
                let (all, first) = (channels.iter().sum(), channels[..input].iter().sum());
                let [dy, dx] = self.views([of_output, gradient]);
                elementwise::take_channels(dy, all, first, mode, dx, channels[input]);
            }
            Instruction::MaxPool(sizes) => {
                let sizes = pooling(sizes);
                let cells = std::mem::take(&mut self.cells[step]);
                let [dy, dx] = self.views([of_output, gradient]);
                max_pooling::input_gradient(&sizes, &cells, dy, mode, dx);
                self.cells[step] = cells;
            }
            Instruction::AveragePool(sizes) => {
                let sizes = pooling(sizes);
                let [dy, dx] = self.views([of_output, gradient]);
                average_pooling::input_gradient(&sizes, dy, mode, dx);
            }
            Instruction::Subsample(sizes) => {
                let [dy, dx] = self.views([of_output, gradient]);
                sizes.input_gradient(dy, mode, dx);
            }
            instruction => panic!("{instruction:?} has no gradient of its input here"),
        }
    }

    fn kernel_gradient(&mut self, step: usize, input: Buffer, of_output: Buffer, gradient: Buffer) {
        let mode = Output::Overwrite;
        match self.program.steps[step].instruction.clone() {
            Instruction::Convolution(mut sizes) => {
                sizes.window = self.window(sizes.window);
                let [x, dy, dkernel] = self.views([input, of_output, gradient]);
                sizes.kernel_gradient(x, dy, mode, dkernel);
            }
            Instruction::Depthwise(mut sizes) => {
                sizes.window = self.window(sizes.window);
                let [x, dy, dkernel] = self.views([input, of_output, gradient]);
                sizes.kernel_gradient(x, dy, mode, dkernel);
            }
            Instruction::Multiply { inputs, units } => {
                let [x, dy, dkernel] = self.views([input, of_output, gradient]);
                product::weight_gradient(x, dy, inputs, units, mode, dkernel);
            }
            instruction => panic!("{instruction:?} has no kernel"),
        }
    }
}
