"""Sliders for the hyperparameters, and curves that grow while the network trains (notebook 04)."""

import ipywidgets as widgets

from digitvision.data import Mnist
from digitvision.figures import plot_history
from digitvision.hyperparameters import AUGMENTATIONS, Hyperparameters
from digitvision.train import History, train

BATCH_SIZES = [8, 16, 32, 64, 128, 256, 512]


def training_panel(mnist: Mnist) -> widgets.VBox:
    "Return sliders and a button that trains on the train split and redraws after each epoch."
    sliders = {
        "learning_rate": widgets.FloatLogSlider(0.001, min=-5, max=-1),
        "batch_size": widgets.SelectionSlider(options=BATCH_SIZES, value=64),
        "dropout": widgets.FloatSlider(0.5, min=0, max=0.9, step=0.05),
        "augmentation": widgets.Dropdown(options=list(AUGMENTATIONS)),
        "epochs": widgets.IntSlider(5, min=1, max=20),
    }
    for name, slider in sliders.items():
        slider.description = name
    button, curves = widgets.Button(description="Train", button_style="primary"), widgets.Output()

    def draw(history: History) -> None:
        with curves:
            curves.clear_output(wait=True)
            plot_history(history)

    def train_with_sliders(_) -> None:
        chosen = {name: slider.value for name, slider in sliders.items()}
        train(Hyperparameters(**chosen), mnist, on_epoch=draw, progress=False)

    button.on_click(train_with_sliders)
    return widgets.VBox([*sliders.values(), button, curves])
