"""Distort images as hands, pens and cameras do."""

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy import ndimage

from digitvision.train import to_input


def _smooth_basis(points: int = 5) -> np.ndarray:  # float32 (28, points)
    "Return the interpolation weights of the control points at each of 28 pixels; rows sum to 1."
    positions = np.linspace(0, points - 1, 28)[:, None]
    near = np.maximum(0, 1 - abs(positions - np.arange(points)))
    near = ndimage.gaussian_filter1d(near, 2.5, axis=0)
    return (near / near.sum(axis=1, keepdims=True)).astype(np.float32)


_BASIS = _smooth_basis()
_DOWN, _RIGHT = np.mgrid[0:28, 0:28].astype(np.float32) - 13.5  # from the center, pixels


def _source_positions(n: int, rng: np.random.Generator, strength: float) -> np.ndarray:
    "Choose where each pixel of n distorted images comes from: (2: y and x in pixels, n, 28, 28)."
    turn, slant = np.radians(rng.normal(0, 7, n)), rng.normal(0, 0.12, n)
    turn, slant = turn * strength, slant * strength
    high, wide = np.exp(rng.normal(0, 0.09 * strength, (2, n)))
    rows = [np.cos(turn) / high, np.sin(turn) / high]
    rows += [(slant - np.sin(turn)) / wide, np.cos(turn) / wide]
    form = np.array(rows, np.float32)[:, :, None, None]
    shift = rng.normal(13.5, 0.9 * strength, (2, n, 1, 1)).astype(np.float32)
    waves = rng.normal(0, 2 * strength, (2, n, 5, 5)) * rng.random((1, n, 1, 1))
    bend = _BASIS @ waves.astype(np.float32) @ _BASIS.T
    y, x = form[0] * _DOWN + form[1] * _RIGHT, form[2] * _DOWN + form[3] * _RIGHT
    return np.stack([y, x]) + shift + bend


def _sample(images: np.ndarray, positions: np.ndarray) -> np.ndarray:
    "Sample images (n, 28, 28) at positions (2, n, 28, 28), bilinear; black outside."
    n, side = len(images), 32
    padded = np.zeros((n, side, side), np.float32)
    padded[:, 2:30, 2:30] = images
    y, x = np.clip(positions + 2, 0, side - 1.001)
    top, left = y.astype(np.int32), x.astype(np.int32)
    y, x = y - top, x - left
    first = np.arange(n, dtype=np.int32)[:, None, None] * side**2 + top * side + left
    flat = padded.ravel()
    above = flat[first] * (1 - x) + flat[first + 1] * x
    below = flat[first + side] * (1 - x) + flat[first + side + 1] * x
    return above * (1 - y) + below * y


def _apply_to_random_subset(
    images: np.ndarray,  # float32 (n, 28, 28), changed in place
    share: float,  # of the images, 0 to 1
    rng: np.random.Generator,
    change: Callable[[np.ndarray], np.ndarray],
) -> None:
    "Blend a random share of the images, by random amounts, with what `change` returns for them."
    chosen = np.flatnonzero(rng.random(len(images)) < share)
    amount = rng.random((len(chosen), 1, 1)).astype(np.float32)
    images[chosen] += amount * (change(images[chosen]) - images[chosen])


def distort(
    images: np.ndarray,  # uint8 (n, 28, 28)
    rng: np.random.Generator,
    strength: float = 1.0,  # of the geometric distortion; 0: no change at all
) -> np.ndarray:  # float32 (n, 28, 28, 1) in [0, 1]
    "Distort images at random: geometry, thickness of the lines, sharpness and contrast."
    drawn = to_input(images)[..., 0]
    if strength:
        dilate = partial(ndimage.maximum_filter, size=(1, 3, 3))
        erode = partial(ndimage.minimum_filter, size=(1, 2, 2))
        blur = partial(ndimage.gaussian_filter, sigma=(0, 0.8, 0.8))
        _apply_to_random_subset(drawn, 0.22, rng, dilate)
        _apply_to_random_subset(drawn, 0.18, rng, erode)
        drawn = _sample(drawn, _source_positions(len(drawn), rng, strength))
        _apply_to_random_subset(drawn, 0.08, rng, dilate)
        _apply_to_random_subset(drawn, 0.15, rng, blur)
        _apply_to_random_subset(drawn, 0.15, rng, lambda some: np.minimum(some * 1.6, 1))
        _apply_to_random_subset(drawn, 0.15, rng, lambda some: some * 0.6)
    return drawn[..., None].astype(np.float32)
