"""Reading a story back: every derivation that a grammar has for a text.

For the world's stories there is one, so its probability is the text's; for a text that the grammar
cannot say there is none. What a model writes can be judged the same way.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import log

from llm_book.data.world.requests import LANGUAGES
from llm_book.data.world.weighted_grammar import Bindings, StoryDerivation, StoryGrammar, slots_of

Steps = tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class StoryParser:
    """Finds the derivations of texts of one grammar in one language."""

    grammar: StoryGrammar
    language: str

    @property
    def side(self) -> int:
        """Which of a pair's two strings is read."""
        return LANGUAGES.index(self.language)

    def parses(self, text: str) -> list[StoryDerivation]:
        """Every derivation whose text this is, to the last character."""
        # Between scenes stands a space in English and nothing in Chinese.
        padded = text + (" " if self.language == "en" else "")
        return [
            found
            for number, plot in enumerate(self.grammar.plots)
            for found in self._read(
                padded, 0, plot.steps, StoryDerivation(number, (), {}, log(plot.weight))
            )
        ]

    def _read(
        self, text: str, at: int, steps: Steps, so_far: StoryDerivation
    ) -> Iterator[StoryDerivation]:
        if not steps:
            if at == len(text):
                yield so_far
            return
        (name, probability), rest = steps[0], steps[1:]
        if probability < 1:
            left_out = replace(so_far, log_prob=so_far.log_prob + log(1 - probability))
            yield from self._read(text, at, rest, left_out)
        for frame, end, bindings, chance in self._scene(text, at, name, so_far.bindings):
            told = StoryDerivation(
                so_far.plot,
                (*so_far.scenes, (name, frame)),
                bindings,
                so_far.log_prob + log(probability * chance),
            )
            yield from self._read(text, end, rest, told)

    def _scene(
        self, text: str, at: int, name: str, bound: Bindings
    ) -> Iterator[tuple[int, int, Bindings, float]]:
        """Each way in which the text goes on with the scene: frame, end, variables, probability."""
        scene = self.grammar.scenes[name]
        for number, frame in enumerate(scene.frames):
            found = self._patterns[frame[self.side]].match(text, at)
            if found is None:
                continue
            for bindings, chance in self._draws(scene.new, bound, found.groupdict()):
                yield number, found.end(), bindings, chance * scene.weights[number]

    def _draws(
        self, new: tuple[str, ...], bound: Bindings, said: dict[str, str]
    ) -> Iterator[tuple[Bindings, float]]:
        """The values of the new variables that say just what the slots hold."""
        known = {slot for slot in said if set(self.grammar.slots[slot].variables) <= bound.keys()}
        if any(self.grammar.say(slot, bound)[self.side] != said[slot] for slot in known):
            return
        if not new:
            yield bound, 1.0
            return
        for number, chance in self.grammar.options(new[0], bound).items():
            for bindings, rest in self._draws(new[1:], {**bound, new[0]: number}, said):
                yield bindings, chance * rest

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        """For each frame a pattern with a group a slot."""
        frames = {f[self.side] for scene in self.grammar.scenes.values() for f in scene.frames}
        return {frame: re.compile(self._pattern(frame)) for frame in frames}

    def _pattern(self, frame: str) -> str:
        pattern = re.escape(frame + (" " if self.language == "en" else ""))
        for slot in dict.fromkeys(slots_of(frame)):
            hole = re.escape("{" + slot + "}")
            words = "|".join(map(re.escape, self._sayings[slot]))
            pattern = pattern.replace(hole, f"(?P<{slot}>{words})", 1)
            pattern = pattern.replace(hole, f"(?P={slot})")
        return pattern

    @cached_property
    def _sayings(self) -> dict[str, list[str]]:
        """All that can stand in each slot, longest first, so that no word hides a longer one."""
        frames = [frame for scene in self.grammar.scenes.values() for frame in scene.frames]
        used = dict.fromkeys(slot for frame in frames for slot in slots_of(frame[self.side]))
        return {slot: self._said(slot) for slot in used}

    def _said(self, slot: str) -> list[str]:
        row = self.grammar.slots[slot]
        values = product(*(self.grammar.variables[name].values for name in row.variables))
        words = {row.say(*drawn)[self.side] for drawn in values}
        return sorted(words, key=lambda word: (-len(word), word))
