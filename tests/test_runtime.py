"""A Runtime is chosen by what the hardware has, not by what it claims to support."""

import sys
from dataclasses import FrozenInstanceError

import pytest
import torch

from llm_book.runtime import Runtime, precision_for


@pytest.mark.parametrize(
    ("gpu", "capability", "precision"),
    [
        ("P100", (6, 0), "float32"),
        ("V100", (7, 0), "float16"),
        ("T4", (7, 5), "float16"),
        ("A100", (8, 0), "bfloat16"),
        ("L4", (8, 9), "bfloat16"),
        ("H200", (9, 0), "bfloat16"),
    ],
)
def test_precision_follows_compute_capability(gpu, capability, precision):
    assert precision_for(capability) == precision


def test_only_float16_scales_its_loss():
    assert Runtime(dtype="float16").scaled
    assert not Runtime(dtype="bfloat16").scaled
    assert not Runtime().scaler().is_enabled()
    assert Runtime(dtype="float16").scaler().is_enabled()


def test_a_t4_is_given_float16_with_scaling_without_having_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (7, 5))
    runtime = Runtime.detect()
    assert (runtime.device, runtime.dtype) == ("cuda", "float16")


def test_a_cpu_computes_in_float32_unless_told():
    assert Runtime.detect("cpu") == Runtime("cpu", "float32", False, 1)


def test_autocast_changes_the_product_and_not_the_weights():
    model = torch.nn.Linear(4, 4)
    with Runtime(dtype="bfloat16").autocast():
        assert model(torch.ones(1, 4)).dtype == torch.bfloat16
    assert model.weight.dtype == torch.float32
    with Runtime().autocast():
        assert model(torch.ones(1, 4)).dtype == torch.float32


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, on importing its compiler
def test_compiling_keeps_the_names_of_the_weights():
    model = Runtime(compile=True).prepare(torch.nn.Linear(2, 2))
    assert set(model.state_dict()) == {"weight", "bias"}


def test_a_runtime_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Runtime().device = "cuda"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such counter for us")
def test_memory_is_counted_in_bytes():
    assert Runtime().peak_memory() > 50_000_000


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: Runtime(dtype="int8"), "precision 'int8' is unknown; choose one of float32"),
        (lambda: Runtime.detect("gpu"), "device 'gpu' is unknown; choose cpu, cuda or mps"),
        (lambda: Runtime(processes=0), "processes is 0; a run needs at least 1"),
    ],
)
def test_nonsense_is_refused(build, sentence):
    with pytest.raises(ValueError, match=sentence):
        build()


def test_asking_for_a_gpu_that_is_not_there_says_what_to_do(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="PyTorch sees no NVIDIA GPU; use device='cpu'"):
        Runtime.detect("cuda")
