"""The repository's address and the version, taken from pyproject.toml, where they stand once."""

import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError
from sphinx.util.docutils import SphinxDirective

PLACEHOLDER_OWNER = "example"


def read_project(root: Path) -> tuple[str, str]:
    """Repository URL (no slash at its end) and version."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"].rstrip("/"), project["version"]


def pages_url(repository: str) -> str:
    """Where GitHub Pages shows a repository: https://OWNER.github.io/NAME/."""
    owner, _, name = urlsplit(repository).path.strip("/").partition("/")
    if not owner or not name or "/" in name:
        raise ConfigError(
            f"Repository in pyproject.toml is {repository!r}; "
            "a book on GitHub Pages needs https://github.com/OWNER/NAME"
        )
    return f"https://{owner}.github.io/{name}/"


def set_address(app: Sphinx, config: Config) -> None:
    """Buttons, launch links and canonical links follow pyproject.toml.

    Colab opens the release tag, because that is the version the notebook's first cell installs.
    """
    repository, version = read_project(Path(app.srcdir))
    config.version = config.release = version
    config.html_theme_options.update(repository_url=repository, repository_branch=f"v{version}")
    config.html_baseurl = config.ogp_site_url = pages_url(repository)


class WhileUnpublished(SphinxDirective):
    """Says its content only as long as the repository's address is the placeholder."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        project = Path(self.env.srcdir) / "pyproject.toml"
        self.env.note_dependency(str(project))
        repository, _ = read_project(project.parent)
        if urlsplit(repository).path.strip("/").split("/")[0] != PLACEHOLDER_OWNER:
            return []
        note = nodes.note(classes=["while-unpublished"])
        self.state.nested_parse(self.content, self.content_offset, note)
        return [note]


def register(app: Sphinx) -> None:
    app.add_directive("while-unpublished", WhileUnpublished)
    app.connect("config-inited", set_address, priority=100)
