"""What an NVIDIA GPU computes at most by its data sheet, and the share of it that training uses."""

import re

# Dense products of 16-bit numbers that are summed in 32 bits, in FLOP/s: bfloat16, on V100 and T4
# float16. NVIDIA's data sheets of each product; where they count with sparsity, half of what they
# say. The first line whose words all stand in a GPU's name is the one that holds.
PEAKS = (
    ("H200 NVL", 835e12),
    ("H200", 989e12),
    ("GH200", 989e12),
    ("H100 NVL", 835e12),
    ("H100 PCIE", 756e12),
    ("H100", 989e12),
    ("A100", 312e12),
    ("L40S", 362e12),
    ("A10", 125e12),
    ("L4", 121e12),
    ("V100 PCIE", 112e12),
    ("V100", 125e12),
    ("T4", 65e12),
)


def peak_flops(gpu: str) -> float | None:
    """FLOP/s that the data sheet of a GPU of this name promises at 16 bits, without sparsity.

    ``gpu`` is what ``torch.cuda.get_device_name()`` gives, such as "NVIDIA A100-SXM4-40GB". None
    for one that the table does not know, and for a slice of a GPU (MIG), which has only a part.
    """
    words = set(re.split(r"\W+", gpu.upper()))
    if "MIG" in words:
        return None
    return next((peak for names, peak in PEAKS if words.issuperset(names.split())), None)


def utilisation(tokens_per_second: float, flop_per_token: float, flops: float) -> float:
    """Share of ``flops`` (FLOP/s) that learning so many tokens a second needs: MFU, 0 to 1.

    FLOP that teach nothing, such as those on pads, are not counted. Raises ``ValueError`` where
    ``flops`` is not above 0. Source: Chowdhery et al. (2022), section 4.1 and appendix B.
    """
    if not flops > 0:
        raise ValueError(f"a peak of {flops} FLOP/s has no shares; give one above 0")
    return tokens_per_second * flop_per_token / flops
