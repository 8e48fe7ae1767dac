"""What ``torchrun`` starts again after a worker was lost finds each other anew.

PyTorch's workers meet at the store of ``torchrun``, which still holds the addresses of the first
attempt's (pytorch/pytorch issue 135712): the second attempt would knock at doors that are gone.
"""

import os
import socket

import torch.distributed as dist


def attempt() -> int:
    """How often ``torchrun`` has started this process again: 0 at first, and without it."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def meet_anew() -> None:
    """Agree with the other workers on a store of this attempt's own, in the environment.

    For workers of one machine; over several, attempts are counted on each apart, and ``torchrun``
    itself must be told: ``TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1``.
    """
    shared = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    if not (attempt() and shared and os.environ.get("GROUP_WORLD_SIZE") == "1"):
        return
    store = dist.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
    key = f"llm_book/port of attempt {attempt()}"
    if os.environ["RANK"] == "0":
        store.set(key, str(_free_port()))
    os.environ["MASTER_PORT"] = store.get(key).decode()
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "False"


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("", 0))
        return int(asked.getsockname()[1])
