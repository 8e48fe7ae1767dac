"""A record's curves in one figure: every seed is in it, and where it comes from stands beneath."""

import json
import re

import pytest
from PIL import Image
from typer.testing import CliRunner

from llm_book import record_figure, results
from llm_book.cli import app
from llm_book.record_figure import draw, figure
from llm_book.results import LedgerError, Record, accept, read_json
from llm_book.session import COLOURS
from tests.test_results import a_run

run = CliRunner()


@pytest.fixture
def path(tmp_path):
    """The file of a record with curves of two seeds and validation of the first."""
    runs = [a_run(tmp_path, seed) for seed in (0, 1)]
    points = [{"index": i, "loss": 1 / i} for i in (100, 300, 500)]
    (runs[0] / "validation.jsonl").write_text(
        "".join(json.dumps(point) + "\n" for point in points), encoding="utf-8"
    )
    return accept(runs, tmp_path / "ledger")


@pytest.fixture
def record(path):
    return Record("toy.small.cpu", read_json(path))


def words(svg):
    """What stands in a picture, in one line."""
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))


def test_a_seed_has_a_line_and_its_validation_points_in_one_colour(record):
    axes = figure(record).axes[0]
    looks = [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in axes.lines]
    assert looks == [
        (COLOURS[0], "-", "None"),
        (COLOURS[0], "None", "o"),
        (COLOURS[1], "-", "None"),
    ]
    curve = record.document["runs"][1]["curve"]
    assert axes.lines[2].get_xydata().T.tolist() == [curve["index"], curve["loss"]]
    assert axes.lines[1].get_xydata().tolist() == [[100, 0.01], [300, 1 / 300], [500, 0.002]]


def test_axes_legend_and_origin_are_words_in_the_file(record, tmp_path):
    svg = draw(record, tmp_path / "new" / "toy.svg").read_text(encoding="utf-8")
    said = words(svg)
    for part in ("training step", "loss (nats)", "seed 0, training", "seed 0, validation"):
        assert part in said
    assert "2 seed(s) on p, 1 thread(s), 0 min, recorded with an earlier version" in said
    assert "<title>toy.small.cpu: 2 seed(s)" in svg
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["toy.svg"]


def test_the_same_record_gives_the_same_file(record, tmp_path):
    files = [draw(record, tmp_path / f"{name}.svg").read_bytes() for name in "ab"]
    assert files[0] == files[1]


def test_a_figure_that_fails_leaves_the_old_file_and_nothing_aside(record, tmp_path, monkeypatch):
    target = draw(record, tmp_path / "x" / "toy.svg")
    before = target.read_bytes()
    from matplotlib.figure import Figure

    def torn(self, path, **more):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", torn)
    with pytest.raises(OSError, match="disk full"):
        draw(record, target)
    assert target.read_bytes() == before and len(list(target.parent.iterdir())) == 1


def test_the_command_draws_a_file_into_a_png_or_beside_itself(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = run.invoke(app, ["results", "draw", str(path), "--to", "picture.png"])
    assert answer.output == "drawn in picture.png\n"
    with Image.open(tmp_path / "picture.png") as image:
        assert image.format == "PNG" and image.width > 400
    assert run.invoke(app, ["results", "draw", str(path)]).output == "drawn in toy.small.cpu.svg\n"


def test_another_kind_of_file_and_a_record_without_a_curve_are_refused(record, tmp_path):
    with pytest.raises(LedgerError, match=r"toy.gif is no picture; name a file with .svg or .png"):
        draw(record, tmp_path / "toy.gif")
    for one in record.document["runs"]:
        one |= {"curve": {"index": [], "loss": []}, "validation": []}
    with pytest.raises(LedgerError, match="holds no loss curve, since its recipe keeps none"):
        draw(record, tmp_path / "toy.svg")
    assert not (tmp_path / "toy.svg").exists()


def test_the_books_figure_style_stays_as_it_was(record, tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    draw(record, tmp_path / "toy.svg")
    assert dict(matplotlib.rcParams) == before


def test_what_draws_and_compares_is_in_the_hash_of_no_recipe():
    from llm_book.cli import recipe_names

    for name in recipe_names():
        sources = results._sources(f"llm_book.recipes.{name}", {})
        assert record_figure.__name__ not in sources and "llm_book.comparison" not in sources
