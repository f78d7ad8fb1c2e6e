"""Augmentation: shift, rotate and zoom training images at random."""

import keras
import numpy as np

from digitvision.hyperparameters import AUGMENTATIONS


def augment(
    images: np.ndarray,  # float32 (n, 28, 28, 1) in [0, 1]
    augmentation: str,  # a key of AUGMENTATIONS
    rng: np.random.Generator,  # draws the shifts, rotations and zooms
) -> np.ndarray:  # float32 (n, 28, 28, 1) in [0, 1]
    """Shift, rotate and zoom each image at random about its center; fill with black.

    Each pixel of a new image is looked up at its source in the old one (an affine map)."""
    if augmentation == "none":
        return images
    shift, turn, zoom = AUGMENTATIONS[augmentation]
    n, middle = len(images), 13.5
    angle = np.radians(rng.uniform(-turn, turn, n))
    size = rng.uniform(1 - zoom, 1 + zoom, n)
    right, down = rng.uniform(-shift, shift, (2, n)) + middle
    cos, sin, zero = np.cos(angle) / size, np.sin(angle) / size, np.zeros(n)
    rows = [cos, -sin, middle - cos * right + sin * down]  # x of the source: a·x + b·y + c
    rows += [sin, cos, middle - sin * right - cos * down]  # y of the source
    transform = np.stack([*rows, zero, zero], axis=1).astype(np.float32)
    moved = keras.ops.image.affine_transform(images, transform)  # bilinear, outside is black
    return keras.ops.convert_to_numpy(moved)
