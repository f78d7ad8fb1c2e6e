"""Train a reader: its batches, its loss and its optimizer."""

from collections.abc import Callable

import keras
import numpy as np

from digitvision.data import Split
from digitvision.people.distortion import distort
from digitvision.people.material import NOT_A_DIGIT
from digitvision.people.reader import Recipe, build_reader, optimizer_settings
from digitvision.train import to_input


def compile_reader(recipe: Recipe, steps: int) -> keras.Model:
    "Build and compile the network of a recipe; the schedule lasts `steps` batches."
    model = build_reader(recipe)
    model.compile(
        optimizer=keras.optimizers.AdamW(
            weight_decay=recipe.weight_decay,
            global_clipnorm=recipe.clip_norm,
            **optimizer_settings(recipe, steps),
        ),
        loss=[
            keras.losses.CategoricalCrossentropy(
                from_logits=True, label_smoothing=recipe.label_smoothing
            ),
            keras.losses.BinaryCrossentropy(from_logits=True),
        ],
        loss_weights=[1.0, recipe.score_weight],
        jit_compile=False,  # on a CPU, compiling with XLA makes training slower
    )
    return model


class BatchSequence(keras.utils.PyDataset):
    """Batches of images, targets (digit, (n, 10), and score, (n, 1)) and weights of the losses.

    Shuffled and distorted anew in every epoch; the last, incomplete batch is left out."""

    def __init__(self, material: Split, recipe: Recipe, seed: int):
        super().__init__(workers=1, max_queue_size=16)
        self.material, self.recipe, self.seed, self.epoch = material, recipe, seed, 0
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        "Shuffle for the next epoch."
        self.epoch += 1
        rng = np.random.default_rng([self.seed, self.epoch])
        self.order = rng.permutation(len(self.material.labels))

    def __len__(self) -> int:
        return len(self.material.labels) // self.recipe.batch_size

    def __getitem__(self, index: int) -> tuple:
        size = self.recipe.batch_size
        chosen = self.order[index * size : (index + 1) * size]
        rng = np.random.default_rng([self.seed, self.epoch, index])
        images = distort(self.material.images[chosen], rng, self.recipe.distortion)
        labels = self.material.labels[chosen].astype(int)
        is_digit = labels != NOT_A_DIGIT
        targets = np.where(is_digit[:, None], np.eye(10)[labels], 0.1).astype(np.float32)
        weights = np.where(is_digit, 1, self.recipe.outlier_weight).astype(np.float32)
        scores = is_digit.astype(np.float32)
        return images, (targets, scores[:, None]), (weights, np.ones_like(scores))


def train_reader(
    recipe: Recipe,
    material: Split,  # uint8 (n, 28, 28); labels 0 to 9 or NOT_A_DIGIT
    seed: int = 42,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,  # gets epoch (from 1), losses
    progress: bool = True,
) -> keras.Model:  # with the averaged weights
    "Train a reader for as many epochs as its recipe says; there is no early stopping."
    keras.utils.set_random_seed(seed)
    batches = BatchSequence(material, recipe, seed)
    model = compile_reader(recipe, len(batches) * recipe.epochs)
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: on_epoch and on_epoch(epoch + 1, logs)
    )
    settings = {"epochs": recipe.epochs, "shuffle": False, "verbose": int(progress)}
    model.fit(batches, callbacks=[callback], **settings)
    return model  # Keras puts the averages in place of the weights when it is done


def predict_logits(
    model: keras.Model,  # from `train_reader`
    images: np.ndarray,  # uint8 (n, 28, 28)
) -> tuple[np.ndarray, np.ndarray]:  # logits (n, 10), scores before the sigmoid (n,)
    "Run an unfolded reader on images."
    logits, score = model.predict(to_input(images), batch_size=500, verbose=0)
    return logits, score[:, 0]
