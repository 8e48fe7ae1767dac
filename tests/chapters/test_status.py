"""The figures of the status page are those of the chapters as they stand."""

from tests.chapters import status
from tests.chapters.kernels import Cost
from tests.chapters.notebooks import chapters, each_chapter


@each_chapter()
def test_the_figures_of_a_chapter_were_taken_on_its_code(chapter):
    taken = status.figures().get(chapter.stem)
    assert taken, f"run python tests/chapters/refresh_outputs.py {chapter.stem}"
    assert taken["code_sha256"] == status.code_hash(chapter)


def test_no_chapter_takes_three_times_what_it_should():
    assert not status.overruns(status.figures())


def test_a_threefold_overrun_is_said_and_a_smaller_one_is_not(monkeypatch, tmp_path):
    monkeypatch.setattr(status, "FIGURES", tmp_path / "status.json")
    chapter = chapters()[0]
    status.note(chapter, Cost(1.0, 3 * status.SECONDS, 3 * status.MEMORY))
    assert not status.overruns(status.figures())
    status.note(chapter, Cost(1.0, 3 * status.SECONDS + 1, 3 * status.MEMORY + 1))
    first, second = status.overruns(status.figures())
    assert first.startswith(f"{chapter.stem}: processor_seconds is 271")
    assert "peak_memory_bytes" in second


def test_a_kernel_without_a_known_peak_is_no_overrun(monkeypatch, tmp_path):
    monkeypatch.setattr(status, "FIGURES", tmp_path / "status.json")
    status.note(chapters()[0], Cost(1.0, 1.0, None))
    assert not status.overruns(status.figures())
