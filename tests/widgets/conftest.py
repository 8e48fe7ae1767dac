"""One browser for all tests of widgets."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.site.browser import NoBrowser, launched


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A running browser; without one the test is skipped, or fails where it is required."""
    try:
        with launched() as browser:
            yield browser
    except NoBrowser as error:
        pytest.skip(str(error))
