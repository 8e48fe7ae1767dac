"""Our recurrent networks are those of torch.nn, pads or no pads."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from llm_book.models.recurrent import (
    CELLS,
    Cell,
    ChoGRUCell,
    GRUCell,
    LSTMCell,
    Recurrent,
    RecurrentStack,
    RNNCell,
    at_last_token,
    copy_from_torch,
    reverse_by_length,
)

PEERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
PEER_CELLS = {RNNCell: nn.RNNCell, LSTMCell: nn.LSTMCell, GRUCell: nn.GRUCell}
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}


def packed(module: nn.RNNBase, inputs: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """The field's own answer to pads: pack, run, unpack."""
    pack = nn.utils.rnn.pack_padded_sequence(
        inputs, lengths, batch_first=True, enforce_sorted=False
    )
    states, _ = module(pack)
    return nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=inputs.shape[1])[
        0
    ]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("cell_type", PEER_CELLS)
def test_one_step_of_a_cell_equals_torch_in_outputs_and_gradients(cell_type, dtype):
    ours, theirs = cell_type(5, 7).to(dtype), PEER_CELLS[cell_type](5, 7).to(dtype)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(4, 5, dtype=dtype)
    state = tuple(torch.randn(4, 7, dtype=dtype) for _ in range(cell_type.state_parts))
    answer = ours(x, state)
    expected = theirs(x, state if len(state) > 1 else state[0])
    expected = expected if isinstance(expected, tuple) else (expected,)
    for a, b in zip(answer, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=TOLERANCE[dtype])
    sum(part.square().sum() for part in answer).backward()
    sum(part.square().sum() for part in expected).backward()
    for name, weight in ours.named_parameters():
        torch.testing.assert_close(
            weight.grad, theirs.get_parameter(name).grad, rtol=0, atol=TOLERANCE[dtype]
        )


@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("layers", [1, 2])
def test_a_padded_two_way_stack_equals_torch_packed_in_outputs_and_gradients(
    kind, engine, dtype, layers
):
    theirs = PEERS[kind](5, 7, num_layers=layers, bidirectional=True, batch_first=True).to(dtype)
    ours = RecurrentStack(kind, 5, 7, layers, bidirectional=True, engine=engine).to(dtype)
    copy_from_torch(ours, theirs)
    lengths = torch.tensor([9, 3, 1, 6])
    x = torch.randn(4, 9, 5, dtype=dtype)
    ours_x, theirs_x = x.clone().requires_grad_(), x.clone().requires_grad_()
    answer, expected = ours(ours_x, lengths), packed(theirs, theirs_x, lengths)
    torch.testing.assert_close(answer, expected, rtol=0, atol=TOLERANCE[dtype])
    answer.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(ours_x.grad, theirs_x.grad, rtol=0, atol=TOLERANCE[dtype])
    for layer, walks in enumerate(ours.walks):
        for walk, suffix in zip(walks, ("", "_reverse"), strict=True):
            holder, end = (walk, "_l0") if engine == "torch" else (walk.cell, "")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                mine = getattr(holder, name + end).grad
                peer = getattr(theirs, f"{name}_l{layer}{suffix}").grad
                torch.testing.assert_close(mine, peer, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("kind", PEERS)
def test_a_one_way_stack_without_lengths_reads_everything(kind):
    theirs = PEERS[kind](3, 4, batch_first=True).double()
    ours = RecurrentStack(kind, 3, 4).double()
    copy_from_torch(ours, theirs)
    x = torch.randn(2, 6, 3).double()
    torch.testing.assert_close(ours(x), theirs(x)[0], rtol=0, atol=1e-10)


@given(
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=5),
    more=st.integers(0, 4),
    kind=st.sampled_from(sorted(CELLS)),
)
@settings(max_examples=40, deadline=None)
def test_pads_change_no_state_whatever_stands_in_them(lengths, more, kind):
    stack = RecurrentStack(kind, 3, 4, layers=2, bidirectional=True).double()
    lengths = torch.tensor(lengths)
    time = int(lengths.max())
    x = torch.randn(len(lengths), time, 3).double()
    padded = torch.cat([x, torch.randn(len(lengths), more, 3).double()], dim=1)
    torch.testing.assert_close(
        stack(padded, lengths)[:, :time], stack(x, lengths), rtol=0, atol=1e-12
    )


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_reversing_by_length_turns_each_text_and_leaves_its_pads(lengths):
    lengths = torch.tensor(lengths)
    x = torch.randn(len(lengths), int(lengths.max()), 2)
    turned = reverse_by_length(x, lengths)
    for row, n in enumerate(lengths.tolist()):
        assert torch.equal(turned[row, :n], x[row, :n].flip(0))
        assert torch.equal(turned[row, n:], x[row, n:])
    assert torch.equal(reverse_by_length(turned, lengths), x)


