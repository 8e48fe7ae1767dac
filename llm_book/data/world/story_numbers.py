"""What can be known of a grammar's stories without drawing any: all of them, entropy, length.

Every choice is made independently of the others, but for a variable that avoids the value of
another; so entropies and expected lengths add up over the choices.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from math import log
from string import Formatter

from llm_book.data.world.chances import entropy_of
from llm_book.data.world.tokens import count_tokens
from llm_book.data.world.weighted_grammar import Bindings, StoryDerivation, StoryGrammar


def every_derivation(grammar: StoryGrammar) -> Iterator[StoryDerivation]:
    """Every story that there is, once; for grammars small enough to be counted out."""
    for number, plot in enumerate(grammar.plots):
        start = StoryDerivation(number, (), {}, log(plot.weight))
        yield from _continuations(grammar, plot.steps, start)


def _continuations(
    grammar: StoryGrammar, steps: tuple[tuple[str, float], ...], so_far: StoryDerivation
) -> Iterator[StoryDerivation]:
    if not steps:
        yield so_far
        return
    (name, probability), rest = steps[0], steps[1:]
    if probability < 1:
        left_out = replace(so_far, log_prob=so_far.log_prob + log(1 - probability))
        yield from _continuations(grammar, rest, left_out)
    scene = grammar.scenes[name]
    for frame, weight in enumerate(scene.weights):
        for bindings, chance in grammar.joint(scene.new, so_far.bindings):
            told = StoryDerivation(
                so_far.plot,
                (*so_far.scenes, (name, frame)),
                bindings,
                so_far.log_prob + log(probability * weight * chance),
            )
            yield from _continuations(grammar, rest, told)


def grammar_entropy(grammar: StoryGrammar) -> float:
    """The entropy of a story in nats: the expected sum of the entropies of its choices."""
    return entropy_of([plot.weight for plot in grammar.plots]) + sum(
        plot.weight * (entropy_of([chance, 1 - chance]) + chance * _of_scene(grammar, name))
        for plot in grammar.plots
        for name, chance in plot.steps
    )


def _of_scene(grammar: StoryGrammar, name: str) -> float:
    scene = grammar.scenes[name]
    return entropy_of(scene.weights) + sum(_of_variable(grammar, v) for v in scene.new)


def _of_variable(grammar: StoryGrammar, name: str) -> float:
    """The entropy of what is drawn, given the variable that it avoids."""
    avoided = _needed(grammar, name)[:-1]
    return sum(
        chance * entropy_of(tuple(grammar.options(name, bound).values()))
        for bound, chance in grammar.joint(avoided, {})
    )


def _needed(grammar: StoryGrammar, name: str) -> tuple[str, ...]:
    """The variables on which this one's distribution depends, in order, and itself."""
    unlike = grammar.variables[name].unlike
    return (*(_needed(grammar, unlike) if unlike else ()), name)


def expected_tokens(grammar: StoryGrammar, language: str) -> float:
    """The expected number of tokens of a story: over scenes, and in a frame over text and slots."""
    side = ("en", "zh").index(language)

    @cache
    def draws(needed: tuple[str, ...]) -> list[tuple[Bindings, float]]:
        return list(grammar.joint(needed, {}))

    @cache
    def mean(slot: str) -> float:
        needed = [name for own in grammar.slots[slot].variables for name in _needed(grammar, own)]
        rows = draws(tuple(dict.fromkeys(needed)))
        return sum(chance * count_tokens(grammar.say(slot, row)[side]) for row, chance in rows)

    return sum(
        plot.weight * chance * weight * _tokens_of_frame(frame[side], mean)
        for plot in grammar.plots
        for name, chance in plot.steps
        for frame, weight in zip(
            grammar.scenes[name].frames, grammar.scenes[name].weights, strict=True
        )
    )


def _tokens_of_frame(frame: str, mean: Callable[[str], float]) -> float:
    return sum(
        count_tokens(literal) + (mean(slot) if slot else 0)
        for literal, slot, _, _ in Formatter().parse(frame)
    )
