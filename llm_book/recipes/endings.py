"""How a run ends that does not reach its end: what happened, and what to do about it."""

import errno
from collections.abc import Callable

from llm_book.training.failures import out_of_memory
from llm_book.training.loop import TrainingDiverged

GOES_ON = "the same command with --resume goes on from the last checkpoint"
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
# Libraries that are not written in Python say these in their own errors.
FULL_IN_WORDS = ("no space left on device", "os error 28", "os error 112")
LOST_PEER_IN_WORDS = ("connection closed by peer", "connection reset by peer", "gloo", "nccl")


class AskedToEnd(KeyboardInterrupt):
    """Whoever manages this process asked it to end (SIGTERM), as a queue or ``torchrun`` does."""


def asked_to_end(*_: object) -> None:
    """A handler of SIGTERM: the run ends as by Ctrl-C, with its document marked."""
    raise AskedToEnd


def ending(error: BaseException) -> str | None:
    """One sentence for an error that a run may meet through no fault of the code, else None."""
    for met, sentence in ENDINGS:
        if met(error):
            return sentence(error)
    return None


def _by_hand(error: BaseException) -> str:
    asked = isinstance(error, AskedToEnd)
    return f"stopped {'because the system asked it to end' if asked else 'by hand'}; {GOES_ON}"


def _more_memory(error: BaseException) -> str:
    return (
        f"memory ran out ({_first_sentence(error)}); close what else uses it and {GOES_ON}, or "
        "begin anew with less at once, e.g. --set batch_size=8, where the recipe has that setting"
    )


def disk_full(error: BaseException) -> bool:
    """Whether a file could not be written for want of room."""
    full = isinstance(error, OSError) and error.errno in FULL
    return full or _says(error, FULL_IN_WORDS)


def _more_room(error: BaseException) -> str:
    return f"the disk is full ({_first_sentence(error)}); free some room, then {GOES_ON}"


def lost_peer(error: BaseException) -> bool:
    """Whether another process of the run went away."""
    return _says(error, LOST_PEER_IN_WORDS)


def _start_again(error: BaseException) -> str:
    return (
        f"another process of this run went away ({_first_sentence(error)}); torchrun "
        f"--max-restarts 3 starts all of them again by itself, and {GOES_ON}"
    )


def _lower_rate(error: BaseException) -> str:
    return f"{error} (the last checkpoint is from before it)"


def _says(error: BaseException, words: tuple[str, ...]) -> bool:
    """Whether a library's error speaks of it; our own errors are ValueErrors and say it all."""
    foreign = isinstance(error, Exception) and not isinstance(error, ValueError)
    return foreign and any(word in str(error).lower() for word in words)


def _first_sentence(error: BaseException) -> str:
    said = str(error).strip() or type(error).__name__
    return said.splitlines()[0].partition(". ")[0].rstrip(".")


ENDINGS: tuple[tuple[Callable[[BaseException], bool], Callable[[BaseException], str]], ...] = (
    (lambda error: isinstance(error, KeyboardInterrupt), _by_hand),
    (lambda error: isinstance(error, TrainingDiverged), _lower_rate),
    (out_of_memory, _more_memory),
    (disk_full, _more_room),
    (lost_peer, _start_again),
)
