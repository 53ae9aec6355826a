"""The networks without their heads, in Keras."""

import keras

APPLICATIONS = {
    "resnet50": keras.applications.ResNet50,
    "densenet169": keras.applications.DenseNet169,
    "xception": keras.applications.Xception,
    "nasnet_large": keras.applications.NASNetLarge,
}


def backbone(network, size):
    """The network with Keras' automatic names starting at their first numbers."""
    keras.utils.clear_session()
    return APPLICATIONS[network](include_top=False, weights=None, input_shape=(size, size, 3))


def mini_resnet(size):
    """`crates/networks/src/networks/mini_resnet.rs`, its layers named after the crate's parameters."""
    keras.utils.clear_session()
    image = keras.Input((size, size, 3))
    x = convolution(image, "backbone.0", 32, 3, 2)
    x = block(x, "backbone.1", 32, 1)
    x = block(x, "backbone.2", 64, 2)
    x = block(x, "backbone.3", 128, 2)
    return keras.Model(image, x)


def block(x, name, channels, stride):
    branch = convolution(x, f"{name}.branch.0", channels, 3, stride)
    branch = convolution(branch, f"{name}.branch.1", channels, 3, 1, activated=False)
    if stride != 1:
        x = convolution(x, f"{name}.shortcut", channels, 1, stride, activated=False)
    return keras.layers.ReLU()(keras.layers.Add()([branch, x]))


def convolution(x, name, channels, kernel, stride, activated=True):
    x = keras.layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False, name=f"{name}.0")(x)
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{name}.1")(x)
    return keras.layers.ReLU()(x) if activated else x
