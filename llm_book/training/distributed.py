"""Several processes that train as one: each reads its rows, and their gradients meet.

Start a script with ``torchrun --nproc-per-node 2 script.py``; in it::

    with joined(Runtime()) as runtime:
        run = train(model, batches, config, runtime)
        for step in run:
            if step.index % 100 == 0:
                state = run.state()  # in every process: each holds a part
                if run.processes.rank == 0:
                    checkpoints.save(state, step.index)

Started as ``python script.py``, the same script is a run of one process. Every process draws the
whole batch and keeps its rows; a checkpoint does not tell how many processes wrote it.
"""

import inspect
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from llm_book.runtime import Runtime
from llm_book.training.clipping import clip_gradients, shorten
from llm_book.training.rows import take_rows


class Alone:
    """A run of one process: nothing to share, nobody to wait for."""

    rank, size = 0, 1

    def spread(self, model: nn.Module) -> nn.Module:
        """What a loss calls in place of ``model``, so that gradients are those of all rows."""
        return model

    def share(self, batch: Any) -> Any:
        """The rows of ``batch`` that this process reads."""
        return batch

    def mean(self, value: Tensor) -> Tensor:
        """The mean of every process's ``value``."""
        return value

    def unsynchronised(self, forward: Any) -> AbstractContextManager[Any]:
        """Inside, gradients add up here and do not travel: more of them are to come."""
        return nullcontext()

    def clip(self, parameters: Iterable[nn.Parameter], max_norm: float) -> Tensor:
        """Clip gradients to a global length in place; give the length before."""
        return clip_gradients(parameters, max_norm)

    def gathered(self, value: Any) -> list[Any]:
        """Every process's ``value``, in the order of their ranks."""
        return [value]

    def whole(self, state: Any) -> Any:
        """A state whose tensors are complete; every process must ask."""
        return state

    def load(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]
    ) -> None:
        """Put ``state["model"]`` and ``state["optimizer"]``, both complete, where they belong."""
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])


class Copies(Alone):
    """Every process holds the whole model; gradients are averaged (DistributedDataParallel).

    Source: Li et al. (2020).
    """

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def spread(self, model: nn.Module) -> nn.Module:
        """The model with its gradients averaged; every copy starts from the first one's weights."""
        # Buffers are constants here; sent at each call they would spoil two calls in one loss.
        known = inspect.signature(nn.parallel.DistributedDataParallel).parameters
        name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
        options: dict[str, Any] = {name: False}
        return nn.parallel.DistributedDataParallel(model, **options)

    def share(self, batch: Any) -> Any:
        """Rows of ``batch``, as many for each process as can be."""
        return rows_of(batch, self.rank, self.size)

    def mean(self, value: Tensor) -> Tensor:
        """The mean of every process's ``value``, the same in each."""
        total = value.detach().clone()
        dist.all_reduce(total)
        return total / self.size

    def unsynchronised(self, forward: Any) -> AbstractContextManager[Any]:
        """Inside, gradients add up here and do not travel."""
        return forward.no_sync()

    def gathered(self, value: Any) -> list[Any]:
        """Every process's ``value``, in the order of their ranks."""
        values = [None] * self.size
        dist.all_gather_object(values, value)
        return values


