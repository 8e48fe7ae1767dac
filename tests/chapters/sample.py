"""A chapter in small that has everything a chapter must have; the tests take it apart."""

import base64
import io
from typing import Any

import numpy as np
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from tests.chapters.markdown import bibliography
from tests.chapters.setup_cell import launch_line, published, setup_cell


def picture(seed: int = 0, size: tuple[int, int] = (64, 48)) -> str:
    """A PNG of smooth colours in base64."""
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    waves = [np.sin(3 * x + seed), np.cos(4 * y + seed), x * y]
    return png((np.stack(waves, axis=-1) * 60 + 128).astype(np.uint8))


def png(array: np.ndarray) -> str:
    """An image [height, width, 3] of bytes as base64."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def printed(text: str) -> Any:
    """What `print` leaves in a notebook."""
    return new_output("stream", name="stdout", text=text)


def shown(**data: str) -> Any:
    """What `display` leaves; `text_html` stands for text/html."""
    return new_output("display_data", data={k.replace("_", "/"): v for k, v in data.items()})


def cell(source: str, *outputs: Any, **metadata: Any) -> Any:
    """A code cell that ran."""
    return new_code_cell(source, outputs=list(outputs), metadata=metadata)


def exercise(number: int) -> list[Any]:
    """A question, an empty answer, a solution."""
    label = f"ex-{number}"
    question = f":::{{exercise}} ★ Count to {number}\n:label: {label}\nWrite it.\n:::"
    answer = f"def count{number}(n):\n    ...\n\n\ncheck_same(count{number}, ours, 3)"
    return [
        new_markdown_cell(question),
        cell(answer, printed("not answered yet\n"), llm_book={"answers": label}),
        cell(
            f"# @title Solution {number}\ncheck_same(ours, ours, 3)",
            printed("same as ours (1 input)\n"),
            tags=["hide-cell"],
            jupyter={"source_hidden": True},
            cellView="form",
            llm_book={"solves": label},
        ),
    ]


def chapter() -> Any:
    """The whole of it, every cell run once."""
    keys = sorted(bibliography())[:3]
    reading = "\n".join(f"- {{cite:t}}`{key}`: read it to see where it began." for key in keys)
    version, repository = published()
    title = (
        '(chap-sample)=\n# 5 A sample\n\n<small lang="zh">样章</small>\n\n'
        "You will build one small thing, look at it, and import it from the package after that.\n\n"
        "**You need first:** nothing\n\n**Time:** 1 minute on a CPU or a GPU\n\n"
        "**Memory:** 1 GB on a CPU or a GPU\n\n"
        + launch_line("chapters/05_sample.ipynb", version, repository)
    )
    equation = "```{math}\n:label: eq-sample\ny = 2 x\n```\n\nPartner: `llm_book.i18n.t`"
    figure = {"caption": "A wave.", "name": "fig-wave"}
    cells = [
        new_markdown_cell(title),
        new_markdown_cell(
            '(sec-borrowed)=\n## Borrowed ideas\n\n<small lang="zh">借用的概念</small>\n\nNone.'
        ),
        cell(setup_cell(version, repository), printed("preset small · seed 0 · ⟨cpu⟩\n")),
        new_markdown_cell(f'(sec-one)=\n## 5.1 One\n\n<small lang="zh">一</small>\n\n{equation}'),
        cell("print(12)", printed("accuracy: ⟨0.912⟩ (must lie in 0.85 … 0.96)\n12 reviews\n")),
        cell(
            "plot()\nplt.show()",
            new_output("display_data", data={"image/png": picture(), "text/plain": "<Figure>"}),
            mystnb={"image": {"alt": "A wave that rises from left to right"}, "figure": figure},
        ),
        new_markdown_cell("(sec-two)=\n## 5.2 Two\n\n<small>ours</small>"),
        cell("1 / 0", _error(), tags=["raises-exception"]),
        new_markdown_cell('(sec-check)=\n## Check yourself\n\n<small lang="zh">自测</small>'),
        *[part for number in range(1, 6) for part in exercise(number)],
        new_markdown_cell('(sec-saw)=\n## What we saw\n\n<small lang="zh">所见</small>'),
        cell("table()", shown(text_html="<td>⟨0.912⟩</td><td>0.85 … 0.96</td>")),
        new_markdown_cell(f'(sec-read)=\n## Read on\n\n<small lang="zh">阅读</small>\n\n{reading}'),
    ]
    code = [c for c in cells if c.cell_type == "code"]
    for count, one in enumerate(code, start=1):
        one.execution_count = count
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def _error() -> Any:
    words = "ZeroDivisionError: division by zero"
    name, value = words.split(": ")
    return new_output("error", ename=name, evalue=value, traceback=[words])
