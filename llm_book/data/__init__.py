"""Where text comes from: generated, or fetched from a table of published sets.

`world` generates reviews; `registry` is the table of published sets, `download` fetches and checks
them, `archives` reads tar and zip files safely, `imdb` and `glove` load them; `batches` makes
rectangles of ids from them.
"""
