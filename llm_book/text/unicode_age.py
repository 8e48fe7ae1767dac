"""Unicode grows: letters that one library knows and another does not yet.

A split pattern asks for letters (`\\p{L}`) and numbers (`\\p{N}`). Which characters those are
depends on the edition of Unicode that a library carries. `tiktoken` and `tokenizers` carry edition
16; the `regex` library may carry a later one and would then keep together what they cut apart.
So that ids do not depend on the version of `regex`, a letter younger than edition 16 counts here
as what it was then: a code point without a character.
"""

from __future__ import annotations

import re
from functools import cache

NO_CHARACTER = "\uffff"  # no edition will ever make this one a letter

# Letters and numbers of the editions 17 and 18, runs of unassigned code points between them closed.
YOUNGER = """
558 58b-58c 88f c5c cdc 208f 209d-209f a7ce-a7cf a7d2 a7d4 a7dd-a7f1 ab6c-ab6d 107bb-107bf
10940-10959 10ec5-10eee 11b0a 11db0-11df1 1246f 12475-1247f 12550-12686 16ea0-16ed3 16ff2-16ff6
187f8-187ff 18cd6-18cda 18d09-191d2 1b123-1b128 1b168 1d6a6 1df1f-1df24 1df2b-1dfff 1e6c0-1e6ff
2b73a-2b73f 2b81e 2cea2-2cead 323b0-3fc3f
"""


def as_in_unicode_16(text: str) -> str:
    """`text` with each letter or number younger than Unicode 16 replaced; its length is kept."""
    if text.isascii() or not _suspects().search(text):  # the exact set takes four times as long
        return text
    return _younger().sub(NO_CHARACTER, text)


@cache
def _younger() -> re.Pattern[str]:
    """The set of those characters, compiled at the first use."""
    return re.compile(f"[{''.join(_runs())}]")


@cache
def _suspects() -> re.Pattern[str]:
    """Those of the first plane, and whatever lies beyond it."""
    first_plane = "".join(run for run in _runs() if run < "\U00010000")
    return re.compile(f"[{first_plane}\U00010000-\U0010ffff]")


def _runs() -> list[str]:
    """The runs as a set of a regular expression writes them."""
    ends = (run.split("-") for run in YOUNGER.split())
    return ["-".join(chr(int(end, 16)) for end in run) for run in ends]
