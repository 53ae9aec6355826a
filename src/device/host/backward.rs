//! The launches of a backward pass.

use super::dense::{rounded, widened};
use super::memory::{View, pixels, pixels_mut};
use super::{Host, read, settled};
use crate::kernels::accumulate::Output;
use crate::kernels::batch_norm;
use crate::kernels::convolution::Convolved;
use crate::kernels::product;
use crate::kernels::scratch::in_f32_mut;
use crate::kernels::{average_pooling, elementwise, max_pooling};
use crate::plan::{Buffer, Map, Storage};
use crate::program::{Instruction, Step};

impl<T: Convolved> Host<T> {
    pub(super) fn input_gradient(
        &mut self,
        step: usize,
        input: usize,
        of_output: Map,
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
                let [dy, dx] = self.buffers.maps::<T, 2>([of_output.buffer, gradient]);
                sizes.input_gradient_of(pixels(dy, of_output), kernel, mode, dx);
            }
            Instruction::Depthwise(mut sizes) => {
                sizes.window = window(sizes.window);
                let [dy, dx] = self.buffers.maps::<T, 2>([of_output.buffer, gradient]);
                sizes.input_gradient(dy, kernel, mode, dx);
            }
            Instruction::Multiply { inputs, units } => {
                let storage = self.buffers.storage(of_output.buffer);
                let [dy, dx] = self.buffers.views([of_output.buffer, gradient]);
                let dy = match storage {
                    Storage::Number => rounded::<T>(dy.numbers()),
                    Storage::Map => widened(dy.map::<T>()),
                };
                in_f32_mut(dx.map::<T>(), mode == Output::Add, |dx| {
                    product::input_gradient(&dy, &rounded::<T>(kernel), inputs, units, mode, dx);
                });
            }
            Instruction::Concatenate { channels } => {
                let first = of_output.place.first + channels[..input].iter().sum::<usize>();
                let [dy, dx] = self.buffers.maps::<T, 2>([of_output.buffer, gradient]);
                elementwise::take_channels(dy, of_output.place.all, first, mode, dx, channels[input]);
            }
            Instruction::MaxPool(sizes) => {
                let sizes = pooling(sizes);
                let cells = std::mem::take(&mut self.cells[step]);
                let [dy, dx] = self.buffers.maps::<T, 2>([of_output.buffer, gradient]);
                max_pooling::input_gradient(&sizes, &cells, dy, mode, dx);
                self.cells[step] = cells;
            }
            Instruction::AveragePool(sizes) => {
                let sizes = pooling(sizes);
                let [dy, dx] = self.buffers.maps::<T, 2>([of_output.buffer, gradient]);
                average_pooling::input_gradient(&sizes, dy, mode, dx);
            }
            Instruction::Subsample(sizes) => {
                let [dy, dx] = self.buffers.maps::<T, 2>([of_output.buffer, gradient]);
                sizes.input_gradient(dy, mode, dx);
            }
            instruction => panic!("{instruction:?} has no gradient of its input here"),
        }
    }

    pub(super) fn kernel_gradient(&mut self, step: usize, input: Map, of_output: Map, gradient: Buffer) {
        let mode = Output::Overwrite;
        let window = |window| self.window(window);
        match self.program.steps[step].instruction.clone() {
            Instruction::Convolution(mut sizes) => {
                sizes.window = window(sizes.window);
                let [x, dy, dkernel] = self.buffers.views([input.buffer, of_output.buffer, gradient]);
                let (x, dy, dkernel) = (x.map::<T>(), dy.map::<T>(), dkernel.numbers());
                let x = read(x, input, &self.affine);
                sizes.kernel_gradient_of(x, pixels(dy, of_output), mode, dkernel);
            }
            Instruction::Depthwise(mut sizes) => {
                sizes.window = window(sizes.window);
                let [x, dy, dkernel] = self.buffers.views([input.buffer, of_output.buffer, gradient]);
                sizes.kernel_gradient(x.map::<T>(), dy.map::<T>(), mode, dkernel.numbers());
            }
            Instruction::Multiply { inputs, units } => {
                let storage = self.buffers.storage(of_output.buffer);
                let [x, dy, dkernel] = self.buffers.views([input.buffer, of_output.buffer, gradient]);
                let dy = match storage {
                    Storage::Number => rounded::<T>(dy.numbers()),
                    Storage::Map => widened(dy.map::<T>()),
                };
                let x = widened(x.map::<T>());
                product::weight_gradient(&x, &dy, inputs, units, mode, dkernel.numbers());
            }
            instruction => panic!("{instruction:?} has no kernel"),
        }
    }

    pub(super) fn normalize_gradient(
        &mut self,
        step: usize,
        input: Map,
        of_output: Buffer,
        (gradient, mode): (Map, Output),
        [gamma, beta]: [Buffer; 2],
    ) {
        let affine = settled(&self.affine, step);
        let parameters = if gradient.buffer == of_output {
            let [x, dy] = self.buffers.maps::<T, 2>([input.buffer, of_output]);
            batch_norm::gradients(dy, pixels(x, input), affine)
        } else {
            let [x, dy, dx] = self.buffers.maps::<T, 3>([input.buffer, of_output, gradient.buffer]);
            batch_norm::gradients_apart(dy, pixels(x, input), affine, mode, pixels_mut(dx, gradient))
        };
        let [dgamma, dbeta] = self.buffers.views([gamma, beta]).map(View::numbers);
        dgamma.copy_from_slice(&parameters.gamma);
        dbeta.copy_from_slice(&parameters.beta);
    }
}
