"""The tests of one line against one mutant, in a process that can be thrown away."""

import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.draw import Mutant

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "_build", "node_modules", "__pycache__", "runs", "vendor", "*.egg-info", ".*"
)
HEAVY = ("torch", "torch._dynamo", "numpy", "scipy.stats", "sklearn.linear_model", "hypothesis")
HEAVY += ("beartype", "jaxtyping", "transformers", "transformers.models.gpt2.modeling_gpt2")
HEAVY += ("transformers.models.llama.modeling_llama", "transformers.models.bert.modeling_bert")
HEAVY += ("transformers.generation.logits_process", "gensim", "sacrebleu", "nltk", "peft")
# What is imported before pytest begins cannot have its assertions rewritten; it need not.
KNOWN = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
PASSED, NOTHING_RAN = 0, 5  # every other status, a test file that no longer imports too, is a sign


def copied(root: Path, target: Path) -> Path:
    """The tree, free to be broken; hidden files stay behind, caches too."""
    shutil.copytree(root, target, ignore=LEFT_OUT)
    return target


def warm_up() -> None:
    """Import what every test needs once, so that a forked process need not."""
    import importlib

    for name in HEAVY:
        try:
            importlib.import_module(name)
        except ImportError:  # a peer that is not installed: its tests say so themselves
            continue


def noticed(mutant: Mutant, tests: Sequence[str], tree: Path, seconds: float) -> bool:
    """Whether any of the tests fails, or runs into the time limit, on the mutant."""
    file = tree / mutant.path
    original = file.read_text(encoding="utf-8")
    file.write_text(mutant.text, encoding="utf-8", newline="\n")
    try:
        return _status(tests, tree, seconds) not in (PASSED, NOTHING_RAN)
    finally:
        file.write_text(original, encoding="utf-8", newline="\n")


def _status(tests: Sequence[str], tree: Path, seconds: float) -> int:
    arguments = [
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--no-header",
        *KNOWN,
        *tests,
    ]
    if not hasattr(os, "fork"):
        command = [sys.executable, "-B", "-m", "pytest", *arguments]
        try:
            done = subprocess.run(command, cwd=tree, timeout=seconds + 60, capture_output=True)
        except subprocess.TimeoutExpired:
            return 1
        return done.returncode
    child = os.fork()
    if child == 0:
        _be_pytest(arguments, tree)
    return _waited(child, seconds)


def _be_pytest(arguments: list[str], tree: Path) -> None:
    """Never returns: runs pytest in the tree and ends the process with its status."""
    os.setpgid(0, 0)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    status = 3
    try:
        os.chdir(tree)
        os.environ["PYTHONPATH"] = str(tree)
        sys.dont_write_bytecode = True
        sys.path[:] = [str(tree), *[p for p in sys.path if p and Path(p) != Path.cwd()]]
        for name in [n for n in sys.modules if n.partition(".")[0] in ("tests", "llm_book")]:
            del sys.modules[name]
        import pytest

        status = int(pytest.main(arguments))
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(status)


def _waited(child: int, seconds: float) -> int:
    """The child's status; 1 where it had to be stopped, since a hanging mutant is seen too."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 1
