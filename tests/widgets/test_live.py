"""A view joined to the kernel: choices arrive, records go back, errors are told to the reader."""

import sys

import pytest

from llm_book.widgets.live import apart
from llm_book.widgets.sampling import sampling, sampling_record


def joined(react=None):
    return sampling([2.0, 1.0], ["a", "b"]).live(react)


def test_what_the_reader_chooses_is_heard_and_kept():
    heard = []
    live = joined(heard.append)
    live.model.state = {"temperature": 0.5}
    assert heard == [{"temperature": 0.5}] and live.state == {"temperature": 0.5}


def test_a_record_that_is_given_back_is_drawn():
    live = joined(lambda state: sampling_record([3.0, 2.0, 1.0], ["x", "y", "z"]))
    live.model.state = {"prompt": "x"}
    assert live.model.record["tokens"] == ["x", "y", "z"]
    assert live.view.record.tokens == ("x", "y", "z")


def test_an_error_is_told_and_the_next_choice_takes_it_back():
    def react(state):
        if state["n"] == 1:
            raise ValueError("no such prompt")

    live = joined(react)
    live.model.state = {"n": 1}
    assert live.model.error == "ValueError: no such prompt"
    live.model.state = {"n": 2}
    assert live.model.error == ""


def test_another_kind_of_record_is_refused():
    class Other:
        kind = "loss_curve"

        def document(self): ...
        def blob(self): ...
        def sentence(self, lang): ...
        def still(self, lang): ...
        def table(self, lang): ...

    with pytest.raises(ValueError, match="loss_curve cannot take the place of a sampling"):
        joined().show(Other())


def test_two_joined_views_of_one_title_have_keys_of_their_own():
    assert joined().key != joined().key


@pytest.mark.parametrize("host", ["lab", "colab", "code"])
def test_the_page_shows_the_fragment_or_where_outputs_stand_apart_the_widget(monkeypatch, host):
    import IPython.display

    monkeypatch.delenv("VSCODE_PID", raising=False)
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    if host == "colab":
        monkeypatch.setitem(sys.modules, "google.colab", object())
    if host == "code":
        monkeypatch.setenv("VSCODE_PID", "1")
    assert apart() == (host != "lab")
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda what, raw=False: shown.append(what))
    live = joined()
    live._ipython_display_()
    if host == "lab":
        assert f'data-key="{live.key}"' in shown[0]["text/html"]
    else:
        assert shown == [live.model]
