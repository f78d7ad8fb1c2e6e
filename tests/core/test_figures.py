"""Figures that several notebooks draw: colors carry the same value in every image."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from digitvision.figures import plot_history, show_digits, show_rows


@pytest.fixture
def shown(monkeypatch):
    "Keep figures open instead of showing them."
    monkeypatch.setattr(plt, "show", lambda: None)
    yield plt.gcf
    plt.close("all")


def limits(figure) -> list[tuple[str, float, float]]:
    "Color map, lowest and highest value of each image in a figure."
    images = [image for axis in figure.axes for image in axis.get_images()]
    return [(image.get_cmap().name, *image.get_clim()) for image in images]


def test_rows_of_pictures_have_labels_titles_and_the_range_of_their_type(shown):
    rows = {"bytes": [np.zeros((2, 3), np.uint8)], "floats": [np.ones((4, 4)), np.zeros((4, 4))]}
    show_rows(rows, {"floats": ["one", "two"]})
    assert limits(shown()) == [("gray", 0, 255), ("gray", 0, 1), ("gray", 0, 1)]
    assert [axis.get_ylabel() for axis in shown().axes] == ["bytes", "", "floats", ""]
    assert [axis.get_title() for axis in shown().axes] == ["", "", "one", "two"]


def test_zero_is_black_and_the_maximum_of_each_image_white_unless_a_top_is_given(shown):
    show_digits(np.array([[[0, 3.0]], [[0, 0.0]]]), ["a", "b"], row_labels=["row"])
    assert limits(shown()) == [("gray", 0, 3), ("gray", 0, 1e-9)]
    assert [axis.get_title() for axis in shown().axes[:2]] == ["a", "b"]
    assert shown().axes[0].get_ylabel() == "row"
    show_digits(np.array([[[0, 3.0]], [[0, 0.0]]]), top=4)
    assert limits(shown()) == [("gray", 0, 4)] * 2


def test_negative_values_are_drawn_around_white_on_one_scale_for_all_images(shown):
    show_digits(np.array([[[-2, 1.0]], [[0, 0.5]]]))
    assert limits(shown()) == [("RdBu_r", -2, 2)] * 2


def test_curves_mark_the_epoch_with_the_lowest_validation_loss(shown):
    names = ("loss", "accuracy", "validation_loss", "validation_accuracy")
    plot_history([dict.fromkeys(names, 1 / e) | {"epoch": e} for e in (1, 2)], "title")
    for axis, unit in zip(shown().axes, (1, 100), strict=True):
        train, validation, best = axis.get_lines()
        assert list(train.get_ydata()) == list(validation.get_ydata()) == [unit, unit / 2]
        assert list(best.get_xdata()) == [2, 2]
