"""What the book asks of a reader's machine, and what the tests run with."""

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.house.tracked import ROOT, project

# What Colab had preinstalled when this was written (November 2026). Installing the book there must
# move none of it.
COLAB_PYTHON = "3.13"
COLAB = {
    "torch": "2.11.0",
    "numpy": "2.1.3",
    "ipython": "7.34.0",
    "ipywidgets": "7.7.1",
    "matplotlib": "3.10.0",
}
# Its next major version is another program, which cannot build these pages.
HELD_BELOW = {"jupyter-book"}


def requirements(extra: str | None = None) -> dict[str, Requirement]:
    """What the wheel, or one extra, asks for, by name."""
    table = project()
    listed = table["optional-dependencies"][extra] if extra else table["dependencies"]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in listed}


def pins() -> dict[str, Version]:
    """constraints.txt by name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert all(line.count("==") == 1 for line in wanted)
    return {canonicalize_name(line.split("==")[0]): Version(line.split("==")[1]) for line in wanted}


def every_extra() -> list[str]:
    return list(project()["optional-dependencies"])


def test_requirements_are_lower_bounds_only() -> None:
    for extra in [None, *every_extra()]:
        for name, requirement in requirements(extra).items():
            operators = sorted(specifier.operator for specifier in requirement.specifier)
            assert operators == (["<", ">="] if name in HELD_BELOW else [">="]), name


def test_what_colab_has_satisfies_the_wheel() -> None:
    wheel = requirements()
    assert set(COLAB) <= set(wheel)
    refused = {name: v for name, v in COLAB.items() if not wheel[name].specifier.contains(v)}
    assert refused == {}
    assert project()["requires-python"].removeprefix(">=") <= COLAB_PYTHON


def test_a_bound_above_colabs_would_be_seen() -> None:
    assert not Requirement("torch>=2.12").specifier.contains(COLAB["torch"])


def test_every_requirement_has_a_pin_that_satisfies_it() -> None:
    pinned = pins()
    for extra in [None, *every_extra()]:
        for name, requirement in requirements(extra).items():
            assert name in pinned, f"{name} has no line in constraints.txt"
            assert requirement.specifier.contains(pinned[name]), requirement


def test_pins_hold_no_suffix_of_one_build() -> None:
    assert {name: str(v) for name, v in pins().items() if v.local} == {}


def test_the_wheel_needs_no_tool_of_those_who_work_on_it() -> None:
    assert set(requirements()).isdisjoint(requirements("dev"))


def test_extras_are_the_four_that_the_readme_speaks_of() -> None:
    assert every_extra() == ["book", "dev", "frameworks", "classroom"]
