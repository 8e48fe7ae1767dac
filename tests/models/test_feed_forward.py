"""Our activations and feed-forward layers are the field's, gradients included."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaMLP

from llm_book.models.feed_forward import (
    FeedForward,
    GatedFeedForward,
    activation,
    gelu,
    gelu_tanh,
    relu,
    silu,
)

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
THEIRS = {
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "relu": F.relu,
}
BY_HAND = {"gelu": gelu, "gelu_tanh": gelu_tanh, "silu": silu, "relu": relu}


@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", THEIRS)
def test_an_activation_equals_torch_in_outputs_and_gradients(name, dtype, engine):
    x = torch.cat([torch.linspace(-9, 9, 181), torch.tensor([-60.0, 60.0])])
    x = x[x != 0].to(dtype).requires_grad_()
    ours, theirs = activation(name, engine)(x), THEIRS[name](x)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=TOLERANCE[dtype])
    for a, b in zip(
        torch.autograd.grad(ours.square().sum(), x),
        torch.autograd.grad(theirs.square().sum(), x),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_the_engine_called_ours_is_by_hand_and_the_default():
    assert all(activation(name) is function for name, function in BY_HAND.items())
    assert activation("silu", "torch") is F.silu


@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", THEIRS)
def test_a_feed_forward_layer_is_two_linear_maps_and_what_is_between(name, bias, engine):
    ours = FeedForward(5, 7, name, bias, engine).double()
    up, down = nn.Linear(5, 7, bias), nn.Linear(7, 5, bias)
    ours.up.load_state_dict(up.state_dict())
    ours.down.load_state_dict(down.state_dict())
    x = torch.randn(2, 3, 5).double()
    theirs = down.double()(THEIRS[name](up.double()(x)))
    torch.testing.assert_close(ours(x), theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("bias", [True, False])
def test_swiglu_equals_llamas_in_outputs_and_gradients(bias, engine):
    config = LlamaConfig(hidden_size=6, intermediate_size=7, mlp_bias=bias, num_attention_heads=1)
    theirs = LlamaMLP(config).double()
    ours = GatedFeedForward(6, 7, "silu", bias, engine).double()
    ours.load_state_dict({n.replace("_proj", ""): w for n, w in theirs.state_dict().items()})
    x = torch.randn(2, 3, 6).double()
    answers = ours(x), theirs(x)
    torch.testing.assert_close(*answers, rtol=0, atol=1e-10)
    for answer in answers:
        answer.square().sum().backward()
    for name, weight in theirs.named_parameters():
        mine = ours.get_parameter(name.replace("_proj", ""))
        torch.testing.assert_close(mine.grad, weight.grad, rtol=0, atol=1e-10)


def test_defaults_are_those_of_the_papers():
    assert FeedForward(2, 3).up.bias is not None
    assert FeedForward(2, 3).act is gelu
    assert GatedFeedForward(2, 3).up.bias is None
    assert GatedFeedForward(2, 3).act is silu


@pytest.mark.parametrize("kind", [FeedForward, GatedFeedForward])
def test_each_position_is_on_its_own(kind):
    layer = kind(3, 4).double()
    x = torch.randn(2, 5, 3).double()
    order = torch.randperm(5)
    torch.testing.assert_close(layer(x[:, order]), layer(x)[:, order])
    torch.testing.assert_close(layer(x[0, 0]), layer(x)[0, 0])


@pytest.mark.parametrize("kind", [FeedForward, GatedFeedForward])
def test_nonsense_is_refused_in_one_sentence(kind):
    with pytest.raises(ValueError, match="from 0 to 4 numbers cannot be built"):
        kind(0, 4)
    with pytest.raises(ValueError, match="from 4 to 0 numbers cannot be built"):
        kind(4, 0)
    with pytest.raises(ValueError, match="activation 'selu' is unknown; choose one of gelu"):
        kind(4, 4, "selu")
    with pytest.raises(ValueError, match="engine 'jax' is unknown"):
        kind(4, 4, engine="jax")
    with pytest.raises(ValueError, match="width 3 came to a feed-forward layer of width 4"):
        kind(4, 5)(torch.ones(2, 3))
    assert kind(1, 1)(torch.ones(1, 1)).shape == (1, 1)