def test_the_last_state_is_that_of_the_last_token_not_of_the_last_pad():
    states = torch.arange(12.0).reshape(2, 3, 2)
    last = at_last_token(states, torch.tensor([1, 3]))
    assert last.tolist() == [[0.0, 1.0], [10.0, 11.0]]


def test_changing_the_future_leaves_the_past_alone():
    walk = Recurrent(GRUCell(3, 4))
    x = torch.randn(1, 6, 3)
    changed = x.clone()
    changed[:, 4] += 1
    before, after = walk(x)[0], walk(changed)[0]
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_a_walk_may_be_broken_and_gone_on_with():
    walk = Recurrent(LSTMCell(3, 4)).double()
    x = torch.randn(2, 6, 3).double()
    whole = walk(x)
    first = walk(x[:, :2])
    rest = walk(x[:, 2:], tuple(part[:, -1] for part in first))
    for a, b, c in zip(whole, first, rest, strict=True):
        torch.testing.assert_close(a, torch.cat([b, c], dim=1), rtol=0, atol=1e-12)


def test_the_gru_resets_after_the_product_unlike_cho_et_al():
    cell = GRUCell(2, 3).double()
    x, h = torch.randn(1, 2).double(), torch.randn(1, 3).double()
    w, u = cell.weight_ih.chunk(3), cell.weight_hh.chunk(3)
    b, c = cell.bias_ih.chunk(3), cell.bias_hh.chunk(3)
    reset = torch.sigmoid(x @ w[0].T + b[0] + h @ u[0].T + c[0])
    update = torch.sigmoid(x @ w[1].T + b[1] + h @ u[1].T + c[1])
    after = torch.tanh(x @ w[2].T + b[2] + reset * (h @ u[2].T + c[2]))
    before = torch.tanh(x @ w[2].T + b[2] + (reset * h) @ u[2].T + c[2])
    (answer,) = cell(x, (h,))
    torch.testing.assert_close(answer, (1 - update) * after + update * h, rtol=0, atol=1e-12)
    assert not torch.allclose(answer, (1 - update) * before + update * h)


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_one_number_from_one_number_is_a_cell(kind):
    assert RecurrentStack(kind, 1, 1)(torch.randn(2, 3, 1)).shape == (2, 3, 1)


def test_weights_start_as_torchs_do():
    cell = GRUCell(5, 16)
    for weight in cell.parameters():
        assert weight.abs().max() <= 1 / 4
        assert weight.max() > 0.8 / 4
        assert weight.min() < -0.8 / 4


