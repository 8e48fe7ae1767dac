"""A curve in TensorBoard as well, for readers who have it: ``LossCurve(mirror=…)``."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

NAMES = {
    "loss": "loss/training",
    "learning_rate": "learning rate",
    "gradient_norm": "gradient norm",
    "tokens_per_second": "tokens per second",
}


@runtime_checkable
class Mirror(Protocol):
    """What a ``LossCurve`` also tells its numbers to."""

    def steps(self, rows: Iterable[dict[str, Any]]) -> None:
        """Steps of training, each with its ``index``."""
        ...

    def validation(self, index: int, loss: float) -> None:
        """A validation loss after step ``index``."""
        ...

    def close(self) -> None:
        """Write what is still held back."""
        ...


class TensorBoardWriter:
    """Writes scalars into ``folder``; look at them with ``tensorboard --logdir FOLDER``."""

    def __init__(self, folder: Path | str) -> None:
        self._writer = _summary_writer(str(folder))

    def steps(self, rows: Iterable[dict[str, Any]]) -> None:
        """One point a step in each of the four charts."""
        for row in rows:
            for key, name in NAMES.items():
                if row.get(key) is not None:
                    self._writer.add_scalar(name, row[key], row["index"])

    def validation(self, index: int, loss: float) -> None:
        """One point of the validation loss, a curve in a chart of its own."""
        self._writer.add_scalar("loss/validation", loss, index)

    def close(self) -> None:
        """Write everything to the disk; logging may go on."""
        self._writer.flush()


def _summary_writer(folder: str) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # here: few readers have it
    except ImportError as error:
        raise ImportError(
            "TensorBoard is missing; install it (python -m pip install tensorboard), "
            "or leave mirror out"
        ) from error
    return SummaryWriter(folder)
