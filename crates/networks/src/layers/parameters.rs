//! A network's parameters by name: building them from a seed, and visiting them with their gradients. Built on dfdx's
//! visitors, so it works for any nesting of modules.

use dfdx::nn::{
    RecursiveWalker, ScalarOptions, TensorCollection, TensorOptions, TensorViewer, TensorVisitor, ViewTensorMut,
};
use dfdx::prelude::{Cpu, CpuError, HasShape, Shape, Tensor, UniqueId, ZerosTensor};
use num_traits::NumCast;

use super::constraint::NON_NEGATIVE;
use super::initializer::with_seed;
use crate::autodiff::{GradientSlot, GradientStore, id, values_mut};
use crate::kernels::random;
use crate::program;

/// One tensor of a network.
pub struct Parameter<'a> {
    /// The path to it, such as `head.1.kernel`.
    pub name: &'a str,
    /// Its sizes.
    pub shape: &'a [usize],
    /// Whether the optimizer updates it; running statistics are not trained.
    pub trainable: bool,
    /// Whether it is kept non-negative.
    pub non_negative: bool,
    /// What tells the tensor from all others on a tape; none of a network that doesn't run on tapes.
    pub id: Option<UniqueId>,
    /// Its values.
    pub values: &'a mut [f32],
    /// Its gradient, where gradients are visited too; empty otherwise.
    pub gradient: &'a [f32],
}

/// One number of a network's state that is not a tensor, such as a dropout layer's position in its random stream.
pub struct Scalar<'a> {
    /// The path to it.
    pub name: &'a str,
    /// Its value; integers up to 2⁵³ are exact.
    pub value: &'a mut f64,
}

/// What a visit meets.
pub enum Visited<'a> {
    /// A tensor.
    Tensor(Parameter<'a>),
    /// A number.
    Scalar(Scalar<'a>),
}

/// Visits every tensor and scalar of `model` in a fixed order; their names start with `prefix`.
pub fn for_each<M: TensorCollection<f32, Cpu>>(model: &mut M, prefix: &str, visit: &mut dyn FnMut(Visited<'_>)) {
    walk(model, prefix, Each { visit, gradients: None });
}

/// As [`for_each`], with each trainable tensor's gradient.
pub fn for_each_with_gradients<M: TensorCollection<f32, Cpu>>(
    model: &mut M,
    prefix: &str,
    gradients: &mut dyn GradientStore,
    visit: &mut dyn FnMut(Visited<'_>),
) {
    walk(
        model,
        prefix,
        Each {
            visit,
            gradients: Some(gradients),
        },
    );
}

fn walk<M: TensorCollection<f32, Cpu>>(model: &mut M, prefix: &str, mut each: Each<'_, '_>) {
    let mut walker = RecursiveWalker {
        m: (model, prefix.to_owned()),
        f: &mut each,
    };
    // The visitor's only error is dfdx's out-of-memory, which dfdx itself reports by aborting on the CPU.
    let _ = M::iter_tensors(&mut walker);
}

/// The path to a field, as dfdx's `ViewTensorName` builds it. That one formats text in every place that names a field,
/// which is a sixth of this crate's code; here they all call one function.
enum Path {}

impl TensorViewer for Path {
    type View<'a, M: 'a> = String;

    fn view_field<M, F, R, W>(parent: &mut String, name: &str, _: &mut R, _: &mut W) -> String
    where
        R: FnMut(&M) -> &F,
        W: FnMut(&mut M) -> &mut F,
    {
        join(parent, name)
    }
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

fn view<'a, S: Shape>(
    tensor: &'a mut Tensor<S, f32, Cpu>,
    name: &'a str,
    trainable: bool,
    gradient: &'a [f32],
    sizes: &'a S::Concrete,
) -> Parameter<'a> {
    Parameter {
        name,
        shape: sizes.as_ref(),
        trainable,
        non_negative: name.rsplit('.').next() == Some(NON_NEGATIVE),
        id: Some(id(tensor)),
        values: values_mut(tensor),
        gradient,
    }
}

struct Each<'f, 'g> {
    visit: &'f mut dyn FnMut(Visited<'_>),
    gradients: Option<&'g mut dyn GradientStore>,
}

impl TensorVisitor<f32, Cpu> for Each<'_, '_> {
    type Viewer = (ViewTensorMut, Path);
    type Err = CpuError;
    type E2 = f32;
    type D2 = Cpu;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Cpu>,
        (tensor, name): (&mut Tensor<S, f32, Cpu>, String),
    ) -> Result<Option<Tensor<S, f32, Cpu>>, CpuError> {
        let gradient = match &mut self.gradients {
            Some(gradients) if options.do_gradient_update => gradients.take(&GradientSlot::new(tensor))?.into_values(),
            _ => Vec::new(),
        };
        let sizes = tensor.shape().concrete();
        (self.visit)(Visited::Tensor(view(
            tensor,
            &name,
            options.do_gradient_update,
            &gradient,
            &sizes,
        )));
        Ok(None)
    }

    fn visit_scalar<N: NumCast>(
        &mut self,
        _: ScalarOptions<N>,
        (scalar, name): (&mut N, String),
    ) -> Result<Option<N>, CpuError> {
        let mut value = scalar.to_f64().unwrap_or_default();
        (self.visit)(Visited::Scalar(Scalar {
            name: &name,
            value: &mut value,
        }));
        if let Some(changed) = N::from(value) {
            *scalar = changed;
        }
        Ok(None)
    }
}

