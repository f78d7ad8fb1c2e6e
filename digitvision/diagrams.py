"""A diagram of a small computation: values in boxes, and the gradient of the result below each."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt

Box = tuple[float, float, float, float]  # column, row (upwards), value, gradient


def draw_graph(
    boxes: Mapping[str, Box],  # by name
    arrows: Sequence[tuple[str, str, str]],  # from, to, text beside the arrow
    title: str = "",  # of the figure
) -> None:
    "Plot boxes joined by arrows; values are black, gradients are orange and below their box."
    columns, rows = (max(box[i] for box in boxes.values()) for i in (0, 1))
    _, axis = plt.subplots(figsize=(1.55 * (columns + 1), 1.25 * (rows + 1)))
    for start, end, text in arrows:
        (x0, y0), (x1, y1) = boxes[start][:2], boxes[end][:2]
        line = {"arrowstyle": "-|>", "color": "C5", "shrinkA": 28, "shrinkB": 28}
        axis.annotate("", (x1, y1), (x0, y0), arrowprops=line)
        axis.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.1, text, ha="center", va="bottom")
    for name, (x, y, value, gradient) in boxes.items():
        frame = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": "C5"}
        axis.text(x, y, f"{name} = {value:.2f}", ha="center", va="center", bbox=frame)
        axis.text(x, y - 0.3, f"{gradient:.2f}", ha="center", va="top", color="C0", weight="bold")
    axis.set(xlim=(-0.5, columns + 0.5), ylim=(-0.6, rows + 0.45), title=title)
    axis.axis("off")
    plt.show()
