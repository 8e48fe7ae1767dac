"""Our normalisations are those of torch.nn, by either engine, gradients included."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from llm_book.models.norms import LayerNorm, RMSNorm, layer_norm, rms_norm

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
KINDS = {
    "layer": (LayerNorm, lambda width, eps: nn.LayerNorm(width, eps)),
    "layer without bias": (
        lambda *a, **k: LayerNorm(*a, **k, bias=False),
        lambda width, eps: nn.LayerNorm(width, eps, bias=False),
    ),
    "rms": (RMSNorm, lambda width, eps: nn.RMSNorm(width, eps)),
}


@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kind", KINDS)
def test_a_norm_equals_torch_in_outputs_and_gradients(kind, dtype, engine):
    make, make_theirs = KINDS[kind]
    epsilon = 0.03  # large enough to be noticed
    ours, theirs = make(7, epsilon, engine=engine).to(dtype), make_theirs(7, epsilon).to(dtype)
    with torch.no_grad():
        for weight in theirs.parameters():
            weight.normal_()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(3, 2, 7, dtype=dtype, requires_grad=True)
    weigh = torch.randn(3, 2, 7, dtype=dtype)
    answers = [module(x) for module in (ours, theirs)]
    torch.testing.assert_close(*answers, rtol=0, atol=TOLERANCE[dtype])
    gradients = [
        torch.autograd.grad((answer * weigh).sum(), [x, *module.parameters()])
        for answer, module in zip(answers, (ours, theirs), strict=True)
    ]
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("kind", KINDS)
def test_a_norm_starts_and_is_set_as_torchs_is(kind):
    make, make_theirs = KINDS[kind]
    ours, theirs = make(3), make_theirs(3, 1e-5 if "layer" in kind else 1e-6)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert all(torch.equal(w, theirs.state_dict()[n]) for n, w in ours.state_dict().items())
    assert ours.epsilon == theirs.eps
    x = 1e-3 * torch.randn(2, 3).double()  # so small that epsilon shows
    ones, zeros = torch.ones(3).double(), torch.zeros(3).double()
    by_hand = layer_norm(x, ones, zeros) if "layer" in kind else rms_norm(x, ones)
    torch.testing.assert_close(by_hand, theirs.double()(x), rtol=0, atol=1e-10)


@given(
    seed=st.integers(0, 2**20),
    scale=st.sampled_from([0.01, 1.0, 1000.0]),
    shift=st.sampled_from([-5.0, 0.0, 100.0]),
)
@settings(max_examples=40, deadline=None)
def test_layer_norm_forgets_shift_and_scale_and_rms_norm_scale_alone(seed, scale, shift):
    x = torch.randn(4, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    one = torch.ones(8).double()
    assert torch.allclose(
        layer_norm(scale * x + shift, one, epsilon=1e-300), layer_norm(x, one, epsilon=1e-300)
    )
    assert torch.allclose(rms_norm(scale * x, one, 1e-300), rms_norm(x, one, 1e-300))
    if shift:
        assert not torch.allclose(rms_norm(x + shift, one), rms_norm(x, one))


def test_one_vector_alone_may_be_normalised():
    assert RMSNorm(4)(torch.randn(4)).shape == (4,)
    assert LayerNorm(1)(torch.randn(2, 1)).tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize(
    ("sentence", "ask"),
    [
        ("a norm of width 0 with epsilon 1e-05", lambda: LayerNorm(0)),
        ("a norm of width 3 with epsilon 0", lambda: RMSNorm(3, 0.0)),
        ("epsilon nan", lambda: RMSNorm(3, float("nan"))),
        ("engine 'jax' is unknown", lambda: RMSNorm(3, engine="jax")),
        ("vectors of width 2 came to a norm of width 3", lambda: RMSNorm(3)(torch.ones(1, 2))),
        ("vectors of width 2 came to a norm of width 3", lambda: LayerNorm(3)(torch.ones(1, 2))),
    ],
)
def test_nonsense_is_refused_in_one_sentence(sentence, ask):
    with pytest.raises(ValueError, match=sentence):
        ask()