def test_a_copy_of_the_weights_is_a_copy():
    theirs = nn.GRU(3, 4, batch_first=True)
    ours = RecurrentStack("gru", 3, 4)
    copy_from_torch(ours, theirs)
    before = copy.deepcopy(ours.state_dict())
    with torch.no_grad():
        theirs.weight_ih_l0.zero_()
    assert all(torch.equal(before[name], w) for name, w in ours.state_dict().items())


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: RecurrentStack("gur", 3, 4), "cell 'gur' is unknown; choose one of rnn"),
        (lambda: RecurrentStack("gru", 3, 4, engine="jax"), "engine 'jax' is unknown"),
        (lambda: GRUCell(0, 4), "a cell from 0 to 4 numbers cannot be built"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(build, sentence):
    with pytest.raises(ValueError, match=sentence):
        build()


def cho_by_hand(cell, x, hidden):
    """Equations 5 to 8 of Cho et al. (2014), weight by weight."""
    (w_r, w_z, w), (u_r, u_z, u) = cell.weight_ih.chunk(3), cell.weight_hh.chunk(3)
    (b_r, b_z, b), (c_r, c_z, c) = cell.bias_ih.chunk(3), cell.bias_hh.chunk(3)
    reset = 1 / (1 + torch.exp(-(w_r @ x + u_r @ hidden + b_r + c_r)))
    update = 1 / (1 + torch.exp(-(w_z @ x + u_z @ hidden + b_z + c_z)))
    proposal = torch.tanh(w @ x + u @ (reset * hidden) + b + c)
    return update * hidden + (1 - update) * proposal


def test_chos_gru_resets_before_the_product_in_outputs_and_gradients():
    stack = RecurrentStack("gru-cho", 3, 4).double()
    cell = stack.walks[0][0].cell
    assert isinstance(cell, ChoGRUCell)
    x = torch.randn(2, 5, 3).double().requires_grad_()
    start = torch.randn(1, 2, 4).double()
    answer, (last,) = stack.run(x, state=(start,))
    grads = torch.autograd.grad(answer.square().sum(), [x, *cell.parameters()])
    rows = []
    for row in range(2):
        hidden, states = start[0, row], []
        for step in x[row]:
            hidden = cho_by_hand(cell, step, hidden)
            states.append(hidden)
        rows.append(torch.stack(states))
    expected = torch.stack(rows)
    expected_grads = torch.autograd.grad(expected.square().sum(), [x, *cell.parameters()])
    torch.testing.assert_close(answer, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(last[0], expected[:, -1], rtol=0, atol=1e-10)
    for mine, peer in zip(grads, expected_grads, strict=True):
        torch.testing.assert_close(mine, peer, rtol=0, atol=1e-10)


def test_the_two_grus_are_two_networks():
    theirs = nn.GRU(3, 4, batch_first=True)
    grus = [RecurrentStack(kind, 3, 4) for kind in ("gru", "gru-cho")]
    for stack in grus:
        copy_from_torch(stack, theirs)
    x = torch.randn(2, 5, 3)
    assert not torch.allclose(grus[0](x), grus[1](x), atol=1e-3)


def as_state(parts):
    return parts[0] if len(parts) == 1 else parts


@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", PEERS)
def test_the_state_in_and_out_is_torchs_with_pads_and_without(kind, bidirectional, engine):
    theirs = PEERS[kind](3, 4, num_layers=3, bidirectional=bidirectional, batch_first=True).double()
    ours = RecurrentStack(kind, 3, 4, 3, bidirectional, engine).double()
    copy_from_torch(ours, theirs)
    x = torch.randn(4, 6, 3).double()
    walks = 3 * (2 if bidirectional else 1)
    parts = 2 if kind == "lstm" else 1
    start = tuple(torch.randn(walks, 4, 4).double().requires_grad_() for _ in range(parts))
    for lengths in (torch.tensor([2, 6, 1, 4]), torch.tensor([6, 6, 6, 6])):
        pack = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        states, end = theirs(pack, as_state(start))
        states = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=6)[0]
        end = end if isinstance(end, tuple) else (end,)
        answer, state = ours.run(x, lengths, start)
        torch.testing.assert_close(answer, states, rtol=0, atol=1e-10)
        for mine, peer in zip(state, end, strict=True):
            torch.testing.assert_close(mine, peer, rtol=0, atol=1e-10)
        loss = sum(part.square().sum() for part in (answer, *state))
        peer_loss = sum(part.square().sum() for part in (states, *end))
        mine = torch.autograd.grad(loss, start)
        expected = torch.autograd.grad(peer_loss, start)
        for a, b in zip(mine, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-10)
    whole, state = ours.run(x)
    assert torch.equal(whole, ours(x))
    torch.testing.assert_close(whole, theirs(x)[0], rtol=0, atol=1e-10)


@given(
    kind=st.sampled_from(sorted(CELLS)),
    time=st.integers(2, 7),
    layers=st.integers(1, 3),
    data=st.data(),
)
@settings(max_examples=25, deadline=None)
def test_two_pieces_with_the_state_passed_on_are_one_run(kind, time, layers, data):
    first = data.draw(st.integers(1, time - 1))
    stack = RecurrentStack(kind, 3, 4, layers).double()
    x = torch.randn(2, time, 3).double()
    whole, end = stack.run(x)
    begun, state = stack.run(x[:, :first])
    rest, last = stack.run(x[:, first:], state=state)
    torch.testing.assert_close(torch.cat([begun, rest], dim=1), whole, rtol=0, atol=1e-12)
    for mine, expected in zip(last, end, strict=True):
        torch.testing.assert_close(mine, expected, rtol=0, atol=1e-12)


def test_dropout_stands_between_the_layers_and_nowhere_else():
    plain = RecurrentStack("gru", 3, 4, layers=3).double()
    stack = RecurrentStack("gru", 3, 4, layers=3, dropout=0.4).double()
    stack.load_state_dict(plain.state_dict())
    x = torch.randn(2, 5, 3).double()
    torch.manual_seed(1)
    answer = stack(x)
    torch.manual_seed(1)
    states = x
    for layer, (walk,) in enumerate(stack.walks):
        states = walk(states)[0]
        if layer < 2:
            states = nn.functional.dropout(states, 0.4)
    torch.testing.assert_close(answer, states, rtol=0, atol=1e-12)
    assert not torch.allclose(answer, plain(x))
    stack.eval()
    assert torch.equal(stack(x), plain(x))
    one = RecurrentStack("gru", 3, 4, dropout=0.9)
    assert torch.equal(one(x.float()), one(x.float()))


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_a_row_of_no_texts_is_no_trouble(kind):
    assert RecurrentStack(kind, 3, 4)(torch.zeros(0, 5, 3)).shape == (0, 5, 4)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: RecurrentStack("gru", 3, 4, layers=0), "layers is 0; a stack needs at least 1"),
        (lambda: RecurrentStack("gru", 3, 4, dropout=1.0), "dropout is 1.0; it is a share"),
        (lambda: RecurrentStack("gru", 3, 4, dropout=-0.1), "dropout is -0.1"),
        (
            lambda: RecurrentStack("gru-cho", 3, 4, engine="torch"),
            "PyTorch has no kernel for 'gru-cho'; choose engine='ours'",
        ),
        (lambda: GRUCell(4, 0), "a cell from 4 to 0 numbers cannot be built"),
    ],
)
def test_what_cannot_be_built_is_refused(build, sentence):
    with pytest.raises(ValueError, match=sentence):
        build()


