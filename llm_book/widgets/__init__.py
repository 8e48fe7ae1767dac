"""What a model did, made into something a reader can touch.

First a *record*: a frozen dataclass of numbers and words that checks itself. Then a *view* of it:
alive in a page without a kernel, alive with one, and a picture with a sentence where no script
runs. Each kind of view has one function here (``attention_map``, ``LossCurve``, …) and one module
of JavaScript in ``static``.
"""
