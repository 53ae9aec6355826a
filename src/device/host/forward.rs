//! The launches of a forward pass.

use super::dense::{rounded, widened};
use super::kernel::Prepared;
use super::memory::pixels_mut;
use super::{Host, read, settled};
use crate::device::State;
use crate::kernels::batch_norm::{self, Addend, Affine};
use crate::kernels::convolution::Convolved;
use crate::kernels::depthwise::{self, Depthwise};
use crate::kernels::scratch::in_f32_mut;
use crate::kernels::{average_pooling, cross_entropy, dropout, elementwise, max_pooling, product};
use crate::plan::{Buffer, Map, Statistics, Storage, Then};
use crate::program::{Instruction, Step};

impl<T: Convolved> Host<T> {
    pub(super) fn forward(&mut self, step: usize, inputs: &[Map], output: Map, then: Then, parameters: &[Vec<f32>]) {
        if let Instruction::Convolution(mut sizes) = self.program.steps[step].instruction {
            sizes.window = self.window(sizes.window);
            let kernel = self.kernels[step]
                .take()
                .unwrap_or_else(|| Prepared::new(&self.program, &self.program.steps[step], &sizes, then, parameters));
            let depthwise = self.depthwise(inputs[0], parameters);
            let [x, y] = self.buffers.maps::<T, 2>([inputs[0].buffer, output.buffer]);
            let (y, epilogue) = (pixels_mut(y, output), kernel.epilogue(then.relu));
            let moments = then.measured.map(|_| &mut self.moments);
            if let Some((depthwise, [weights, bias])) = depthwise {
                let rows = depthwise::Outputs::new(depthwise, x, weights.unwrap_or_default(), bias);
                sizes.forward_rows(&rows, &kernel.kernel, epilogue, y, moments);
            } else {
                let x = read(x, inputs[0], &self.affine);
                sizes.forward_packed(x, &kernel.kernel, epilogue, y, moments);
            }
            if let Some(measured) = then.measured {
                self.moments.merge(&mut self.statistics[measured.index()]);
            }
            if self.is_inference() {
                self.kernels[step] = Some(kernel);
            }
            return;
        }
        let inputs: Vec<Buffer> = inputs.iter().map(|map| map.buffer).collect();
        self.forward_whole(step, &inputs, output.buffer, parameters);
    }

