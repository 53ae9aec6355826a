//! What the passes of a plan have in common: they add launches and buffers, and know where values are.

use std::collections::HashMap;

use super::{Buffer, Extent, Launch, Length, Map, Plan, Precision, Statistics, Storage};
use crate::kernels::pixels::Place;
use crate::program::{Instruction, Program, Step, Value};

/// Collects launches and buffers.
pub(super) struct Planner<'p> {
    pub program: &'p Program,
    pub launches: Vec<Launch>,
    pub buffers: Vec<Extent>,
    pub statistics: Vec<usize>,
    /// Where each value is that is somewhere so far.
    pub values: Vec<Option<Map>>,
    /// The launch that made a value.
    pub made: HashMap<Value, usize>,
}

impl<'p> Planner<'p> {
    pub fn new(program: &'p Program) -> Self {
        let mut planner = Self {
            program,
            launches: Vec::new(),
            buffers: Vec::new(),
            statistics: Vec::new(),
            values: Vec::new(),
            made: HashMap::new(),
        };
        planner.write(program.images);
        planner
    }

    pub fn launch(&mut self, launch: Launch) {
        self.launches.push(launch);
    }

    pub fn buffer(&mut self, extent: Extent) -> Buffer {
        self.buffers.push(extent);
        Buffer(self.buffers.len() - 1)
    }

    /// A new buffer for the gradient of a parameter.
    pub fn of_parameter(&mut self, parameter: usize) -> Buffer {
        self.buffer(Extent {
            length: Length::Fixed(self.program.parameters[parameter].size()),
            storage: Storage::Number,
        })
    }

    /// A new buffer of the length of another.
    pub fn like(&mut self, buffer: Buffer) -> Buffer {
        self.buffer(self.buffers[buffer.0])
    }

    /// A new buffer of the sizes of a value.
    pub fn of_value(&mut self, value: Value) -> Buffer {
        // A dense layer's logits; a backbone's map, which takes their place, is stored as a map.
        let is_dense = |step: &Step| matches!(step.instruction, Instruction::Multiply { .. });
        let mut makers = self.program.steps.iter().filter(|step| step.output == value);
        let is_number = value == self.program.logits && makers.any(is_dense);
        self.buffer(Extent {
            length: Length::PerImage(self.program.size(value)),
            storage: if is_number { Storage::Number } else { Storage::Map },
        })
    }

    pub fn measured(&mut self, channels: usize) -> Statistics {
        self.statistics.push(channels);
        Statistics(self.statistics.len() - 1)
    }

    /// Gives a value a buffer of its own.
    pub fn write(&mut self, value: Value) -> Buffer {
        let buffer = self.of_value(value);
        let map = self.whole(value, buffer);
        self.put(value, map);
        buffer
    }

    /// A value's map in a buffer of its own.
    pub fn whole(&self, value: Value, buffer: Buffer) -> Map {
        Map {
            buffer,
            place: Place::whole(self.program.channels(value)),
            through: None,
        }
    }

    /// Says where a value is.
    pub fn put(&mut self, value: Value, map: Map) {
        let index = value.index();
        self.values.resize(self.values.len().max(index + 1), None);
        self.values[index] = Some(map);
    }

    /// Where a value is. Programs read what was written before; anything else would be one of its own, never written.
    pub fn read(&mut self, value: Value) -> Map {
        match self.values.get(value.index()).copied().flatten() {
            Some(map) => map,
            None => {
                let buffer = self.write(value);
                self.whole(value, buffer)
            }
        }
    }

    /// The buffer of a value, whose values lie there side by side as they are.
    ///
    /// # Panics
    /// If they don't: only what reads such maps is given one.
    pub fn plain(&mut self, value: Value) -> Buffer {
        let map = self.read(value);
        assert!(map.is_plain(), "a map that lies side by side");
        map.buffer
    }

    /// A training step with these gradients, or else an inference step.
    pub fn finish(mut self, gradients: Option<Vec<Option<Buffer>>>) -> Plan {
        let program = self.program;
        let [images, logits] = [program.images, program.logits].map(|value| self.plain(value));
        Plan {
            launches: self.launches,
            buffers: self.buffers,
            precision: Precision::default(),
            statistics: self.statistics,
            images,
            trains: gradients.is_some(),
            logits,
            gradients: gradients.unwrap_or_default(),
        }
    }
}
