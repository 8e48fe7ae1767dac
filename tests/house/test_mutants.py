"""The search for bugs that no test notices finds what it should."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants import __main__ as command
from tests.mutants import touching, trial
from tests.mutants.draw import Mutant, candidates, drawn, files_of

SOURCE = '''"""A file."""


def blend(a: "float | None", b, axis=1):
    """Says 1 + 1, which no behaviour depends on."""
    if a < b and not a:
        raise ValueError(f"{a + 1} came")
    a += 2
    log(a)
    return abs(-a * b.sum(dim=-1) + 0.5)
'''


def found() -> list[Mutant]:
    return candidates("llm_book/x.py", SOURCE)


def test_every_kind_of_bug_is_planted() -> None:
    kinds = Counter(mutant.kind for mutant in found())
    assert set(kinds) == {"sign", "operator", "constant", "axis", "comparison", "dropped call"}


def test_a_mutant_is_one_change_that_python_can_read() -> None:
    for mutant in found():
        assert ast.dump(ast.parse(mutant.text)) != ast.dump(ast.parse(SOURCE)), mutant
    changes = {(m.before, m.after) for m in found()}
    assert ("a < b", "(a <= b)") in changes
    assert ("log(a)", "pass") in changes
    assert ("-1", "-2") in changes and ("-1", "0") in changes
    assert ("1", "2") in changes, "a default is behaviour"
    assert not any("came" in before for before, _ in changes), "a message is tested by its words"


def test_the_same_seed_draws_the_same_bugs(tmp_path: Path) -> None:
    file = tmp_path / "llm_book" / "x.py"
    file.parent.mkdir()
    file.write_text(SOURCE, encoding="utf-8")
    assert list(files_of(tmp_path, ["llm_book"])) == [file]
    once, again, other = (drawn([file], tmp_path, 5, seed) for seed in (1, 1, 2))
    assert once == again != other and len(once) == 5
    assert len(drawn([file], tmp_path, 1000, 1)) == len(found())


def test_a_line_knows_the_tests_that_run_it() -> None:
    table = touching.Touching(
        {("llm_book/x.py", 3): {"tests/test_y.py::slow", "tests/test_x.py::b"}},
        {"llm_book/x.py": {"tests/test_y.py::slow", "tests/test_x.py::b", "tests/test_y.py::a"}},
        {"tests/test_y.py::slow": 9.0, "tests/test_x.py::b": 1.0, "tests/test_y.py::a": 0.1},
    )
    assert table.tests("llm_book/x.py", 3) == ["tests/test_x.py::b", "tests/test_y.py::slow"]
    assert len(table.tests("llm_book/x.py", 1)) == 3, "a line that runs at import"
    assert table.tests("llm_book/y.py", 1) == ["tests/test_y.py::a", "tests/test_y.py::slow"]
    assert table.tests("llm_book/z.py", 1) == []


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A package of one function with two tests, one of which sees what it returns."""
    (tmp_path / "llm_book").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "llm_book" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "llm_book" / "x.py").write_text("def f():\n    return 1 + 1\n", encoding="utf-8")
    (tmp_path / "tests" / "test_x.py").write_text(
        "from llm_book.x import f\n\n\ndef test_runs():\n    assert f() is not None\n\n\n"
        "def test_sees():\n    assert f() == 2\n",
        encoding="utf-8",
    )
    return tmp_path


def test_a_bug_is_noticed_by_a_test_that_looks_and_by_no_other(tree: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(touching.ROOT)!r})\n"
        "from tests.mutants import trial\n"
        "from tests.mutants.draw import Mutant\n"
        f"tree = Path({str(tree)!r})\n"
        "def seen(text, *tests):\n"
        "    mutant = Mutant('llm_book/x.py', 2, 'sign', '', '', text, 'f')\n"
        "    return trial.noticed(mutant, [f'tests/test_x.py::{t}' for t in tests], tree, 60)\n"
        "minus = 'def f():\\n    return 1 - 1\\n'\n"
        "print(seen(minus, 'test_runs', 'test_sees'), seen(minus, 'test_runs'),\n"
        "      seen((tree / 'llm_book/x.py').read_text(), 'test_runs', 'test_sees'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tree)
    assert done.stdout.split() == ["True", "False", "False"], done.stderr
    whole = (tree / "llm_book" / "x.py").read_text(encoding="utf-8")
    assert whole == "def f():\n    return 1 + 1\n", "the tree is put back"


def test_what_computes_the_same_is_listed_with_its_reason() -> None:
    for name, reason in command.known_equivalent().items():
        path, _, change = name.partition(" ")
        assert (touching.ROOT / path).exists(), name
        assert "→" in change and len(reason) > 10, name


def test_a_copied_tree_leaves_builds_and_histories_behind(tmp_path: Path) -> None:
    source = tmp_path / "a"
    for name in (".git/x", "_build/x", "llm_book/x.py", "tests/x.py"):
        (source / name).parent.mkdir(parents=True)
        (source / name).write_text("", encoding="utf-8")
    copy = trial.copied(source, tmp_path / "b")
    assert sorted(path.name for path in copy.iterdir()) == ["llm_book", "tests"]