/// Makes the values that a tensor starts with.
type InitialValues = Box<dyn FnOnce() -> Result<Vec<f32>, CpuError>>;

/// What a network starts with: its tensors, with what tells them apart on a tape, and its scalars.
#[derive(Default)]
pub struct InitialState {
    /// What each tensor is.
    pub parameters: Vec<(UniqueId, program::Parameter)>,
    /// The scalars with their names.
    pub scalars: Vec<(String, f64)>,
    values: Vec<InitialValues>,
}

impl InitialState {
    /// Notes what a visit meets.
    pub fn note(&mut self, visited: Visited<'_>) {
        match visited {
            Visited::Tensor(tensor) => {
                let values = tensor.values.to_vec();
                self.tensor(tensor, Box::new(|| Ok(values)));
            }
            Visited::Scalar(scalar) => self.scalars.push((scalar.name.to_owned(), *scalar.value)),
        }
    }

    fn tensor(&mut self, tensor: Parameter<'_>, values: InitialValues) {
        if let Some(id) = tensor.id {
            let parameter = program::Parameter {
                name: tensor.name.to_owned(),
                shape: tensor.shape.to_vec(),
                trainable: tensor.trainable,
                non_negative: tensor.non_negative,
            };
            self.parameters.push((id, parameter));
            self.values.push(values);
        }
    }

    /// The values of each tensor. Those of a network that was built by [`build_noting`] are drawn now.
    ///
    /// # Errors
    /// dfdx's, if there is no memory.
    pub fn into_values(self) -> Result<Vec<Vec<f32>>, CpuError> {
        self.values.into_iter().map(|values| values()).collect()
    }
}

/// As [`build`], for a network that is built, traced and forgotten: what it would start with is noted, and drawn when the
/// network, which holds zeros, is gone. Such a network need not be visited, and so not be compiled for visits.
///
/// # Errors
/// dfdx's, if there is no memory.
pub fn build_noting<M: TensorCollection<f32, Cpu, To<f32, Cpu> = M>>(
    seed: u64,
    prefix: &str,
    state: &mut InitialState,
) -> Result<M, CpuError> {
    build_with(seed, prefix, 0, Some(state))
}

/// Builds a module whose initial parameters depend on `seed` and their own names alone, not on what else is built or
/// in which order: the same backbone starts with the same weights under every head.
///
/// Names start with `prefix`. Axes of [`Units`](super::Units) get `units` entries.
pub fn build<M: TensorCollection<f32, Cpu, To<f32, Cpu> = M>>(
    seed: u64,
    prefix: &str,
    units: usize,
) -> Result<M, CpuError> {
    build_with(seed, prefix, units, None)
}

fn build_with<M: TensorCollection<f32, Cpu, To<f32, Cpu> = M>>(
    seed: u64,
    prefix: &str,
    units: usize,
    noted: Option<&mut InitialState>,
) -> Result<M, CpuError> {
    let mut builder = Builder { seed, units, noted };
    let built = M::iter_tensors(&mut RecursiveWalker {
        m: prefix.to_owned(),
        f: &mut builder,
    })?;
    // The builder gives every tensor and scalar a value, so the module is always complete.
    built.ok_or(CpuError::WrongNumElements)
}

struct Builder<'f> {
    seed: u64,
    units: usize,
    /// Where what tensors start with is noted instead of written to them.
    noted: Option<&'f mut InitialState>,
}

impl TensorVisitor<f32, Cpu> for Builder<'_> {
    type Viewer = Path;
    type Err = CpuError;
    type E2 = f32;
    type D2 = Cpu;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Cpu>,
        name: String,
    ) -> Result<Option<Tensor<S, f32, Cpu>>, CpuError> {
        let seed = random::key(self.seed, &name, &[]);
        let mut sizes = options.shape.concrete();
        for axis in 0..S::NUM_DIMS {
            if sizes[axis] == 0 {
                sizes[axis] = self.units;
            }
        }
        let shape = S::from_concrete(&sizes).unwrap_or(options.shape);
        let draw = move || {
            let mut tensor = Cpu::seed_from_u64(seed).try_zeros_like(&shape)?;
            with_seed(seed, || (options.reset)(&mut tensor))?;
            Ok(tensor)
        };
        let Some(noted) = &mut self.noted else {
            return draw().map(Some);
        };
        let mut zeros = Cpu::default().try_zeros_like(&shape)?;
        let values = Box::new(move || draw().map(|mut tensor| values_mut(&mut tensor).to_vec()));
        noted.tensor(view(&mut zeros, &name, options.do_gradient_update, &[], &sizes), values);
        Ok(Some(zeros))
    }

    fn visit_scalar<N: NumCast>(&mut self, options: ScalarOptions<N>, name: String) -> Result<Option<N>, CpuError> {
        // A seed has 32 bits, so that it survives as a number of any type.
        let seed = random::key(self.seed, &name, &[]) >> 32;
        let is_seed = name.rsplit('.').next() == Some(super::dropout::SEED);
        let number = if is_seed { N::from(seed) } else { Some(options.default) };
        if let (Some(number), Some(noted)) = (&number, &mut self.noted) {
            noted.scalars.push((name, number.to_f64().unwrap_or_default()));
        }
        Ok(number)
    }
}
