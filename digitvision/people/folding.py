"""Turn a trained reader into the network that is served."""

import keras
import numpy as np
from keras import layers


def _fold_norm(convolution: layers.Conv2D, norm: layers.BatchNormalization) -> list[np.ndarray]:
    "Return the kernel and bias of a convolution that includes its batch normalization."
    (kernel,) = convolution.get_weights()
    scale, shift, mean, variance = norm.get_weights()
    factor = scale / np.sqrt(variance + norm.epsilon)
    return [kernel * factor, shift - mean * factor]


def _inference_layer(
    layer: layers.Layer, names: dict[str, layers.Layer], temperature: float
) -> tuple[layers.Layer, list[np.ndarray]] | None:
    "Return the inference-time replacement of a training layer and its weights; None to drop it."
    weights = layer.get_weights()
    if isinstance(layer, layers.Conv2D):
        norm = names.get(f"{layer.name}_norm")
        new = layers.Conv2D(layer.filters, 3, activation="relu", name=layer.name)
        return new, _fold_norm(layer, norm) if norm else weights
    if layer.name == "logits":
        new = layers.Dense(10, activation="softmax", name="probabilities")
        return new, [weight / temperature for weight in weights]
    if layer.name == "score":
        return layers.Dense(1, activation="sigmoid", name="digit_score"), weights
    if isinstance(layer, layers.MaxPooling2D | layers.Flatten | layers.Dense):
        return type(layer).from_config(layer.get_config()), weights
    return None


def fold(
    model: keras.Model,  # from `train_reader`
    temperature: float = 1.0,  # the logits are divided by it
) -> keras.Model:  # float32 (n, 28, 28, 1) → probabilities (n, 10), digit_score (n, 1)
    "Return the network for inference: normalization folded, softmax and sigmoid, no dropout."
    x, heads, names = model.input, [], {layer.name: layer for layer in model.layers}
    for layer in model.layers[1:]:
        if replacement := _inference_layer(layer, names, temperature):
            new, weights = replacement
            y = new(x)
            new.set_weights(weights)
            if new.name in ("probabilities", "digit_score"):
                heads.append(y)
            else:
                x = y
    return keras.Model(model.input, heads, name="digitvision")
