"""The curve while it grows: what it takes and refuses, what it shows, what it leaves behind."""

import json
import math
import re
import time
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from llm_book import results
from llm_book.claims import written
from llm_book.training.history import History
from llm_book.training.loop import Step, TrainingDiverged
from llm_book.widgets import curve_picture, curve_record, frames, loss_curve, tensorboard
from llm_book.widgets.curve_points import ROOM
from llm_book.widgets.curve_record import MARKS, POINTS
from llm_book.widgets.loss_curve import HELD, LossCurve
from llm_book.widgets.loss_curve import loss_curve as shown
from tests.widgets import hostile

RECORD = "imdb_gru.small.cpu"


def step(index: int, loss: float = 1.0) -> Step:
    return Step(index, loss, 1e-3, 0.5, 512, index / 10, 5120.0, 10**9)


class Screen(frames.Quiet):
    """Keeps what it was shown."""

    pause, at_once = frames.Notebook.pause, True

    def __init__(self):
        self.frames, self.lines, self.last = [], [], None

    def show(self, picture, line):
        self.frames.append(picture())
        self.lines.append(line)

    def close(self, view, line):
        self.last, self.line = view, line


class Clock:
    """Time that passes when it is told to."""

    now = 100.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def screen(monkeypatch):
    found = Screen()
    monkeypatch.setattr(frames, "screen", lambda: found)
    return found


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(loss_curve, "time", found)
    return found


def test_steps_dictionaries_names_and_tensors_are_all_taken(screen):
    with LossCurve() as curve:
        curve.log(step(1))
        curve.log(
            index=2, loss=torch.tensor(3.0, requires_grad=True), learning_rate=np.float32(0.5)
        )
        curve.log(SimpleNamespace(index=np.int64(3), loss=2))
        curve.log(step(4), loss=7.0)
    run = curve.record().runs[0]
    assert run.step.tolist() == [1, 2, 3, 4] and run.loss.tolist() == [1, 3, 2, 7]
    assert run.learning_rate[:2].tolist() == [1e-3, 0.5] and np.isnan(run.learning_rate[2])


@pytest.mark.parametrize(
    ("logged", "why"),
    [
        ({"index": -1, "loss": 1.0}, "counted from 0"),
        ({"index": 5, "loss": 1.0}, "step 5 came after step 5; give a counter that rises"),
        ({"index": 4, "loss": 1.0}, "or call resumed.3. first"),
        ({"index": 6}, "at least index=… and loss=…"),
        ({"loss": 6.0}, "at least index=… and loss=…"),
        ({"index": 6.5, "loss": 1.0}, "give a whole number"),
        ({"index": 6, "loss": "high"}, "give one number"),
        ({"index": 6, "loss": torch.zeros(2)}, "give one number"),
        ({"index": 6, "loss": 1.0, "accuracy": 0.5}, "accuracy: no field of a step"),
    ],
)
def test_what_is_no_next_step_is_refused_in_a_sentence(logged, why):
    curve = LossCurve()
    curve.log(step(5))
    with pytest.raises(ValueError, match=why):
        curve.log(**logged)
    curve.log(step(6))
    assert curve.record().runs[0].step.tolist() == [5, 6]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"total": 0}, "give the number of steps, or None"),
        ({"total": 1.5}, "give the number of steps, or None"),
        ({"vocab_size": 1}, "a choice needs at least 2"),
        ({"uniform": math.nan}, "in nats above 0"),
        ({"uniform": "ln 2"}, "in nats above 0"),
        ({"vocab_size": 9, "uniform": 2.0}, "give one"),
        ({"recorded": "imdb"}, f"'imdb'; choose one of: .*{RECORD}"),
        ({"recorded": 3}, "no record is called 3"),
        ({"title": " "}, "the title is ' '"),
        ({"lang": "fr"}, "language 'fr' is unknown"),
        ({"path": "/"}, "is a folder; name a file in it"),
    ],
)
def test_settings_that_mean_nothing_are_refused_before_a_step_is_trained(settings, why):
    with pytest.raises(ValueError, match=why):
        LossCurve(**settings)


def test_validation_and_marks_are_refused_where_no_step_is(screen):
    with LossCurve() as curve:
        curve.validation(4, torch.tensor(1.5))
        curve.validation(4, 1.4)
        for refused in (lambda: curve.validation(3, 1.0), lambda: curve.checkpoint(-1)):
            with pytest.raises(ValueError, match=r"step (3|-1) came"):
                refused()
    assert curve.record().runs[0].validation == ((4, 1.5), (4, 1.4))


