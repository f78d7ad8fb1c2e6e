"""Calibrate a trained reader, choose its threshold and write its files."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from digitvision.data import Mnist, Split
from digitvision.evaluate import threshold_at_tpr
from digitvision.model_files import write_model
from digitvision.people.folding import fold
from digitvision.people.reader import Recipe, build_reader, fit_temperature
from digitvision.people.training import predict_logits
from digitvision.train import to_input


def ship_reader(
    model: keras.Model,  # from `train_reader`
    recipe: Recipe,
    mnist: Mnist,
    digits: Split,  # real digits to choose the threshold on
    folder: str | Path,  # where NAME.keras, NAME.onnx and NAME.json are written
    about: dict[str, Any],  # more fields of the card, such as seed
    name: str = "digitvision",
) -> dict[str, Any]:  # the card
    """Fit the temperature on validation images, choose the threshold, and write the three files.

    The test set is evaluated last, once, after all of these choices."""
    logits, _ = predict_logits(model, mnist.validation.images)
    temperature = fit_temperature(logits, mnist.validation.labels)
    folded = fold(model, temperature)
    _, scores = folded.predict(to_input(digits.images), batch_size=500, verbose=0)
    trainable = build_reader(recipe)  # without the optimizer's state
    trainable.set_weights(model.get_weights())
    facts = {
        "parameters_trained": model.count_params(),  # with batch normalization, not yet folded
        "hyperparameters": asdict(recipe),
        "trained_on": f"MNIST training split, {len(mnist.train.labels):,} images, and "
        f"{recipe.redrawn:,} redrawn of them, {recipe.photos:,} on bad photos, {recipe.printed:,} "
        f"rendered digits and {recipe.nondigits:,} rendered pictures that are not a digit",
        "epochs": recipe.epochs,
        "temperature": round(temperature, 4),
        "digit_threshold": round(threshold_at_tpr(scores.ravel()), 6),
    }
    return write_model(folded, trainable, mnist, name, folder, facts | about)
