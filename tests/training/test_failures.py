"""An error is told from others by what it says, and a compiler that fails by its name."""

import sys

import pytest
import torch

from llm_book.training.failures import (
    came_of_compiling,
    compile_failure,
    out_of_memory,
    start_afresh,
)


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (torch.OutOfMemoryError("x"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (MemoryError(), True),
        (RuntimeError("shapes do not fit"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_too_little_memory_is_told_from_other_errors(error, memory):
    assert out_of_memory(error) is memory


def test_a_compilers_error_is_told_from_the_models_own():
    made = type("InductorError", (RuntimeError,), {"__module__": "torch._inductor.exc"})
    assert came_of_compiling(made("no Triton"))
    assert not came_of_compiling(RuntimeError("no Triton"))
    assert not came_of_compiling(torch.OutOfMemoryError("x"))


def test_a_machine_without_a_compiler_names_the_error(monkeypatch):
    def fails(function):
        raise NotImplementedError("too new a Python")

    monkeypatch.setattr(torch, "compile", fails)
    monkeypatch.setattr(torch.compiler, "reset", lambda: None)
    assert compile_failure("cpu") == "NotImplementedError"


def test_a_machine_that_compiles_has_no_failure(monkeypatch):
    reset = []
    monkeypatch.setattr(torch, "compile", lambda function: function)
    monkeypatch.setattr(torch.compiler, "reset", lambda: reset.append(True))
    assert compile_failure("cpu") is None and reset


def test_the_gpus_spare_blocks_are_given_back_and_a_cpus_left_alone(monkeypatch):
    called = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: called.append("blocks"))
    monkeypatch.setattr(torch.compiler, "reset", lambda: called.append("code"))
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    start_afresh("cpu")
    assert called == ["code"]
    start_afresh("cuda:0")
    assert called == ["code", "code", "blocks"]


def test_nothing_compiled_needs_no_import_of_the_compiler(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch._dynamo", raising=False)
    called = []
    monkeypatch.setattr(torch.compiler, "reset", lambda: called.append("code"))
    start_afresh("cpu")
    assert called == [] and "torch._dynamo" not in sys.modules