    /// The depthwise convolution that makes a map's values as they are read, its kernel and its bias.
    fn depthwise<'p>(&self, map: Map, parameters: &'p [Vec<f32>]) -> Option<(Depthwise, [Option<&'p [f32]>; 2])> {
        let step = &self.program.steps[map.through?];
        let Instruction::Depthwise(mut sizes) = step.instruction else {
            return None;
        };
        sizes.window = self.window(sizes.window);
        let parameter = |index: usize| step.parameters.get(index).map(|&place| parameters[place].as_slice());
        Some((sizes, [parameter(0), parameter(1)]))
    }

    /// An operation on maps with all their channels, as they are.
    fn forward_whole(&mut self, step: usize, inputs: &[Buffer], output: Buffer, parameters: &[Vec<f32>]) {
        let Step {
            instruction,
            parameters: places,
            ..
        } = self.program.steps[step].clone();
        let parameter = |index: usize| places.get(index).map(|&place| parameters[place].as_slice());
        match (instruction, inputs) {
            (Instruction::Depthwise(mut sizes), &[x]) => {
                sizes.window = self.window(sizes.window);
                let [x, y] = self.buffers.maps::<T, 2>([x, output]);
                sizes.forward(x, parameter(0).unwrap_or_default(), parameter(1), y);
            }
            (Instruction::Multiply { inputs, units }, &[x]) => {
                let storage = self.buffers.storage(output);
                let [x, y] = self.buffers.views([x, output]);
                let (x, kernel) = (widened(x.map::<T>()), rounded::<T>(parameter(0).unwrap_or_default()));
                let multiply = |y: &mut [f32]| product::forward(&x, &kernel, parameter(1), inputs, units, y);
                match storage {
                    Storage::Number => multiply(y.numbers()),
                    Storage::Map => in_f32_mut(y.map::<T>(), false, multiply),
                }
            }
            (Instruction::Rectify, &[x]) => {
                let [x, y] = self.buffers.maps::<T, 2>([x, output]);
                elementwise::relu(x, y);
            }
            (Instruction::Add { relu }, &[a, b]) if a == b => {
                let [a, y] = self.buffers.maps::<T, 2>([a, output]);
                elementwise::sum(a, a, relu, y);
            }
            (Instruction::Add { relu }, &[a, b]) => {
                let [a, b, y] = self.buffers.maps::<T, 3>([a, b, output]);
                elementwise::sum(a, b, relu, y);
            }
            (Instruction::MaxPool(sizes), &[x]) => {
                let sizes = self.pooling(sizes);
                let [x, y] = self.buffers.maps::<T, 2>([x, output]);
                self.cells[step] = max_pooling::forward(&sizes, x, y);
            }
            (Instruction::AveragePool(sizes), &[x]) => {
                let sizes = self.pooling(sizes);
                let [x, y] = self.buffers.maps::<T, 2>([x, output]);
                average_pooling::forward(&sizes, x, y);
            }
            (Instruction::Subsample(sizes), &[x]) => {
                let [x, y] = self.buffers.maps::<T, 2>([x, output]);
                sizes.forward(x, y);
            }
            (instruction, inputs) => panic!("{instruction:?} of {} inputs", inputs.len()),
        }
    }

    /// Settles what a normalisation does; a batch's statistics move the running ones.
    pub(super) fn settle(&mut self, step: usize, measured: Option<Statistics>, state: &mut State) {
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
        let running;
        let statistics = match measured {
            Some(measured) => {
                let batch = &self.statistics[measured.index()];
                for (running, batch) in [(mean, &batch.mean), (variance, &batch.variance)] {
                    batch_norm::move_running(&mut state.parameters[running], batch, momentum);
                }
                batch
            }
            None => {
                running = batch_norm::Statistics {
                    mean: state.parameters[mean].clone(),
                    variance: state.parameters[variance].clone(),
                };
                &running
            }
        };
        let affine = Affine::new(
            statistics,
            epsilon,
            &state.parameters[gamma],
            &state.parameters[beta],
            relu,
        );
        self.affine[step] = Some(affine);
    }

    pub(super) fn normalize(&mut self, step: usize, input: Map, addend: Option<(Map, usize)>, output: Buffer) {
        let Some((other, sum)) = addend else {
            let [x, y] = self.buffers.maps::<T, 2>([input.buffer, output]);
            let affine = settled(&self.affine, step);
            return batch_norm::normalize(read(x, input, &self.affine), affine, None, y);
        };
        let Instruction::Add { relu } = self.program.steps[sum].instruction else {
            panic!("a sum");
        };
        let affine = settled(&self.affine, step);
        let (x, more, y): (&[T], &[T], &mut [T]) = if input.buffer == other.buffer {
            let [x, y] = self.buffers.maps::<T, 2>([input.buffer, output]);
            (x, x, y)
        } else {
            let [x, more, y] = self.buffers.maps::<T, 3>([input.buffer, other.buffer, output]);
            (x, more, y)
        };
        let addend = Addend {
            pixels: read(more, other, &self.affine),
            relu,
        };
        batch_norm::normalize(read(x, input, &self.affine), affine, Some(addend), y);
    }

    pub(super) fn drop(&mut self, step: usize, buffers: [Buffer; 3], state: &mut State) {
        let Step {
            instruction: Instruction::Mask { percent },
            scalars: Some([seed, masks]),
            ..
        } = self.program.steps[step]
        else {
            panic!("a dropout");
        };
        let [input, factors, output] = self.buffers.maps::<T, 3>(buffers);
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

    pub(super) fn compare(&mut self, labels: &[usize], logits: Buffer, gradient: Buffer) {
        let classes = self.program.size(self.program.logits);
        assert_eq!(labels.len(), self.buffers.batch, "one label an image");
        assert!(labels.iter().all(|&label| label < classes), "labels below {classes}");
        let storage = self.buffers.storage(logits);
        let [logits, gradient] = self.buffers.views([logits, gradient]);
        let logits = match storage {
            Storage::Number => logits.numbers().to_vec(),
            Storage::Map => widened(logits.map::<T>()).into_owned(),
        };
        let loss = cross_entropy::mean_loss(&logits, labels, classes);
        let of_logits = cross_entropy::gradient(&logits, labels, classes, 1.0);
        match storage {
            Storage::Number => gradient.numbers().copy_from_slice(&of_logits),
            Storage::Map => elementwise::narrow(&of_logits, gradient.map::<T>()),
        }
        self.loss = loss;
    }
}
