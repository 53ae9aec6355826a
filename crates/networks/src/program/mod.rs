//! A network as a list of operations: what its types have proven, without the types.
//!
//! A typed network that runs with a batch of no images leaves all its operations on the tape, with the tensors that each reads
//! and makes; a trace ([`typed`](crate::typed)) makes a [`Program`] of them. Sizes are those of one image: the
//! batch is the only axis that a program leaves open.

mod instruction;

pub use instruction::{Instruction, Settings};

use std::collections::HashMap;
use std::hash::Hash;

/// A network's operations, in the order in which they run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The operations. Each writes a value that no other writes, and reads values that were written before or come from outside.
    pub steps: Vec<Step>,
    /// The sizes of all values, for one image, by [`Value::index`].
    shapes: Vec<Vec<usize>>,
    /// Parameters and running statistics, in the order in which a network is visited.
    pub parameters: Vec<Parameter>,
    /// The names of the numbers that are a part of a network's state, in the order in which it is visited.
    pub scalars: Vec<String>,
    /// The batch of images.
    pub images: Value,
    /// What the backbone makes of it, and the head reads.
    pub map: Value,
    /// What the head makes of that.
    pub logits: Value,
    /// Operations of dfdx itself, which tell neither what they read nor what they make, and such that have a random stream
    /// without a state of its own in the network.
    pub foreign: usize,
}

/// A tensor that a program reads or makes, for the whole batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(usize);

impl Value {
    /// Its place among a program's values.
    pub fn index(self) -> usize {
        self.0
    }
}

/// A tensor of a network's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The path to it, such as `head.1.kernel`.
    pub name: String,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Whether the optimizer updates it; running statistics are not trained.
    pub trainable: bool,
    /// Whether it is kept non-negative.
    pub non_negative: bool,
}

impl Parameter {
    /// The number of its values.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// One operation with what it reads and writes.
#[derive(Debug, Clone)]
pub struct Step {
    /// What is computed.
    pub instruction: Instruction,
    /// The values that it reads.
    pub inputs: Vec<Value>,
    /// The parameters that it reads, by their places in [`Program::parameters`].
    pub parameters: Vec<usize>,
    /// The seed of its random stream and the number of masks drawn from it, by their places in [`Program::scalars`].
    pub scalars: Option<[usize; 2]>,
    /// The value that it writes.
    pub output: Value,
}

impl Program {
    /// The part that makes maps of images.
    pub fn backbone(&self) -> Self {
        Self {
            steps: self.parts().0.to_vec(),
            logits: self.map,
            ..self.clone()
        }
    }

    /// The part that makes logits of maps.
    pub fn head(&self) -> Self {
        Self {
            steps: self.parts().1.to_vec(),
            images: self.map,
            ..self.clone()
        }
    }

    /// The sizes of a value, for one image.
    pub fn shape(&self, value: Value) -> &[usize] {
        &self.shapes[value.0]
    }

    /// The number of a value's elements, for one image.
    pub fn size(&self, value: Value) -> usize {
        self.shape(value).iter().product()
    }

    /// The channels of a map; the values of what is no map.
    pub fn channels(&self, value: Value) -> usize {
        self.shape(value).last().copied().unwrap_or(1)
    }

    /// The parameters that a step reads.
    pub fn parameters_of<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = &'a Parameter> {
        step.parameters.iter().map(|&place| &self.parameters[place])
    }

    /// The path to a step's layer, if that has parameters.
    pub fn layer_of<'a>(&'a self, step: &'a Step) -> Option<&'a str> {
        // Parameters of a layer differ in the last part of their paths.
        let (layer, _) = self.parameters_of(step).next()?.name.rsplit_once('.')?;
        Some(layer)
    }

    /// The backbone's steps and the head's.
    pub fn parts(&self) -> (&[Step], &[Step]) {
        let last = self.steps.iter().position(|step| step.output == self.map);
        self.steps.split_at(last.map_or(0, |last| last + 1))
    }
}

/// Builds a program from operations that know tensors by identities `K`.
pub struct Builder<K> {
    steps: Vec<Step>,
    shapes: Vec<Vec<usize>>,
    values: HashMap<K, Value>,
    parameters: Vec<Parameter>,
    places: HashMap<K, usize>,
    scalars: Vec<(String, f64)>,
    foreign: usize,
}

/// An operation that has run.
#[derive(Debug, Clone)]
pub struct Traced<K> {
    /// What was computed.
    pub instruction: Instruction,
    /// The tensors that it read, with their sizes, the batch first.
    pub inputs: Vec<(K, Vec<usize>)>,
    /// The parameters that it read.
    pub parameters: Vec<K>,
    /// The seed of its random stream, if it has one.
    pub seed: Option<u64>,
    /// The tensor that it made, with its sizes.
    pub output: (K, Vec<usize>),
}

impl<K: Copy + Eq + Hash> Builder<K> {
    /// For a network with these parameters, and these scalars with their values.
    pub fn new(parameters: impl IntoIterator<Item = (K, Parameter)>, scalars: Vec<(String, f64)>) -> Self {
        let (identities, parameters): (Vec<K>, Vec<Parameter>) = parameters.into_iter().unzip();
        Self {
            steps: Vec::new(),
            shapes: Vec::new(),
            values: HashMap::new(),
            parameters,
            places: identities.into_iter().zip(0..).collect(),
            scalars,
            foreign: 0,
        }
    }

    /// Adds an operation; none is one of dfdx itself.
    pub fn add(&mut self, traced: Option<Traced<K>>) {
        let Some(traced) = traced else {
            self.foreign += 1;
            return;
        };
        let inputs = traced
            .inputs
            .into_iter()
            .map(|(key, shape)| self.value(key, &shape))
            .collect();
        let parameters = traced
            .parameters
            .iter()
            .filter_map(|key| self.places.get(key).copied())
            .collect();
        let (key, shape) = traced.output;
        let output = self.value(key, &shape);
        let scalars = traced.seed.and_then(|seed| self.stream(seed));
        if traced.seed.is_some() && scalars.is_none() {
            self.foreign += 1;
        }
        self.steps.push(Step {
            instruction: traced.instruction,
            inputs,
            parameters,
            scalars,
            output,
        });
    }

    /// The places of a random stream's state: of the one layer with this seed, and of the number of its masks beside it.
    fn stream(&self, seed: u64) -> Option<[usize; 2]> {
        let mut seeds = (self.scalars.iter().enumerate())
            .filter_map(|(place, (name, value))| Some((place, name.strip_suffix(".seed")?, *value)))
            .filter(|&(.., value)| value == seed as f64);
        let (place, layer, _) = seeds.next()?;
        let masks = format!("{layer}.masks");
        let masks = self.scalars.iter().position(|(name, _)| *name == masks)?;
        seeds.next().is_none().then_some([place, masks])
    }

    /// The value of a tensor with these sizes, the batch first.
    pub fn value(&mut self, key: K, shape: &[usize]) -> Value {
        *self.values.entry(key).or_insert_with(|| {
            self.shapes.push(shape.get(1..).unwrap_or_default().to_vec());
            Value(self.shapes.len() - 1)
        })
    }

    /// The program, whose images, map and logits these are.
    pub fn finish(self, [images, map, logits]: [Value; 3]) -> Program {
        Program {
            steps: self.steps,
            shapes: self.shapes,
            parameters: self.parameters,
            scalars: self.scalars.into_iter().map(|(name, _)| name).collect(),
            images,
            map,
            logits,
            foreign: self.foreign,
        }
    }
}
