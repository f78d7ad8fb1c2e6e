"""The state of a training run on disk, from which the run can be resumed."""

import json
from pathlib import Path
from typing import Any

import keras

from .errors import InvalidInputError
from .files import write_atomically, write_json


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
