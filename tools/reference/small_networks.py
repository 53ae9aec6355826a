"""Short and narrow relatives of the four networks, from Keras' own blocks where they take sizes; `tests/keras/gated.rs`
builds the same from the crate's. Layers have the names that the full networks give them."""

import keras
from keras.src.applications import densenet, nasnet, resnet

layers = keras.layers


def resnet50(shape):
    def stages(x):
        x = resnet.stack_residual_blocks_v1(x, 16, 2, stride1=1, name="conv2")
        return resnet.stack_residual_blocks_v1(x, 32, 2, name="conv3")

    return resnet.ResNet(
        stages, preact=False, use_bias=True, include_top=False, weights=None, input_shape=shape, name="resnet"
    )


def densenet169(shape):
    return densenet.DenseNet([2, 1, 1, 1], include_top=False, weights=None, input_shape=shape)


def nasnet_large(shape):
    image = keras.Input(shape)
    x = layers.Conv2D(8, 3, 2, use_bias=False, name="stem_conv1")(image)
    x = layers.BatchNormalization(momentum=0.9997, name="stem_bn1")(x)
    x, previous = nasnet._reduction_a_cell(x, None, 4, "stem_1")
    x, previous = nasnet._reduction_a_cell(x, previous, 8, "stem_2")
    x, previous = nasnet._normal_a_cell(x, previous, 16, "0")
    x, previous = nasnet._normal_a_cell(x, previous, 16, "1")
    x, _ = nasnet._reduction_a_cell(x, previous, 32, "reduce_6")
    return keras.Model(image, layers.ReLU()(x))


def xception(shape):
    image = keras.Input(shape)
    x = image
    for number, (channels, stride) in enumerate([(32, 2), (64, 1)], start=1):
        x = layers.Conv2D(channels, 3, stride, use_bias=False, name=f"block1_conv{number}")(x)
        x = layers.ReLU()(layers.BatchNormalization(name=f"block1_conv{number}_bn")(x))
    x = halve(x, 2, 32, "", [separable, activated_separable])
    x = halve(x, 3, 48, "_1", [activated_separable, activated_separable])
    middle = x
    for number in (1, 2, 3):
        middle = activated_separable(middle, f"block5_sepconv{number}", 48)
    x = layers.Add()([middle, x])
    x = layers.ReLU()(separable(x, "block14_sepconv1", 56))
    return keras.Model(image, x)


def halve(x, block, channels, number, convolutions):
    branch = x
    for place, convolution in enumerate(convolutions, start=1):
        branch = convolution(branch, f"block{block}_sepconv{place}", channels)
    branch = layers.MaxPooling2D(3, 2, padding="same")(branch)
    shortcut = layers.Conv2D(channels, 1, 2, padding="same", use_bias=False, name=f"conv2d{number}")(x)
    shortcut = layers.BatchNormalization(name=f"batch_normalization{number}")(shortcut)
    return layers.Add()([branch, shortcut])


def separable(x, name, channels):
    x = layers.SeparableConv2D(channels, 3, padding="same", use_bias=False, name=name)(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)


def activated_separable(x, name, channels):
    return separable(layers.ReLU()(x), name, channels)


NETWORKS = {"resnet50": resnet50, "densenet169": densenet169, "xception": xception, "nasnet_large": nasnet_large}
