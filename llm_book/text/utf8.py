"""Text as bytes: UTF-8, with a sentence where it cannot be."""


def utf8(text: str) -> bytes:
    """The text as UTF-8. Raises ValueError for a lone surrogate, which has no bytes there."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"the text holds the lone surrogate {text[error.start]!r}, half a character that "
            "UTF-8 cannot write; decode its source again with errors='replace'"
        ) from error
