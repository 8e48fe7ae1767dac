"""The repository's address and the version stand once, in pyproject.toml; the rest follows."""

import re
from pathlib import Path

import yaml

from llm_book.dev.address import KEPT, cited, declared, forms, replace_in
from tests.house.tracked import ROOT, project, texts

ADDRESS = re.compile(
    r"github\.com/(?P<slug>[\w.-]+/{name})|colab\.research\.google\.com/github/(?P<colab>[\w.-]+/{name})"
    r"|https://(?P<owner>[\w-]+)\.github\.io/{name}".replace("{name}", "llm-book")
)


def addresses(text: str) -> set[str]:
    """Every OWNER/NAME that a text gives for this repository or for its pages."""
    hits = ADDRESS.finditer(text)
    return {hit["slug"] or hit["colab"] or f"{hit['owner']}/llm-book" for hit in hits}


def test_every_address_is_the_one_in_pyproject() -> None:
    url, _ = declared(ROOT)
    slug = "/".join(url.split("/")[-2:])
    wrong = {name: sorted(addresses(text) - {slug}) for name, text in texts().items()}
    assert {n: found for n, found in wrong.items() if found and not n.startswith(KEPT)} == {}


def test_citation_has_the_address_and_version_of_pyproject() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == project()["urls"]["Repository"]
    assert citation["version"] == project()["version"]


def test_citation_and_project_have_the_same_title_and_authors() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["authors"] == project()["authors"]
    heading = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[0]
    assert heading == f"# {citation['title']}"


def test_site_configuration_repeats_no_address() -> None:
    assert addresses((ROOT / "_config.yml").read_text(encoding="utf-8")) == set()


def test_links_into_a_release_name_the_version_of_pyproject() -> None:
    tag = re.compile(r"llm-book(?:\.git)?(?:/blob/|@)v(\d[\w.]*\w)")
    version = project()["version"]
    others = {name: sorted(set(tag.findall(text)) - {version}) for name, text in texts().items()}
    assert {n: found for n, found in others.items() if found and not n.startswith(KEPT)} == {}


def test_readme_names_the_placeholder_as_long_as_it_is_one() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert ("is a placeholder" in readme) == ("/example/" in project()["urls"]["Repository"])


def test_installed_version_is_the_one_in_pyproject() -> None:
    import llm_book

    assert llm_book.__version__ == project()["version"]


def test_one_edit_and_one_command_move_everything(tmp_path: Path) -> None:
    old = ("https://github.com/first/llm-book", "0.1.0")
    new = ("https://github.com/second/the-book", "0.2.0")
    page = tmp_path / "page.md"
    before = (
        "[a](https://github.com/first/llm-book/issues) https://first.github.io/llm-book/ "
        "colab.research.google.com/github/first/llm-book/blob/v0.1.0/c.ipynb numpy 0.1.0 "
        'git+https://github.com/first/llm-book@v0.1.0\nversion: "0.1.0"\n'
    )
    page.write_text(before, encoding="utf-8", newline="\n")
    assert replace_in(page, forms(old), forms(new))
    assert page.read_text(encoding="utf-8") == (
        "[a](https://github.com/second/the-book/issues) https://second.github.io/the-book/ "
        "colab.research.google.com/github/second/the-book/blob/v0.2.0/c.ipynb numpy 0.1.0 "
        'git+https://github.com/second/the-book@v0.2.0\nversion: "0.2.0"\n'
    )
    assert not replace_in(page, forms(old), forms(new))


def test_command_reads_the_citation_as_yaml_does() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited(ROOT) == (citation["repository-code"], citation["version"])
