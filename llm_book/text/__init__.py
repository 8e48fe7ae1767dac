"""Strings ⇄ ids: `tokenizers` cut text into tokens, `vocabulary` numbers them."""
