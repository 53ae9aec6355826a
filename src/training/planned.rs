//! A network that has become a program: it is trained and asked by plans, and its types are gone.

use dfdx::prelude::CpuError;

use super::model::{Model, Step};
use super::optimizer::Sgd;
use crate::device::host::{self, Memory};
use crate::device::{Executable, State};
use crate::layers::{Parameter, Scalar, Visited};
use crate::plan::{MemoryUse, Plan, Precision};
use crate::program::Program;
use crate::typed::TracedNetwork;

/// A program with its state, and the executables that were needed so far.
pub struct Planned {
    program: Program,
    state: State,
    maps: MemoryUse,
    precision: Precision,
    memory: Memory,
    training: Option<Box<dyn Executable>>,
    updating: Option<Box<dyn Executable>>,
    inference: Option<Box<dyn Executable>>,
    backbone: Option<Box<dyn Executable>>,
    head: Option<Box<dyn Executable>>,
}

impl Planned {
    /// A network that has been traced.
    pub fn new(network: TracedNetwork) -> Self {
        Self {
            program: network.program,
            state: State {
                parameters: network.parameters,
                scalars: network.scalars,
                version: 0,
            },
            maps: MemoryUse::default(),
            precision: Precision::default(),
            memory: Memory::default(),
            training: None,
            updating: None,
            inference: None,
            backbone: None,
            head: None,
        }
    }
}

/// The executable of a plan, for batches of so many images; it is made if there is none, or one for smaller batches only.
fn executable(
    made: &mut Option<Box<dyn Executable>>,
    batch: usize,
    make: impl FnOnce(usize) -> Box<dyn Executable>,
) -> &mut dyn Executable {
    if made.as_ref().is_none_or(|made| made.largest() < batch) {
        *made = None;
    }
    &mut **made.get_or_insert_with(|| make(batch))
}

fn inference(program: &Program, precision: Precision) -> impl FnOnce(usize) -> Box<dyn Executable> {
    move |batch| host::compile(program, Plan::inference(program).stored(precision), batch)
}

impl Model for Planned {
    fn image_size(&self) -> usize {
        self.program.shape(self.program.images)[0]
    }

    fn feature_map(&self) -> [usize; 3] {
        let map = self.program.shape(self.program.map);
        [map[0], map[1], map[2]]
    }

    fn train(&mut self, images: Vec<f32>, labels: &[usize]) -> Result<Step, CpuError> {
        let (program, maps, precision) = (&self.program, self.maps, self.precision);
        let make = |batch| host::compile(program, Plan::training(program, maps).stored(precision), batch);
        let training = executable(&mut self.training, labels.len(), make);
        training.run(&mut self.memory, &mut self.state, &images, labels, labels.len());
        // Running statistics have moved.
        self.state.version += 1;
        Ok(Step {
            loss: training.loss(),
            logits: training.logits(&self.memory),
            gradients: None,
        })
    }

    fn update(
        &mut self,
        images: Vec<f32>,
        labels: &[usize],
        optimizer: &mut Sgd,
        learning_rate: f64,
    ) -> Result<Step, CpuError> {
        let (program, maps, precision) = (&self.program, self.maps, self.precision);
        let make = |batch| host::compile(program, Plan::update(program, maps).stored(precision), batch);
        let updating = executable(&mut self.updating, labels.len(), make);
        let rule = optimizer.rule(learning_rate);
        updating.update(&mut self.memory, &mut self.state, rule, &images, labels);
        self.state.version += 1;
        Ok(Step {
            loss: updating.loss(),
            logits: updating.logits(&self.memory),
            gradients: None,
        })
    }

    fn logits(&mut self, images: Vec<f32>, batch: usize) -> Result<Vec<f32>, CpuError> {
        let executable = executable(&mut self.inference, batch, inference(&self.program, self.precision));
        executable.run(&mut self.memory, &mut self.state, &images, &[], batch);
        Ok(executable.logits(&self.memory))
    }

    fn features(&mut self, images: Vec<f32>, batch: usize) -> Result<Vec<f32>, CpuError> {
        let executable = executable(
            &mut self.backbone,
            batch,
            inference(&self.program.backbone(), self.precision),
        );
        executable.run(&mut self.memory, &mut self.state, &images, &[], batch);
        Ok(executable.logits(&self.memory))
    }

    fn logits_of_features(&mut self, maps: Vec<f32>, batch: usize) -> Result<Vec<f32>, CpuError> {
        let executable = executable(&mut self.head, batch, inference(&self.program.head(), self.precision));
        executable.run(&mut self.memory, &mut self.state, &maps, &[], batch);
        Ok(executable.logits(&self.memory))
    }

    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>)) {
        self.visit(visit, false);
    }

    fn for_each_with_gradients(&mut self, _step: &mut Step, visit: &mut dyn FnMut(Visited<'_>)) {
        self.visit(visit, true);
    }

    fn memory(&self) -> MemoryUse {
        self.maps
    }

    fn set_memory(&mut self, memory: MemoryUse) -> bool {
        if self.maps != memory {
            (self.training, self.updating) = (None, None);
        }
        self.maps = memory;
        true
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn set_precision(&mut self, precision: Precision) -> bool {
        if self.precision != precision {
            (self.training, self.updating) = (None, None);
            (self.inference, self.backbone, self.head) = (None, None, None);
        }
        self.precision = precision;
        true
    }

    fn program(&mut self) -> Result<Program, CpuError> {
        Ok(self.program.clone())
    }
}

impl Planned {
    /// Visits all tensors, with the gradients of the last step if they are asked for, and then the scalars.
    fn visit(&mut self, visit: &mut dyn FnMut(Visited<'_>), with_gradients: bool) {
        self.state.version += 1;
        let parameters = self.program.parameters.iter().zip(&mut self.state.parameters);
        for (place, (parameter, values)) in parameters.enumerate() {
            let step = self.training.as_ref().filter(|_| with_gradients);
            visit(Visited::Tensor(Parameter {
                name: &parameter.name,
                shape: &parameter.shape,
                trainable: parameter.trainable,
                non_negative: parameter.non_negative,
                id: None,
                values,
                gradient: step.and_then(|step| step.gradient(&self.memory, place)).unwrap_or(&[]),
            }));
        }
        for (name, value) in self.program.scalars.iter().zip(&mut self.state.scalars) {
            visit(Visited::Scalar(Scalar { name, value }));
        }
    }
}
