"""ids → logits: the models of the book, written to be read beside the page."""