class Shards(Copies):
    """Every process holds a part of each weight, gradient and optimiser state (FSDP2).

    A whole weight exists only while its block computes. The optimiser must be made after
    ``spread``. Source: Zhao et al. (2023); Rajbhandari et al. (2020), stage 3.
    """

    def spread(self, model: nn.Module) -> nn.Module:
        """The model cut up in place, block by block, all from the first process's weights."""
        from torch.distributed.fsdp import fully_shard

        for tensor in [*model.parameters(), *model.buffers()]:
            dist.broadcast(tensor.detach(), 0)
        for module in model.modules():
            for block in getattr(module, "blocks", ()):
                fully_shard(block)
        fully_shard(model)
        return model

    @contextmanager
    def unsynchronised(self, forward: Any) -> Iterator[None]:
        """Inside, gradients add up here and do not travel."""
        forward.set_requires_gradient_sync(False)
        yield
        forward.set_requires_gradient_sync(True)

    def clip(self, parameters: Iterable[nn.Parameter], max_norm: float) -> Tensor:
        """Clip to a global length in place: the squares of all parts are added up first."""
        gradients: list[Any] = [p.grad for p in parameters if p.grad is not None]
        parts = [gradient.to_local() for gradient in gradients]
        squares = torch.stack([part.square().sum() for part in parts]).sum()
        dist.all_reduce(squares)
        shorten(parts, norm := squares.sqrt(), max_norm)
        return norm

    def whole(self, state: Any) -> Any:
        """The state with every sharded tensor put together; every process must ask."""
        from torch.distributed.tensor import DTensor

        if isinstance(state, dict):
            return {key: self.whole(value) for key, value in state.items()}
        if isinstance(state, list | tuple):
            return [self.whole(value) for value in state]
        return state.full_tensor() if isinstance(state, DTensor) else state

    def load(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]
    ) -> None:
        """Cut the complete tensors of ``state`` as the model's weights are cut, and load them."""
        weights = model.state_dict()
        model.load_state_dict(
            {name: _cut_like(weights[name], value) for name, value in state["model"].items()}
        )
        cut = [p for group in optimizer.param_groups for p in group["params"]]
        kept = {
            index: {name: _cut_like(cut[index], value) for name, value in facts.items()}
            for index, facts in state["optimizer"]["state"].items()
        }
        optimizer.load_state_dict(state["optimizer"] | {"state": kept})


def _cut_like(part: Tensor, value: Any) -> Any:
    """``value`` cut as ``part`` is, where it has a number for each of its weights."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    if not isinstance(part, DTensor) or getattr(value, "shape", None) != part.shape:
        return value
    return distribute_tensor(value.to(part.device), part.device_mesh, part.placements)


def together(runtime: Runtime, sharded: bool) -> Alone:
    """How the processes of ``runtime`` work as one: alone, as copies, or each with its shard.

    Raises ``ValueError`` where ``runtime.processes`` is not the number that runs.
    """
    running = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
    if runtime.processes == 1:
        return Alone()
    if runtime.processes != running:
        raise ValueError(
            f"the runtime has {runtime.processes} processes, but {running} of them "
            f"{'runs' if running == 1 else 'run'}; start the script with torchrun "
            f"--nproc-per-node {runtime.processes} and use the runtime that joined(...) gives"
        )
    return Shards() if sharded else Copies()


def rows_of(batch: Any, rank: int, size: int) -> Any:
    """The rows of ``batch`` that fall to process ``rank`` of ``size``: a run of neighbours.

    Raises ``ValueError`` where there are fewer rows than processes.
    """
    rows = batch.size
    if rows < size:
        raise ValueError(
            f"{rows} rows do not divide among {size} processes; draw batches of {size} rows or more"
        )
    return take_rows(batch, slice(rows * rank // size, rows * (rank + 1) // size))


@contextmanager
def joined(runtime: Runtime, timeout: float = 300.0) -> Iterator[Runtime]:
    """Inside, this process is one of those that ``torchrun`` started; without it, a run of one.

    Gives ``runtime`` with the number of processes and, on GPUs, this process's own device. Who
    waits for another longer than ``timeout`` seconds fails; the others then fail with it.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield runtime
        return
    on_gpu = runtime.device.startswith("cuda")
    device = f"cuda:{os.environ['LOCAL_RANK']}" if on_gpu else runtime.device
    if on_gpu:
        torch.cuda.set_device(device)
    backend = "nccl" if on_gpu else "gloo"
    dist.init_process_group(backend, timeout=timedelta(seconds=timeout))
    try:
        yield replace(runtime, device=device, processes=dist.get_world_size())
    finally:
        dist.destroy_process_group()
