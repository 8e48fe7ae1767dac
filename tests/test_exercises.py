"""An exercise answers in one sentence, whatever the reader wrote."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from llm_book.exercises import check_same


def said(capsys) -> str:
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    return text.strip()


def test_the_same_function_is_the_same(capsys):
    check_same(lambda x: x * 2, lambda x: x + x, 1, 2.5, torch.arange(3))
    assert said(capsys) == "same as ours (3 inputs)"


def test_a_tuple_is_several_arguments(capsys):
    check_same(lambda a, b: a + b, lambda a, b: b + a, (1, 2))
    assert said(capsys) == "same as ours (1 input)"


@pytest.mark.parametrize("empty", [..., None])
def test_an_empty_answer_is_not_answered_yet(capsys, empty):
    check_same(lambda x: empty, lambda x: x, 1)
    assert said(capsys) == "not answered yet"


def test_an_answer_that_raises_not_implemented_is_not_answered_yet(capsys):
    def yours(x):
        raise NotImplementedError

    check_same(yours, lambda x: x, 1)
    assert said(capsys) == "not answered yet"


def test_nothing_may_be_the_right_answer(capsys):
    check_same(lambda x: None, lambda x: None, 1)
    assert said(capsys) == "same as ours (1 input)"


def test_the_first_input_that_differs_is_named_with_both_answers(capsys):
    check_same(lambda x: x, abs, 1, -2)
    assert said(capsys) == "different on input 2, (-2): yours gave -2, ours 2"


def test_an_error_in_the_answer_is_told_not_raised(capsys):
    check_same(lambda x: x / 0, lambda x: x, 1)
    assert "yours raised ZeroDivisionError: division by zero" in said(capsys)


@dataclass
class Point:
    place: torch.Tensor


@pytest.mark.parametrize(
    ("yours", "ours", "sentence"),
    [
        (torch.zeros(2), torch.zeros(3), "yours has shape (2,), ours (3,)"),
        (torch.zeros(2), torch.ones(2), "the largest difference is 1, at [0]"),
        (np.eye(3), np.eye(3)[::-1], "the largest difference is 1, at [0, 0]"),
        (np.array([[1, 2], [3, 7]]), np.array([[1, 2], [3, 5]]), "difference is 2, at [1, 1]"),
        (109_481_472, 109_482_240, "yours gave 109481472, ours 109482240"),
        ([1, 2], [1, 2, 3], "yours has 2 items, ours 3"),
        (["a", "b"], ["a", "c"], "item 1: yours gave 'b', ours 'c'"),
        ({"f1": 0.5}, {"f1": 0.25}, "f1: yours gave 0.5, ours 0.25"),
        ({"a": 1}, {"b": 1}, "yours has the entries ['a'], ours ['b']"),
        ((1, [2.0, 3.0]), (1, [2.0, 3.5]), "item 1: item 1: yours gave 3, ours 3.5"),
        ("one", 1, "yours gave 'one', ours 1"),
        (torch.tensor([True]), torch.tensor([False]), "the largest difference is 1, at [0]"),
        (Point(torch.zeros(1)), Point(torch.ones(1)), "place: the largest difference is 1, at [0]"),
        (float("nan"), 1.0, "yours gave nan, ours 1"),
    ],
)
def test_a_difference_is_told_where_it_lies(capsys, yours, ours, sentence):
    check_same(lambda _: yours, lambda _: ours, 0)
    assert said(capsys).endswith(sentence)


@pytest.mark.parametrize(
    ("yours", "ours"),
    [
        (1.0, torch.tensor(1.0)),
        (np.ones(2), torch.ones(2, dtype=torch.bfloat16)),
        ([1, 2], (1, 2)),
        ({"a": [torch.ones(1)]}, {"a": [torch.ones(1)]}),
        (float("nan"), float("nan")),
        (1.0 + 1e-7, 1.0),
        (3.0, 3),
        (np.array([True, False]), torch.tensor([1, 0])),
        (10**30, 10**30),
        ("text", "text"),
    ],
)
def test_what_means_the_same_is_the_same(capsys, yours, ours):
    check_same(lambda _: yours, lambda _: ours, 0)
    assert said(capsys) == "same as ours (1 input)"


def test_an_answer_that_changes_its_input_does_not_change_ours(capsys):
    given = [3, 1, 2]
    check_same(lambda x: x.clear() or [1, 2, 3], sorted, given)
    assert said(capsys) == "same as ours (1 input)"
    assert given == [3, 1, 2]


def test_both_see_the_same_random_numbers_and_the_readers_own_stay(capsys):
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    check_same(lambda n: torch.rand(n), lambda n: torch.rand(n), 4)
    assert said(capsys) == "same as ours (1 input)"
    assert torch.equal(torch.rand(2), expected)


def test_a_check_without_inputs_is_refused():
    with pytest.raises(ValueError, match="no inputs came"):
        check_same(abs, abs)


def test_a_tensor_with_a_history_can_be_an_input(capsys):
    weight = torch.ones(2, requires_grad=True)
    check_same(lambda x: x * 2, lambda x: x + x, weight * 3, ([weight * 3, 1],))
    assert "Error" not in capsys.readouterr().out
