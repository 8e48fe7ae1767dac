"""model + batches → steps: the loop, what drives it, and what survives a crash."""
