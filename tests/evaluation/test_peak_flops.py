"""A GPU is known by its name, and the share of its peak follows by hand."""

import pytest

from llm_book.evaluation.peak_flops import peak_flops, utilisation
from llm_book.widgets.known_models import DEVICES


@pytest.mark.parametrize(
    ("gpu", "tera"),
    [
        ("NVIDIA H200", 989),
        ("NVIDIA H200 NVL", 835),
        ("NVIDIA GH200 480GB", 989),
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA H100 NVL", 835),
        ("NVIDIA A100-SXM4-40GB", 312),
        ("NVIDIA A100-PCIE-40GB", 312),
        ("NVIDIA A100 80GB PCIe", 312),
        ("NVIDIA L4", 121),
        ("NVIDIA L40S", 362),
        ("NVIDIA A10", 125),
        ("Tesla V100-SXM2-16GB", 125),
        ("Tesla V100-PCIE-16GB", 112),
        ("Tesla T4", 65),
    ],
)
def test_each_board_has_the_peak_of_its_own_data_sheet(gpu, tera):
    assert peak_flops(gpu) == tera * 1e12


@pytest.mark.parametrize(
    "gpu",
    ["", "NVIDIA A10G", "NVIDIA H20", "Tesla V100S-PCIE-32GB", "NVIDIA A100-SXM4-40GB MIG 1g.5gb"],
)
def test_a_gpu_that_is_not_in_the_table_or_only_a_slice_has_no_peak(gpu):
    assert peak_flops(gpu) is None


def test_the_calculator_of_costs_promises_the_same_peaks():
    for device in DEVICES:
        assert peak_flops(device.name) == device.half


def test_a_share_of_the_peak_is_worked_out_by_hand():
    assert utilisation(100_000, 8e8, 4e14) == pytest.approx(0.2)


def test_a_peak_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"a peak of 0 FLOP/s has no shares; give one above 0"):
        utilisation(1.0, 1.0, 0)