def test_frames_are_at_most_four_a_second_and_half_a_hundredth_of_the_time(
    screen, clock, monkeypatch
):
    draw = screen.show

    def slow(picture, line):
        clock.now += 0.01
        draw(picture, line)

    monkeypatch.setattr(screen, "show", slow)
    with LossCurve(total=6000) as curve:
        for index in range(1, 6001):  # a minute
            clock.now += 0.01
            curve.log(step(index))
    assert 29 <= len(screen.frames) <= 33  # 0.01 s each, one in two seconds
    assert screen.lines[0] == "waiting for the first step"
    assert re.fullmatch(
        r"step 3,\d\d\d of 6,000 · loss 1\.00 · 5,120 tokens/s · 0:2\d left", screen.lines[17]
    )
    monkeypatch.setattr(screen, "show", draw)
    screen.frames.clear()
    with LossCurve() as curve:
        for index in range(1, 1001):  # ten seconds, and drawing costs nothing
            clock.now += 0.01
            curve.log(step(index))
    assert 39 <= len(screen.frames) <= 42


def test_time_left_is_hours_where_it_is_long(screen, clock):
    with LossCurve(total=100_000) as curve:
        for index in (1, 2, 3):
            clock.now += 1.0
            curve.log(step(index))
        assert screen.lines[-1].endswith("27:46:37 left")


def test_after_resuming_the_pace_is_that_of_the_steps_since(screen, clock):
    with LossCurve(total=110) as curve:
        for index in range(1, 101):
            clock.now += 1.0
            curve.log(step(index))
        curve.resumed(50)
        for index in (51, 52, 53):
            clock.now += 10.0
            curve.log(step(index))
        assert screen.lines[-1].endswith("9:30 left")  # 57 steps of 10 s


def test_in_the_picture_a_higher_loss_is_higher_and_the_lowest_validation_is_ringed():
    curve = LossCurve(total=5)
    for index, loss in enumerate([4.0, 3.0, 2.0, 2.5], start=1):
        curve.log(step(index, loss))
        curve.validation(index, loss + 0.5)
    record = curve.record()
    box = curve_picture._Box(record)
    assert (box.at(0), box.at(5)) == (curve_picture.LEFT, curve_picture.RIGHT)
    assert curve_picture.TOP < box.level(4.5) < box.level(2.0)
    assert box.level(2.0) < curve_picture.TOP + curve_picture.HEIGHT
    where = f'cx="{box.at(3):.1f}" cy="{box.level(2.5):.1f}" r="6.5"'
    assert where.replace(".0", "") in record.still("en").replace(".0", "")


