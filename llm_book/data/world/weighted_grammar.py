"""A weighted grammar of stories: plots, scenes, frames, and variables that are drawn once.

A story follows a *plot*, a row of *scenes*, some of which may be left out. A scene is said in one
of several *frames*. What a story is about are its *variables*: each is drawn in the scene that
first speaks of it, and whatever a later scene says of it follows. So a reader who remembers can
foresee what a reader of three words cannot.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from math import log
from string import Formatter
from typing import Any

from llm_book.data.world.chances import weighted, zipf
from llm_book.data.world.grammar import Pair

Bindings = dict[str, int]
"""For each variable drawn so far, the number of its value."""


@dataclass(frozen=True)
class Variable:
    """What a story draws once: values, their probabilities, a variable whose value it avoids."""

    values: tuple[Any, ...]
    weights: tuple[float, ...]
    unlike: str = ""


@dataclass(frozen=True)
class Slot:
    """What can stand in a frame's {…}: a pair of words that follows from some variables."""

    variables: tuple[str, ...]
    say: Callable[..., Pair]


@dataclass(frozen=True)
class Scene:
    """The variables that a scene draws, and the frames that say it, the likeliest first."""

    new: tuple[str, ...]
    frames: tuple[Pair, ...]

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """The probability of each frame."""
        return zipf(len(self.frames))


@dataclass(frozen=True)
class Plot:
    """The probability of a plot, and its row of (scene, probability that it is told)."""

    weight: float
    steps: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class StoryDerivation:
    """How a story came about: its plot, its scenes with the frame of each, its variables.

    log_prob: the natural logarithm of the probability of these choices.
    """

    plot: int
    scenes: tuple[tuple[str, int], ...]
    bindings: Bindings
    log_prob: float


@dataclass(frozen=True, eq=False)
class StoryGrammar:
    """Variables, slots, scenes and plots, from which stories are drawn.

    In a scene every frame speaks of every new variable in both languages, and no two choices say
    the same: the probability of a text is that of its only derivation.
    """

    variables: Mapping[str, Variable]
    slots: Mapping[str, Slot]
    scenes: Mapping[str, Scene]
    plots: tuple[Plot, ...]

    def options(self, name: str, bound: Mapping[str, int]) -> dict[int, float]:
        """The values that a variable may take, given those drawn before: {number: probability}."""
        unlike = self.variables[name].unlike
        return self._options(name, bound[unlike] if unlike else -1)

    @cached_property
    def _options(self) -> Callable[[str, int], dict[int, float]]:
        @cache
        def options(name: str, taken: int) -> dict[int, float]:
            weights = dict(enumerate(self.variables[name].weights))
            weights.pop(taken, None)
            total = sum(weights.values())
            return {number: weight / total for number, weight in weights.items()}

        return options

    def joint(self, names: tuple[str, ...], bound: Bindings) -> Iterator[tuple[Bindings, float]]:
        """Every way to draw the variables `names` after those already bound: (bindings, chance)."""
        if not names:
            yield bound, 1.0
            return
        for number, chance in self.options(names[0], bound).items():
            for bindings, rest in self.joint(names[1:], {**bound, names[0]: number}):
                yield bindings, chance * rest

    def draw(self, rng: random.Random) -> StoryDerivation:
        """One story, as probable as the grammar says."""
        weights = [plot.weight for plot in self.plots]
        plot = weighted(rng, weights)
        log_prob = log(weights[plot])
        scenes: list[tuple[str, int]] = []
        bindings: Bindings = {}
        for name, probability in self.plots[plot].steps:
            told = rng.random() < probability
            log_prob += log(probability if told else 1 - probability)
            if told:
                log_prob += self._tell(rng, name, scenes, bindings)
        return StoryDerivation(plot, tuple(scenes), bindings, log_prob)

    def _tell(
        self, rng: random.Random, name: str, scenes: list[tuple[str, int]], bindings: Bindings
    ) -> float:
        """Add a scene and what it draws, in place; give the log-probability of the choices."""
        scene = self.scenes[name]
        frame = weighted(rng, scene.weights)
        log_prob = log(scene.weights[frame])
        scenes.append((name, frame))
        for variable in scene.new:
            options = self.options(variable, bindings)
            bindings[variable] = list(options)[weighted(rng, list(options.values()))]
            log_prob += log(options[bindings[variable]])
        return log_prob

    def text(self, derivation: StoryDerivation) -> Pair:
        """The story in English and in Chinese."""
        said = [
            self.fill(self.scenes[name].frames[frame], derivation.bindings)
            for name, frame in derivation.scenes
        ]
        return " ".join(english for english, _ in said), "".join(chinese for _, chinese in said)

    def fill(self, frame: Pair, bindings: Mapping[str, int]) -> Pair:
        """A frame with its slots filled, in both languages."""
        words = {name: self.say(name, bindings) for side in frame for name in slots_of(side)}
        english = {name: pair[0] for name, pair in words.items()}
        chinese = {name: pair[1] for name, pair in words.items()}
        return frame[0].format(**english), frame[1].format(**chinese)

    def say(self, slot: str, bindings: Mapping[str, int]) -> Pair:
        """What stands in a slot, given the variables."""
        return self._say(slot, tuple(bindings[name] for name in self.slots[slot].variables))

    @cached_property
    def _say(self) -> Callable[[str, tuple[int, ...]], Pair]:
        @cache
        def say(slot: str, numbers: tuple[int, ...]) -> Pair:
            row = self.slots[slot]
            drawn = zip(row.variables, numbers, strict=True)
            return row.say(*(self.variables[name].values[number] for name, number in drawn))

        return say


@cache
def slots_of(frame: str) -> tuple[str, ...]:
    """The names of a frame's slots, in order, repeats included."""
    return tuple(name for _, name, _, _ in Formatter().parse(frame) if name)
