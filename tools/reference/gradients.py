"""Gradients of every parameter in training mode, and the running statistics of batch normalisation after several
training passes.

Where a ReLU's input is near zero, or two values in a pooling window are nearly equal, rounding decides which way a
gradient goes, and one pixel can be a tenth of a tensor's gradient. So the comparison is in two parts:

- The four networks at 224 pixels, with shifts so large that each channel's ReLUs are all open or all closed. The pooling
  windows remain: how far each gradient moves when all weights and pixels change by as much as two computations' maps in
  single precision differ is stored beside it.
- Small relatives of them with shifts near zero, as at the start of a training, computed in double precision; of several
  batches of images the first is taken for which no gradient jumps when all weights and pixels change by a few times single
  precision's rounding."""

import keras
import numpy
import tensorflow

from . import formula, heads, networks, small_networks

BATCH, PASSES = 2, 2
SIZE, BETA = 224, 6
MOVES, PRECISION_OF_MAPS = 8, 1e-5
SMALL_SIZE, SMALL_BATCH, ATTEMPTS = 96, 1, 100
PERTURBATIONS, PERTURBATION, JUMP = 6, 3e-6, 3e-4


def write(out):
    for network in networks.APPLICATIONS:
        decided(out, network)
        gated(out, network)


def decided(out, network):
    base = networks.backbone(network, SIZE)
    model = with_head(base)
    formula.set_weights(model, out.seed, BETA)
    statistics = out.tensors(8)
    for number in range(PASSES):
        images = formula.images(out.seed, f"images {SIZE} {number}", (BATCH, SIZE, SIZE, 3))
        if number == 0:
            loss, gradients = step(model, images)
        else:
            model(images, training=True)
    for variable in model.non_trainable_variables:
        statistics.add(formula.key(variable), variable)
    images = formula.images(out.seed, f"images {SIZE} 0", (BATCH, SIZE, SIZE, 3))
    moves = largest_moves(model, out.seed, BETA, images, gradients)
    arrays = tensors(out, gradients).arrays("gradients") | statistics.arrays("statistics")
    arrays["moves"] = numpy.array([moves[name] for name in gradients], numpy.float32)
    facts = {"size": SIZE, "batch": BATCH, "passes": PASSES, "beta": BETA, "loss": loss}
    out.save(f"gradients-{network}", arrays, **facts)


def gated(out, network):
    shape = (SMALL_SIZE, SMALL_SIZE, 3)
    keras.utils.clear_session()
    keras.config.set_dtype_policy("float64")
    model = with_head(small_networks.NETWORKS[network](shape))
    keras.config.set_dtype_policy("float32")
    for attempt in range(ATTEMPTS):
        images = formula.images(out.seed, f"small {network} {attempt}", (SMALL_BATCH, *shape))
        formula.set_weights(model, out.seed)
        loss, gradients = step(model, images)
        if not any(jumps(model, out.seed, images, gradients, number) for number in range(PERTURBATIONS)):
            break
    else:
        raise SystemExit(f"{network}: gradients jump for {ATTEMPTS} batches of images")
    facts = {"size": SMALL_SIZE, "batch": SMALL_BATCH, "attempt": attempt, "loss": loss}
    out.save(f"gated-{network}", tensors(out, gradients).arrays("gradients"), **facts)


def jumps(model, seed, images, gradients, number):
    """Whether a gradient changes by more than a small change of everything explains."""
    changes = moves(model, seed, 0, images, gradients, PERTURBATION, number)
    negligible = 1e-9 * max(numpy.abs(gradient).max() for gradient in gradients.values())
    return any(
        changes[name] > max(JUMP * numpy.abs(gradient).max(), negligible) for name, gradient in gradients.items()
    )


def largest_moves(model, seed, beta, images, gradients):
    """How far each gradient goes at most at several small changes of everything."""
    all_moves = [moves(model, seed, beta, images, gradients, PRECISION_OF_MAPS, number) for number in range(MOVES)]
    return {name: max(changes[name] for changes in all_moves) for name in gradients}


def moves(model, seed, beta, images, gradients, perturbation, number):
    """How far each gradient goes when all weights and pixels change at random by at most this part of themselves."""
    generator = numpy.random.default_rng([seed, number])

    def perturbed(values):
        return values * (1 + perturbation * generator.uniform(-1, 1, values.shape))

    formula.set_weights(model, seed, beta)
    for variable in model.weights:
        variable.assign(perturbed(numpy.asarray(variable)))
    _, others = step(model, perturbed(images.astype(numpy.float64)))
    return {name: numpy.abs(others[name] - gradient).max() for name, gradient in gradients.items()}


def with_head(base):
    return keras.Model(base.input, heads.logits("wise_srnet", base.output))


def step(model, images):
    """The loss and all gradients by name."""
    variables = model.trainable_variables
    with tensorflow.GradientTape() as tape:
        value = heads.loss(model(images, training=True))
    gradients = tape.gradient(value, [variable.value for variable in variables])
    return float(value), {formula.key(variable): gradient.numpy() for variable, gradient in zip(variables, gradients)}


def tensors(out, gradients):
    named = out.tensors()
    for name, gradient in gradients.items():
        named.add(name, gradient)
    return named
