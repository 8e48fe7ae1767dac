"""What PyTorch may use is set for a while and is then what it was."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from llm_book.training.arithmetic import attention_kernel, float32_products


@pytest.mark.parametrize(("kind", "precision"), [("float32", "highest"), ("TF32", "high")])
@pytest.mark.parametrize("before", ["highest", "high", "medium"])
def test_products_are_as_asked_inside_and_as_before_afterwards(kind, precision, before):
    start = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(before)
        with float32_products(kind):
            assert torch.get_float32_matmul_precision() == precision
        assert torch.get_float32_matmul_precision() == before
        with pytest.raises(KeyError), float32_products(kind):
            raise KeyError
        assert torch.get_float32_matmul_precision() == before
    finally:
        torch.set_float32_matmul_precision(start)


def test_a_kernel_is_allowed_inside_alone():
    def allowed():
        cuda = torch.backends.cuda
        return (
            cuda.flash_sdp_enabled(),
            cuda.mem_efficient_sdp_enabled(),
            cuda.math_sdp_enabled(),
            cuda.cudnn_sdp_enabled(),
        )

    before = allowed()
    found = {}
    for kind in ("flash", "cudnn", "efficient"):
        with attention_kernel(kind):
            found[kind] = allowed()
    assert found == {
        "flash": (True, True, False, False),
        "cudnn": (False, False, False, True),
        "efficient": (False, True, False, False),
    }
    assert allowed() == before


def test_the_fused_kernel_gives_what_stored_weights_give():
    query, key, value = torch.randn(3, 2, 2, 5, 8)
    plain = scaled_dot_product_attention(query, key, value, is_causal=True)
    with attention_kernel("flash"):
        assert torch.allclose(
            scaled_dot_product_attention(query, key, value, is_causal=True), plain, atol=1e-6
        )


def test_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="'FP8' are unknown; choose one of float32, TF32"):
        float32_products("FP8").__enter__()
    with pytest.raises(ValueError, match="'math' is unknown; choose one of flash, cudnn, eff"):
        attention_kernel("math")
