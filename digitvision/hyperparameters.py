"""The hyperparameters of a training run: names, defaults, limits and their check."""

from dataclasses import dataclass

LIMITS = {  # lowest and highest valid value, and what the hyperparameter is
    "learning_rate": (1e-6, 1.0, "size of a step of the optimizer (Adam)"),
    "batch_size": (1, 10_000, "images per step"),
    "dropout": (0.0, 0.9, "share of the dense units set to zero in training"),
    "epochs": (1, 1_000, "passes over the training images, at most"),
    "patience": (1, 1_000, "epochs without a better validation loss before stopping"),
}
AUGMENTATIONS = {  # largest shift in pixels, rotation in degrees, zoom as a share
    "none": (0, 0, 0),
    "mild": (2, 10, 0.1),
    "strong": (4, 25, 0.25),
}


@dataclass(frozen=True)
class Hyperparameters:
    "The choices made before a run; the defaults are the baseline. Raises ValueError if invalid."

    learning_rate: float = 0.001  # size of a step (Adam)
    batch_size: int = 64  # images per step
    dropout: float = 0.5  # share of the dense units set to zero in training
    batch_norm: bool = False  # batch normalization in each block
    augmentation: str = "none"  # a key of AUGMENTATIONS
    epochs: int = 15  # highest number of passes over the training images
    patience: int = 3  # epochs without a better validation loss before stopping

    def __post_init__(self):
        for name, (low, high, meaning) in LIMITS.items():
            value = getattr(self, name)
            problem = f"{name} ({meaning}) is {value!r}; it must be"
            if isinstance(low, int) and type(value) is not int:  # True is an int, too
                raise ValueError(f"{problem} a whole number.")
            if not isinstance(value, int | float) or not low <= value <= high:  # NaN fails this too
                raise ValueError(f"{problem} from {low:g} to {high:g}.")
        if self.augmentation not in AUGMENTATIONS:
            choices = ", ".join(AUGMENTATIONS)
            raise ValueError(f"augmentation is {self.augmentation!r}; it must be one of {choices}.")
