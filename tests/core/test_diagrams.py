"""Diagrams of a computation: a box for each value, its gradient below, an arrow for each step."""

import matplotlib.pyplot as plt

from digitvision.diagrams import draw_graph


def test_a_graph_shows_each_value_and_gradient_and_the_text_of_each_arrow(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    draw_graph({"x": (0, 0, 2, 0.5), "y": (1, 0, 6, 1)}, [("x", "y", "× 3")], "title")
    (axis,) = plt.gcf().axes
    texts = [text.get_text() for text in axis.texts]
    assert sorted(texts) == sorted(["", "× 3", "x = 2.00", "0.50", "y = 6.00", "1.00"])
    assert axis.get_title(loc="left") + axis.get_title() == "title"
    plt.close("all")
