"""What `train.train` does besides training: keep the run on disk, show progress, measure time."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm.auto import tqdm

from digitvision.data import Mnist
from digitvision.errors import InvalidInputError
from digitvision.files import write_atomically, write_json
from digitvision.hyperparameters import Hyperparameters


@dataclass
class Run:
    "A finished training run, as `train.train` returns it."

    model: keras.Model  # with the weights of the best epoch
    hyperparameters: Hyperparameters
    seed: int  # of all random numbers, see `train.train`
    history: list[dict[str, float]]  # one entry per epoch, see `train.History`

    @property
    def best_epoch(self) -> int:  # counted from 1
        "Return the epoch with the lowest validation loss, whose weights the model has."
        return 1 + int(np.argmin([epoch["validation_loss"] for epoch in self.history]))


class RunFolder:
    """A run's `history.json`, and the checkpoints of its last and its best epoch.

    `history` has an entry for each complete epoch, see `train.History`. The file is written last,
    so a run that is interrupted at any moment resumes from the last complete epoch."""

    def __init__(self, folder: Path, identity: dict[str, Any]):
        """Open the folder of a new or interrupted run; `identity` is its settings as JSON values.

        Raises InvalidInputError if the folder holds a run with another identity."""
        self.folder, self.identity, self.history = folder, identity, []
        self._record = folder / "history.json"
        if self._record.exists():
            saved = json.loads(self._record.read_text(encoding="utf-8"))
            if saved["run"] != identity:
                raise InvalidInputError(
                    f"{folder} holds another run ({saved['run']}): delete it, or choose another."
                )
            self.history = saved["history"]

    def load(self, epoch: int) -> keras.Model:
        "Load the model, with its optimizer, after the last or the best epoch, counted from 1."
        return keras.saving.load_model(self._checkpoint(epoch))

    def save(self, model: keras.Model, history: list[dict[str, float]], best: int) -> None:
        "Save model and history after an epoch; keep only its checkpoint and that of epoch `best`."
        last = self._checkpoint(len(history))
        write_atomically(last, model.save)
        write_json(self._record, {"run": self.identity, "history": history})
        self.history = history
        for path in set(self.folder.glob("epoch-*.keras")) - {last, self._checkpoint(best)}:
            path.unlink()

    def _checkpoint(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:03}.keras"


@contextmanager
def open_run(
    folder: str | Path | None,  # of this run only; None: a temporary one, removed at the end
    hyperparameters: Hyperparameters,
    seed: int,
    mnist: Mnist,
) -> Iterator[RunFolder]:
    "Open the folder of a run. Raises InvalidInputError if it holds another run."
    images = len(mnist.train.labels)
    identity = asdict(hyperparameters) | {"seed": seed, "images": images}
    if folder is not None:
        yield RunFolder(Path(folder), identity)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            yield RunFolder(Path(temporary), identity)


class Progress(keras.callbacks.Callback):
    "A progress bar over the steps of a whole run, and the time that each epoch takes."

    def __init__(self, run: RunFolder, show: bool):
        "Start where the run was interrupted; `show` is False for no bar."
        super().__init__()
        steps = -(-run.identity["images"] // run.identity["batch_size"])
        total, done = steps * run.identity["epochs"], steps * len(run.history)
        self.bar = tqdm(total=total, initial=done, unit="step", disable=not show)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bar.close()

    def start_epoch(self) -> None:
        "Start the clocks."
        self.start = time.perf_counter(), time.process_time()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        "Advance by a step; Keras calls this."
        self.bar.update()

    def end_epoch(
        self, epoch: int, train: dict[str, float], validation: dict[str, float]
    ) -> dict[str, float]:
        "Show how accurate an epoch was; return its entry of the history, see `train.History`."
        accuracy = validation["accuracy"]
        self.bar.set_postfix_str(f"epoch {epoch}, validation accuracy {accuracy:.2%}")
        measured = {f"validation_{name}": value for name, value in validation.items()}
        seconds, work = time.perf_counter() - self.start[0], time.process_time() - self.start[1]
        times = {"seconds": round(seconds, 2), "cpu_seconds": round(work, 2)}
        return {"epoch": epoch, **train, **measured, **times}


def seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    "Set the random state of the dropout layers, so that it depends on seed and epoch alone."
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout) and layer.rate:
            layer.seed_generator.state.assign([seed, epoch * 1_000_000])


def restart(model: keras.Model, seed: int) -> None:
    """Make a compiled model, trained or not, as new: other random weights, an empty optimizer.

    The result is that of building and compiling it again with this seed, which takes seconds."""
    keras.utils.set_random_seed(seed)
    model.set_weights(keras.models.clone_model(model).get_weights())
    learning_rate = float(model.optimizer.learning_rate)
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    model.optimizer.learning_rate = learning_rate
    seed_dropout(model, seed, 0)
