"""Every chapter begins from the same place and says so in one line."""

import platform
import random
from dataclasses import FrozenInstanceError

import matplotlib
import numpy as np
import pytest
import torch

from llm_book import claims
from llm_book.session import setup


@pytest.fixture(autouse=True)
def _keep_matplotlib_defaults():
    with matplotlib.rc_context():
        yield


def draw() -> list[float]:
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]


def test_two_setups_with_one_seed_give_the_same_random_numbers():
    setup(seed=3)
    first = draw()
    setup(seed=3)
    assert draw() == first


def test_another_seed_gives_other_random_numbers():
    setup(seed=3)
    first = draw()
    setup(seed=4)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


def test_it_prints_one_line_and_masks_only_what_the_machine_decides(capsys):
    setup()
    line = capsys.readouterr().out
    assert line.startswith("preset small · seed 0 · ⟨cpu, float32, 1 thread, Python ")
    assert line.endswith("⟩\n") and line.count("\n") == 1
    assert platform.node() not in line or not platform.node()


def test_small_runs_on_one_thread_of_the_cpu():
    threads = torch.get_num_threads()
    try:
        session = setup("small")
        assert (session.runtime.device, torch.get_num_threads()) == ("cpu", 1)
    finally:
        torch.set_num_threads(threads)


def test_the_environment_overrides_the_preset(monkeypatch):
    monkeypatch.setenv("LLM_BOOK_PRESET", "full")
    assert setup("small").full


def test_an_unknown_preset_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="preset 'big' is unknown; choose one of small, full"):
        setup("big")


def test_a_session_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        setup().preset = "full"


def test_generators_of_one_stream_repeat_and_of_two_streams_differ():
    session = setup()
    a, b = (torch.rand(4, generator=session.generator(1)) for _ in range(2))
    assert torch.equal(a, b)
    assert not torch.equal(a, torch.rand(4, generator=session.generator(2)))


def test_a_new_session_begins_with_no_claims():
    claims.measured("time", 1.0, "s")
    setup()
    assert claims.table().claims == ()


def test_figures_use_a_font_that_matplotlib_ships():
    setup()
    assert matplotlib.rcParams["font.family"] == ["DejaVu Sans"]
    assert matplotlib.rcParams["figure.dpi"] == 110
