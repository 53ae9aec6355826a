"""The seven heads over small maps: logits and all gradients. Dropout is compared in inference only: its masks are drawn
differently."""

import keras
import numpy
import tensorflow

from . import formula

BATCH, CHANNELS, CLASSES = 2, 4, 5

# By the size of the map: the pooling of Wise-SrNet, and the kernel behind it.
POOLING = {3: (2, 1), 6: (2, 3), 7: (2, 3), 8: (2, 4), 12: (3, 4), 16: (3, 5)}


def logits(head, x):
    """The layers behind a map, as in the paper's notebooks; named after the crate's parameters."""
    layers = keras.layers
    dropout = head.endswith("_dropout")
    size = x.shape[1]
    pool, kernel = POOLING[size]
    match head.removesuffix("_dropout"):
        case "gap":
            x, next_layer = layers.GlobalAveragePooling2D()(x), 1
        case "depthwise":
            x, next_layer = layers.DepthwiseConv2D(size, name="head.0")(x), 1
        case "depthwise_nonneg":
            constraint = keras.constraints.NonNeg()
            x, next_layer = layers.DepthwiseConv2D(size, depthwise_constraint=constraint, name="head.0")(x), 1
        case "wise_srnet":
            x = layers.AveragePooling2D(pool, padding="valid")(x)
            constraint = keras.constraints.NonNeg()
            x, next_layer = layers.DepthwiseConv2D(kernel, depthwise_constraint=constraint, name="head.1")(x), 2
        case "flatten_fc":
            x, next_layer = layers.AveragePooling2D(3, padding="valid")(x), 1
    x = layers.Flatten()(x)
    if dropout:
        x, next_layer = layers.Dropout(0.5)(x), next_layer + 1
    return layers.Dense(CLASSES, name=f"head.{next_layer}")(x)


def labels(batch):
    return [image % CLASSES for image in range(batch)]


def loss(scores):
    """Mean categorical cross-entropy of the labels 0, 1, 2, …"""
    targets = keras.ops.one_hot(labels(scores.shape[0]), CLASSES)
    return keras.ops.mean(keras.losses.categorical_crossentropy(targets, scores, from_logits=True))


def write(out):
    arrays = {}
    for size in (7, 16):
        for head in (
            "gap",
            "gap_dropout",
            "depthwise",
            "depthwise_nonneg",
            "wise_srnet",
            "wise_srnet_dropout",
            "flatten_fc",
        ):
            tensors = out.tensors(samples=400)
            maps = keras.Input((size, size, CHANNELS), batch_size=BATCH)
            model = keras.Model(maps, logits(head, maps))
            formula.set_weights(model, out.seed)
            given = tensorflow.constant(formula.noise(out.seed, f"map {size}", maps.shape))
            with tensorflow.GradientTape() as tape:
                tape.watch(given)
                scores = model(given, training=False)
                value = loss(scores)
            gradients = tape.gradient(value, [given, *model.trainable_variables])
            tensors.add("logits", scores)
            tensors.add("loss", numpy.array(value))
            for name, gradient in zip(["map", *map_names(model)], gradients):
                tensors.add(name, gradient)
            arrays |= tensors.arrays(f"{head} {size}")
            keras.utils.clear_session()
    out.save("heads", arrays, batch=BATCH, channels=CHANNELS, classes=CLASSES)


def map_names(model):
    return [formula.key(variable) for variable in model.trainable_variables]