def test_a_cell_without_a_step_says_which_have_one():
    class Nothing(Cell):
        gates = 1

    with pytest.raises(TypeError, match="Nothing has no step; use RNNCell, LSTMCell or GRUCell"):
        Nothing(2, 3)(torch.zeros(1, 2))


@pytest.mark.parametrize(
    ("inputs", "lengths", "sentence"),
    [
        ((5, 3), None, r"inputs of shape \(5, 3\) came; this stack reads \[batch, time, 3\]"),
        ((2, 5, 4), None, r"inputs of shape \(2, 5, 4\) came"),
        ((2, 0, 3), None, "with at least one step"),
        ((2, 5, 3), [1], r"lengths of shape \(1,\) came with 2 texts; give one number for each"),
        ((2, 5, 3), [0, 5], "lengths go from 0 to 5, but inputs hold from 1 to 5 steps a row"),
        ((2, 5, 3), [6, 2], "lengths go from 2 to 6"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs, lengths, sentence):
    lengths = None if lengths is None else torch.tensor(lengths)
    for read in (RecurrentStack("gru", 3, 4), RecurrentStack("gru", 3, 4).run):
        with pytest.raises(ValueError, match=sentence):
            read(torch.zeros(inputs), lengths)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("gru", [(2, 2, 4)]),
        ("gru", [(4, 3, 4)]),
        ("gru", [(4, 2, 8)]),
        ("gru", [(4, 2, 4)] * 2),
        ("lstm", [(4, 2, 4)]),
    ],
)
def test_a_state_of_another_stack_is_refused(kind, state):
    stack = RecurrentStack(kind, 3, 4, layers=2, bidirectional=True)
    with pytest.raises(ValueError, match=r"this stack goes on from . of \(4, 2, 4\)"):
        stack.run(torch.zeros(2, 5, 3), state=tuple(torch.zeros(shape) for shape in state))


@pytest.mark.parametrize(
    "theirs",
    [
        nn.GRU(3, 5),
        nn.GRU(2, 4),
        nn.GRU(3, 4, 2),
        nn.GRU(3, 4, bidirectional=True),
        nn.LSTM(3, 4),
        nn.RNN(3, 4),
    ],
)
@pytest.mark.parametrize("kind", ["gru", "gru-cho"])
def test_weights_of_another_shape_are_refused(kind, theirs):
    with pytest.raises(ValueError, match=r"does not fit a stack 'gru.*' of \(3, 4, 1, False\)"):
        copy_from_torch(RecurrentStack(kind, 3, 4), theirs)
