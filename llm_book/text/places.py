"""Where in a text its words stand, so that what was found among tokens can be shown as written."""

from llm_book.text.tokenizers import WordTokenizer


def word_places(text: str) -> list[tuple[int, int]]:
    """First character of each token of ``WordTokenizer``, and the one behind its last.

    White space belongs to no token. Raises ``ValueError`` where the tokenizer rewrites a word, as
    it does with accents that are characters of their own (bring the text into NFC first).
    """
    read, places, end = text.replace("’", "'").replace("\u00b4", "'"), [], 0
    for token in WordTokenizer(lower=False).tokenize(text):
        start = read.find(token, end)
        if start < 0:
            raise ValueError(f"the token {token!r} does not stand in the text; give it in NFC")
        end = start + len(token)
        places.append((start, end))
    return places
