"""Whole runs composed from the shelves, one module a recipe."""
