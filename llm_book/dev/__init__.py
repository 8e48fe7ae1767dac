"""The commands of someone who works on the book: ``python -m llm_book.dev help``.

``make`` calls the same commands. They need a clone of the repository and a Python with ``venv``,
nothing else: this folder uses the standard library alone, makes ``.venv`` and runs everything
else in there. It is written so that even an old Python can read it far enough to say what it
lacks.
"""