@pytest.mark.parametrize(("n", "lang"), [(0, "en"), (1, "zh"), (3, "en"), (10_000, "zh")])
def test_a_frame_is_one_small_svg_at_every_length(n, lang, screen):
    with LossCurve(total=12_000, vocab_size=8192, recorded=RECORD, lang=lang) as curve:
        for index in range(1, n + 1):
            curve.log(
                step(index, 1.2 + 8 * math.exp(-index / 2000) + 0.1 * math.sin(index * index))
            )
            if index % 100 == 0:
                curve.validation(index, 1.3)
                curve.checkpoint(index)
        curve.resumed(n // 2)
        curve._next = 0.0
        curve.log(step(n + 1, math.nan))
    frame = screen.frames[-1]
    assert len(frame.encode()) <= 20_000
    assert ElementTree.fromstring(frame.replace("<svg", "<svg xmlns='x'", 1)) is not None
    assert "nan" not in frame.lower().replace("not a number", "")
    assert results.recorded(RECORD).document["machine"]["processor"] in frame


def test_the_last_frame_is_the_finished_view_and_says_how_it_ended(screen):
    with pytest.raises(KeyboardInterrupt), LossCurve(total=940) as curve:
        for index in range(1, 2000):
            curve.log(step(index))
            if index == 812:
                raise KeyboardInterrupt
    assert "stopped at step 812" in screen.last.sentence and screen.last.trained
    assert screen.line == f"Training: {screen.last.sentence}"
    assert "stopped at 812" in screen.last.record.still("en")


def test_a_run_that_diverges_is_marked_with_its_step(screen):
    with pytest.raises(TrainingDiverged), LossCurve(total=940) as curve:
        curve.log(step(411))
        raise TrainingDiverged("the loss is nan at step 412")
    assert "At step 412 the loss or its gradient is no longer a number" in screen.last.sentence
    assert "not a number at 412" in screen.last.record.still("en")
    with LossCurve() as curve:
        curve.log(step(1))
        curve.log(step(2, math.nan))
    assert "At step 2 the loss or its gradient is no longer a number" in screen.last.sentence


@pytest.mark.parametrize(
    ("total", "last", "ended"),
    [(None, 5, "finished"), (5, 5, "finished"), (6, 5, "short"), (3, 5, "finished")],
)
def test_the_end_is_told_from_the_plan(total, last, ended, screen):
    with LossCurve(total=total) as curve:
        for index in range(1, last + 1):
            curve.log(step(index))
    (run,) = curve.record().runs
    assert run.ended == ended and run.total == (max(total, last) if total else 0)


def test_early_stopping_is_told(screen):
    with LossCurve(total=940) as curve:
        curve.log(step(600))
        curve.stopped_early()
    assert screen.last.sentence.endswith("Early stopping ended the run at step 600.")


def test_after_the_end_only_a_new_with_goes_on_and_on_the_same_curve(screen):
    with LossCurve(total=20) as curve:
        curve.log(step(10))
    with pytest.raises(ValueError, match="this curve has ended"):
        curve.log(step(11))
    with curve:
        curve.log(step(11))
    (run,) = curve.record().runs
    assert run.step.tolist() == [10, 11] and run.resumed == (10,) and run.ended == "short"


def test_resuming_drops_what_came_later(screen):
    with LossCurve() as curve:
        for index in range(1, 101):
            curve.log(step(index, 1.0))
            if index % 10 == 0:
                curve.validation(index, 1.0)
                curve.checkpoint(index)
        curve.resumed(50)
        curve.log(step(51, 9.0))
    (run,) = curve.record().runs
    assert run.step.tolist() == list(range(1, 52)) and run.loss[-1] == 9
    assert run.validation[-1] == (50, 1.0) and run.checkpoints[-1] == 50 and run.resumed == (50,)


def test_a_million_steps_take_no_more_room_than_two_thousand(screen):
    curve = LossCurve()
    for index in range(20 * ROOM):
        curve.log(step(index))
        curve.checkpoint(index)
        curve.validation(index, 1.0 if index != 7777 else 0.5)
    assert len(curve._pending) <= HELD
    growing = curve.growing
    assert growing.buckets.size <= ROOM
    assert len(growing.checkpoints) <= MARKS and len(growing.validation) <= curve_record.EVALUATIONS
    assert (7777, 0.5) in growing.validation and growing.validation[-1][0] == 20 * ROOM - 1
    assert len(curve.record().runs[0].step) <= POINTS


class OnGpu(torch.Tensor):
    """A tensor that counts how often it is read, as if each time a device had to be waited for."""

    reads = 0

    @property
    def is_cpu(self):
        return False

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function.__name__ in ("tolist", "item", "__float__"):
            OnGpu.reads += 1
        return super().__torch_function__(function, types, args, kwargs or {})


def test_a_tensor_on_a_gpu_is_read_when_a_frame_is_drawn_and_all_at_once(screen, clock):
    OnGpu.reads = 0
    curve = LossCurve()
    curve.log(step(1))
    for index in range(2, 12):
        loss = torch.tensor(float(index)).as_subclass(OnGpu)
        curve.log(index=index, loss=loss, gradient_norm=loss)
    assert OnGpu.reads == 0
    clock.now += 10
    curve.log(step(12))
    assert OnGpu.reads == 1
    run = curve.record().runs[0]
    assert run.loss.tolist() == [1, *range(2, 12), 1] and run.gradient_norm[1:11].tolist() == (
        list(range(2, 12))
    )


def test_a_tensor_that_was_changed_after_it_was_logged_is_noticed(screen, clock):
    curve = LossCurve()
    curve.log(step(1))
    total = torch.tensor(1.0).as_subclass(OnGpu)
    curve.log(index=2, loss=total)
    total += 1
    with pytest.raises(ValueError, match=r"loss of step 2 was changed in place .*loss.clone"):
        curve.record()
    on_cpu = torch.tensor(1.0)
    curve.log(index=3, loss=on_cpu)
    on_cpu += 1
    assert curve.record().runs[0].loss.tolist() == [1, 1]


def test_the_file_is_the_ledgers_and_is_read_back(tmp_path, screen):
    path = tmp_path / "run" / "curve.jsonl"
    with pytest.raises(KeyError), LossCurve(total=9, path=path) as curve:
        for index in range(1, 8):
            curve.log(step(index, math.nan if index == 3 else 1 / index))
        curve.validation(7, 0.5)
        curve.checkpoint(6)
        raise KeyError("anything")
    written_by_history = History(tmp_path / "other.jsonl")
    for index in range(1, 8):
        written_by_history.append(step(index, math.nan if index == 3 else 1 / index).as_dict())
    assert path.read_bytes() == written_by_history.path.read_bytes()
    assert results.thinned(History(path).read())["index"] == list(range(1, 8))
    assert json.loads((path.parent / "validation.jsonl").read_text()) == {"index": 7, "loss": 0.5}
    again = LossCurve.load(path, total=9)
    assert again.record().document() == curve.record().document()
    assert shown(path).record.runs[0].ended == "stopped"


def test_a_run_that_starts_again_goes_on_where_it_was_resumed_and_nothing_is_twice(
    tmp_path, screen
):
    path = tmp_path / "mine.jsonl"
    with LossCurve(path=path) as curve:
        for index in range(1, 101):
            curve.log(step(index, 2.0))
            if index % 50 == 0:
                curve.validation(index, 1.0)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"index": 101, "lo')  # the process was killed here
    with LossCurve(path=path) as curve:
        for index in range(51, 121):
            curve.log(step(index, 3.0))
    assert [row["index"] for row in History(path).read()] == list(range(1, 121))
    (run,) = curve.record().runs
    assert run.loss[[0, 49, 50, -1]].tolist() == [2, 2, 3, 3]
    assert run.resumed == (50,) and run.validation == ((50, 1.0),)
    assert LossCurve.load(path).record().document() == curve.record().document()
    with LossCurve(path=path) as curve:  # from the start: all of it anew
        curve.log(step(1))
    assert len(History(path).read()) == 1 and not curve.record().runs[0].resumed
    assert not (tmp_path / "mine.validation.jsonl").read_text()


def test_evaluating_before_the_first_step_of_a_resumed_run_loses_nothing(tmp_path, screen):
    path = tmp_path / "curve.jsonl"
    with LossCurve(path=path) as curve:
        for index in range(1, 11):
            curve.log(step(index))
    with LossCurve.load(path) as curve:
        curve.validation(10, 0.5)
        curve.log(step(11))
    assert [row["index"] for row in History(path).read()] == list(range(1, 12))
    assert curve.record().runs[0].resumed == (10,)
    with LossCurve(path=path) as curve:
        curve.validation(11, 0.4)
        curve.log(step(12))
    assert [row["index"] for row in History(path).read()] == list(range(1, 13))
    assert curve.record().runs[0].validation == ((10, 0.5), (11, 0.4))
    with LossCurve(path=path) as curve:
        curve.resumed(5)
        curve.log(step(6))
    assert [row["index"] for row in History(path).read()] == [1, 2, 3, 4, 5, 6]
    assert curve.record().runs[0].resumed == (5,)


@pytest.mark.parametrize(
    ("history", "why"),
    [
        (3, "int holds no run"),
        ({}, "no run came"),
        ([{"index": 1}], "needs an index and a loss"),
        ([3.0, "two"], "give numbers"),
        ([{"index": 2, "loss": 1.0}, {"index": 1, "loss": 1.0}], "step 1 came after step 2"),
        ({"index": [1, 2], "loss": [1.0]}, "differ in length"),
        ("no/such/curve.jsonl", "there is no curve in"),
    ],
)
def test_what_holds_no_run_is_refused(history, why):
    with pytest.raises(ValueError, match=why):
        shown(history)


def test_every_kind_of_history_gives_the_same_run(tmp_path, screen):
    losses = [3.0, 2.0, 1.5]
    path = tmp_path / "curve.jsonl"
    with LossCurve(path=path) as curve:
        for index, loss in enumerate(losses, start=1):
            curve.log(index=index, loss=loss)
    rows = History(path).read()
    columns = {"index": [1, 2, 3], "loss": losses}
    for history in (losses, np.array(losses), torch.tensor(losses), rows, path, str(path), columns,
                    History(path), curve, {"curve": columns}, (step(i, v) for i, v in
                    enumerate(losses, start=1))):  # fmt: skip
        run = shown(history).record.runs[0]
        assert run.step.tolist() == [1, 2, 3] and run.loss.tolist() == losses


def test_a_record_of_the_ledger_is_shown_with_its_validation():
    record = results.recorded(RECORD)
    run = shown(record).record.runs[0]
    first = record.document["runs"][0]
    assert run.loss.tolist() == pytest.approx(first["curve"]["loss"], rel=1e-4)
    assert len(run.validation) == len(first["validation"])


def test_the_recorded_run_lies_under_the_curve_with_its_hardware(screen):
    with LossCurve(total=940, recorded=RECORD) as curve:
        curve.log(step(500))
    found = curve.record().recorded
    assert results.recorded(RECORD).caption in found.caption and "seed 0" in found.caption
    place = found.step.index(500)
    assert f"stood at {written(found.loss[place])}." in screen.last.sentence
    still = screen.last.record.still("en")
    assert curve_picture.GREY in still and "AMD" in still


@pytest.mark.parametrize("word", [word for word in hostile.ALL if word.strip()])
def test_names_and_titles_are_words_and_never_markup(word, screen):
    with LossCurve(title=word) as curve:
        curve.log(step(1))
    pages = [screen.last.html(), shown({word: [2, 1], "b": [3, 1]}, title=word).html()]
    stills = [shown({word: [2, 1], "b": [3, 1]}).record.still("en"), *screen.frames]
    for page in pages:
        body = re.sub(r"<script>\n.*?</script>", "", page, flags=re.DOTALL)
        assert "<script" not in body and "onerror=alert(3)>" not in body
    for still in stills:
        ElementTree.fromstring(still.replace("<svg", "<svg xmlns='x'", 1) if "xmlns" not in still
                               else still)  # fmt: skip


@pytest.mark.parametrize(("terminal", "printed"), [(True, 4), (False, 1)])
def test_without_a_notebook_there_are_lines_or_only_the_last(
    terminal, printed, clock, capsys, monkeypatch
):
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    with LossCurve(total=1500) as curve:
        for index in range(1, 1301):  # 13 seconds: at 0, 5 and 10
            clock.now += 0.01
            curve.log(step(index))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == printed
    assert lines[-1].startswith("Training: The loss") and "1,300 of 1,500" in lines[-1]


def test_in_a_notebook_there_is_one_display_that_is_replaced(monkeypatch):
    import IPython
    import IPython.display

    shown_once, replaced = [], []
    handle = SimpleNamespace(update=lambda what, **options: replaced.append((what, options)))
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr(
        IPython.display,
        "display",
        lambda what, **options: shown_once.append((what, options)) or handle,
    )
    with LossCurve(title="<b>") as curve:
        curve.log(step(1))
    ((bundle, options),) = shown_once
    assert options == {"raw": True, "display_id": True}
    assert set(bundle) == {"text/html", "text/plain"} and "<b>" not in bundle["text/html"]
    assert replaced[-1] == (replaced[-1][0], {}) and replaced[-1][0].sentence == (
        curve.view().sentence
    )


def test_nothing_of_the_clock_stands_in_the_finished_view_outside_the_masks(screen):
    with LossCurve(total=3) as curve:
        for index in (1, 2, 3):
            curve.log(step(index, 5.432))
            time.sleep(0.001)
    page = screen.last.html()
    masks = [r'data-measured="[^"]*"', r"<script>.*?</script>", r' src="[^"]*"']
    masks += [r"(?<=<span data-measured>)[^<]+", r"<tbody data-measured>.*?</tbody>"]
    for masked in masks:
        page = re.sub(masked, "", page, flags=re.DOTALL)
    assert not re.search(r"\d", re.sub(r'data-key="[^"]*"|100%', "", page))


class Summary:
    """As much of TensorBoard's writer as is used."""

    def __init__(self, folder):
        self.folder, self.scalars, self.flushed = folder, [], 0

    def add_scalar(self, name, value, index):
        self.scalars.append((name, value, index))

    def flush(self):
        self.flushed += 1


def test_a_mirror_hears_every_number(monkeypatch, screen):
    monkeypatch.setattr(tensorboard, "_summary_writer", Summary)
    mirror = tensorboard.TensorBoardWriter("runs/a")
    with LossCurve(mirror=mirror) as curve:
        curve.log(step(1, 3.0))
        curve.log(index=2, loss=2.0)
        curve.validation(2, 2.5)
    writer = mirror._writer
    assert (writer.folder, writer.flushed) == ("runs/a", 1)
    losses = [scalar for scalar in writer.scalars if scalar[0].startswith("loss")]
    assert sorted(losses) == [
        ("loss/training", 2.0, 2),
        ("loss/training", 3.0, 1),
        ("loss/validation", 2.5, 2),
    ]
    assert ("tokens per second", 5120.0, 1) in writer.scalars


def test_tensorboard_itself_reads_what_the_mirror_wrote(tmp_path, screen):
    pytest.importorskip("tensorboard")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        mirror = tensorboard.TensorBoardWriter(tmp_path)
        with LossCurve(mirror=mirror) as curve:
            curve.log(step(1, 3.0))
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(tmp_path)).Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss/training")] == [(1, 3.0)]


def test_where_tensorboard_is_missing_one_sentence_says_so(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    with pytest.raises(
        ImportError, match=r"TensorBoard is missing; install it .* leave mirror out"
    ):
        tensorboard.TensorBoardWriter(tmp_path)
