"""llm-book: what the book does from a terminal."""

import importlib
import os
import pkgutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

import torch
import typer

from llm_book import recipes, results
from llm_book.comparison import compared
from llm_book.data.download import DataUnavailable, cache_folder, mirror_folder
from llm_book.recipes.endings import AskedToEnd, asked_to_end, ending
from llm_book.recipes.job import Job
from llm_book.recipes.restarts import attempt, meet_anew
from llm_book.record_figure import draw as draw_curves
from llm_book.runtime import Runtime
from llm_book.session import machine
from llm_book.training.distributed import joined

app = typer.Typer(help="Run the book's recipes and keep their results.", no_args_is_help=True)
ledger = typer.Typer(help="Recorded runs.", no_args_is_help=True)
app.add_typer(ledger, name="results")

NOT_RECIPES = (
    *("chat_models", "chat_pairs", "endings", "job", "planted_secrets", "privacy_examiner"),
    *("public_words", "restarts", "span_tasks", "word_vectors"),
)


def recipe_names() -> list[str]:
    """Every recipe, found by looking into the package."""
    found = (module.name for module in pkgutil.iter_modules(recipes.__path__))
    return sorted(name for name in found if name not in NOT_RECIPES)


@app.command()
def doctor() -> None:
    """Say what this machine offers and where the data would come from."""
    typer.echo(f"llm-book {results.code_facts('llm_book.runtime')['version']}")
    runtime = Runtime.detect()
    facts = results.machine_facts(runtime)
    typer.echo(f"runs on {machine(runtime)}")
    typer.echo(f"{facts['system']}; {facts['gpu'] or facts['processor']}")
    mirror = mirror_folder()
    typer.echo(f"data from {mirror or 'the network (LLM_BOOK_MIRROR names no folder)'}")
    typer.echo(f"downloads are kept in {cache_folder()}")


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="The recipe, e.g. imdb_gru.")],
    preset: Annotated[
        str, typer.Option(help="small (embedded data) or full (real data).")
    ] = "small",
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas.")] = "0",
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    threads: Annotated[
        int, typer.Option(min=1, help="CPU threads; 1 gives the same bits each time.")
    ] = 1,
    runs: Annotated[Path, typer.Option(help="Where runs are written.")] = Path("runs"),
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change a setting: --set epochs=2.")
    ] = None,
) -> None:
    """Run a recipe once for each seed.

    Under torchrun (``torchrun --nproc-per-node 2 -m llm_book.cli run …``) the processes train as
    one; started again by --max-restarts, they go on from the last checkpoint.
    """
    torch.set_num_threads(threads)
    resume = resume or attempt() > 0
    try:
        meet_anew()
        recipe = _recipe(name)
        config = _changed(_preset(recipe, preset), set_ or [])
        numbers, changed = _seeds(seeds), tuple(set_ or ())
        with _ending_when_asked(), joined(Runtime.detect(device)) as runtime:
            for seed in numbers:
                job = Job(name, preset, seed, runs, runtime, resume, changed, _say)
                _run_once(recipe, config, job)
    except BaseException as error:
        sentence = ending(error)
        if sentence is None and not isinstance(error, REFUSALS):
            raise
        _fail(sentence or error, 1 if isinstance(error, Exception) else _by_signal(error))


REFUSALS = (ValueError, OSError, DataUnavailable)


def _run_once(recipe: Any, config: Any, job: Job) -> None:
    if job.finished(config):
        job.say(f"{job.folder} is finished already; nothing to do")
        return
    recipe.run(config, job)
    job.say(f"written to {job.folder}")


def _say(sentence: str) -> None:
    """Show a sentence once, however many processes run."""
    if os.environ.get("RANK", "0") == "0":
        typer.echo(sentence)


@contextmanager
def _ending_when_asked() -> Iterator[None]:
    """Inside, SIGTERM ends a run as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, asked_to_end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _by_signal(error: BaseException) -> int:
    """The exit status that a shell gives to a process which a signal ended."""
    return 128 + (signal.SIGTERM if isinstance(error, AskedToEnd) else signal.SIGINT)


def _recipe(name: str) -> Any:
    if name not in recipe_names():
        raise ValueError(f"recipe {name!r} is unknown; choose one of {', '.join(recipe_names())}")
    return importlib.import_module(f"llm_book.recipes.{name}")


def _preset(recipe: Any, preset: str) -> Any:
    if preset not in recipe.PRESETS:
        raise ValueError(f"preset {preset!r} is unknown; choose {' or '.join(recipe.PRESETS)}")
    return recipe.PRESETS[preset]


def _seeds(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"seeds {text!r} are not whole numbers; write e.g. --seeds 0,1,2"
        ) from None


def _changed(config: Any, settings: list[str]) -> Any:
    kinds = {field.name: field.type for field in fields(config)}
    changes = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        if key not in kinds:
            raise ValueError(f"setting {key!r} is unknown; choose one of {', '.join(kinds)}")
        changes[key] = _parsed(key, value, kinds[key])
    return replace(config, **changes)


def _parsed(key: str, value: str, kind: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"setting {key} is {value!r}; expected a {kind.__name__}") from None


@ledger.command()
def accept(
    folders: Annotated[list[Path], typer.Argument(help="Run folders, one a seed.")],
    into: Annotated[Path, typer.Option(help="The ledger.")] = Path("book/results"),
    note: Annotated[str, typer.Option(help="What else a reader should know.")] = "",
) -> None:
    """Join finished runs into one record."""
    try:
        typer.echo(f"recorded in {results.accept(folders, into, note)}")
    except (ValueError, KeyError, OSError) as error:
        _fail(error)


@ledger.command("list")
def list_records(
    name: Annotated[str | None, typer.Argument(help="A record's name, or its file.")] = None,
) -> None:
    """A line for each record that came with the package, or every number of one of them."""
    if name is not None:
        try:
            typer.echo(results.opened(name).everything)
        except (ValueError, KeyError, OSError) as error:
            _fail(error)
        return
    for each in results.names():
        record = results.opened(each)
        typer.echo(f"{each}: {record.headline}; {record.caption}")


@ledger.command()
def compare(
    one: Annotated[str, typer.Argument(help="A record's name, or its file.")],
    other: Annotated[str, typer.Argument(help="Another's.")],
) -> None:
    """Two records beside each other: what differs, then every number that both hold."""
    try:
        typer.echo(compared(results.opened(one), results.opened(other)))
    except (ValueError, KeyError, OSError) as error:
        _fail(error)


@ledger.command()
def draw(
    name: Annotated[str, typer.Argument(help="A record's name, or its file.")],
    to: Annotated[Path | None, typer.Option(help="The picture, .svg or .png.")] = None,
) -> None:
    """Draw the loss curves of a record's seeds; without --to into NAME.svg."""
    try:
        record = results.opened(name)
        typer.echo(f"drawn in {draw_curves(record, to or Path(f'{record.name}.svg'))}")
    except (ValueError, KeyError, OSError) as error:
        _fail(error)


def _fail(error: BaseException | str, status: int = 1) -> NoReturn:
    typer.echo(f"llm-book: {error}", err=True)
    raise typer.Exit(status) from None


if __name__ == "__main__":
    app()
