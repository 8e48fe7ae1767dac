"""Looking inside a model: what passes through its parts, and what each part does to the answer."""
