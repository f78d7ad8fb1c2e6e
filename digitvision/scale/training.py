"""Timed training by a recipe: its batches of shifted images, the clock, and the matmul rate."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from digitvision.data import Mnist, Split
from digitvision.model import build_cnn
from digitvision.people.reader import optimizer_settings
from digitvision.train import to_input


def matmul_gflops(
    size: int = 2048,  # of square float32 matrices
    rounds: int = 8,
) -> float:  # 10⁹ operations a second
    "Measure how fast all cores together multiply matrices; the fastest round counts."
    a, b = np.random.default_rng(0).random((2, size, size), np.float32)
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds) / 1e9


@dataclass(frozen=True)
class Recipe:
    "How to train; the defaults are those of the baseline (notebook 04)."

    network: Callable[[], keras.Model] = build_cnn
    optimizer: Callable[..., keras.optimizers.Optimizer] = keras.optimizers.Adam
    learning_rate: float = 0.001  # its maximum
    one_cycle: bool = False  # the learning rate rises, then falls; else it is constant
    batch_size: int = 64
    steps_per_call: int = 1  # steps that TensorFlow takes in one call from Python
    label_smoothing: float = 0.0
    shift: int = 0  # largest random shift of an image, in pixels
    averaging: float = 0.0  # momentum of the moving average of the weights; 0: no average
    epochs: float = 15  # with early stopping, at most
    patience: int = 3  # early stopping, in epochs; 0: no validation at all


def chain_recipes(
    first: Recipe,
    changes: Mapping[str, dict[str, Any]],  # fields to change, by the name of the new recipe
) -> dict[str, Recipe]:
    "Return recipes by name: each is the one before it with some fields changed."
    recipes, recipe = {}, first
    for name, change in changes.items():
        recipe = recipes[name] = replace(recipe, **change)
    return recipes


def shifted(
    images: tf.Tensor,  # (n, 28, 28)
    moves: tf.Tensor,  # int32 (n, 2): pixels to the right and down, plus most; 0 to 2·most
    most: int,  # pixels
) -> tf.Tensor:  # (n, 28, 28)
    "Shift each image by whole pixels; fill the border with black."
    side = 28 + 2 * most
    padded = tf.reshape(tf.pad(images, ((0, 0), (most, most), (most, most))), (-1, side * side))
    right, down = (2 * most - moves[:, i, None, None] for i in (0, 1))
    positions = (down + tf.range(28)[:, None]) * side + right + tf.range(28)
    return tf.gather(padded, positions, batch_dims=1)


def make_batches(
    split: Split,
    recipe: Recipe,
    seed: int,  # of the order and the shifts
) -> tf.data.Dataset:  # float32 (batch_size, 28, 28, 1), one-hot float32 (batch_size, 10)
    "Return all batches of a run, in order; the images stay in memory as bytes."
    rng, (n, size) = np.random.default_rng(seed), (len(split.labels), recipe.batch_size)
    steps = round(recipe.epochs * n / size)
    order = np.concatenate([rng.permutation(n) for _ in range(math.ceil(recipe.epochs) + 1)])
    order = order[: steps * size].reshape(steps, size).astype(np.int32)
    moves = rng.integers(0, 2 * recipe.shift + 1, (steps, size, 2), np.int32)
    images, labels = tf.constant(split.images), tf.constant(split.labels)

    def batch(chosen, moves):
        batch_images = tf.gather(images, chosen)
        if recipe.shift:
            batch_images = shifted(batch_images, moves, recipe.shift)
        pixels = tf.cast(batch_images[..., None], tf.float32) / 255
        return pixels, tf.one_hot(tf.gather(labels, chosen), 10)

    options = tf.data.Options()
    options.autotune.enabled = False  # its thread may sleep for seconds before it lets a run end
    data = tf.data.Dataset.from_tensor_slices((order, moves)).map(batch).prefetch(4)
    return data.with_options(options)


class TimedRun(NamedTuple):
    "A trained network, and the time that its training took."

    model: keras.Model
    seconds: float  # of training
    compile_seconds: float  # to build the network and its graph, before training
    epochs: int | float  # trained; may be a fraction


def compile_recipe(
    recipe: Recipe,
    steps: int,  # of the whole training
) -> keras.Model:
    "Build and compile the network of a recipe."
    model = recipe.network()
    model.compile(
        recipe.optimizer(**optimizer_settings(recipe, steps)),
        keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        steps_per_execution=recipe.steps_per_call,
        jit_compile=False,  # on a CPU, compiling with XLA makes training slower
    )
    model.optimizer.build(model.trainable_variables)
    return model


def _warm_up(model: keras.Model, data: tf.data.Dataset, validation: tuple | None) -> None:
    "Train for a few steps, so that TensorFlow builds its graph, and restore the initial state."
    variables = [*model.variables, *model.optimizer.variables]
    before = [variable.numpy() for variable in variables]
    model.fit(data, validation_data=validation, shuffle=False, verbose=0)
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)


def train_recipe(recipe: Recipe, mnist: Mnist, seed: int = 42) -> TimedRun:
    """Train by a recipe on the training split; early stopping, if any, uses the validation split.

    The same seed gives the same network on the same machine."""
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
    start = time.perf_counter()
    data = make_batches(mnist.train, recipe, seed)
    model, steps = compile_recipe(recipe, len(data)), len(data)
    stop, validation = [], None
    if recipe.patience:
        steps = len(mnist.train.labels) // recipe.batch_size
        validation = to_input(mnist.validation.images), np.eye(10)[mnist.validation.labels]
        stop = [keras.callbacks.EarlyStopping(patience=recipe.patience, restore_best_weights=True)]
    _warm_up(model, data.take(2 * recipe.steps_per_call), validation)
    ready = time.perf_counter()
    history = model.fit(
        data.repeat(), steps_per_epoch=steps, epochs=len(data) // steps, shuffle=False,
        validation_data=validation, callbacks=stop, verbose=0,
    )  # fmt: skip
    seconds = time.perf_counter() - ready
    images = len(history.epoch) * steps * recipe.batch_size
    return TimedRun(model, seconds, ready - start, images / len(mnist.train.labels))


def predict_shifted(
    model: keras.Model,
    images: np.ndarray,  # uint8 (n, 28, 28)
) -> np.ndarray:  # float32 (n, 10): probabilities
    "Predict with test-time augmentation: the mean over no shift and one pixel in each direction."
    moves = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    copies = (shifted(images, np.tile(np.int32(move), (len(images), 1)), 1) for move in moves)
    return sum(model.predict(to_input(np.asarray(copy)), 500, verbose=0) for copy in copies) / 5
