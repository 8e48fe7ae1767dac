"""What the slots of the stories' scenes stand for: people, things and places, in every form."""

from collections.abc import Callable

from llm_book.data.world.chances import uniform, zipf
from llm_book.data.world.grammar import Pair
from llm_book.data.world.nouns import COLOURS, FOODS, SPOTS, THINGS, TIMES, WILD_ANIMALS, Noun
from llm_book.data.world.persons import Person
from llm_book.data.world.relations import answer
from llm_book.data.world.weighted_grammar import Slot, Variable

People = tuple[Person, ...]


def variables(people: People) -> dict[str, Variable]:
    """What a story about these people draws; common words are likelier, people are all alike."""
    return {
        "time": Variable(TIMES, uniform(len(TIMES))),
        "hero": Variable(people, uniform(len(people))),
        "friend": Variable(people, uniform(len(people)), unlike="hero"),
        "speaker": Variable((True, False), uniform(2)),
        "colour": Variable(COLOURS, zipf(len(COLOURS))),
        "thing": Variable(THINGS, zipf(len(THINGS))),
        "other": Variable(THINGS, zipf(len(THINGS)), unlike="thing"),
        "spot": Variable(SPOTS, zipf(len(SPOTS))),
        "spot2": Variable(SPOTS, zipf(len(SPOTS)), unlike="spot"),
        "food": Variable(FOODS, zipf(len(FOODS))),
        "food2": Variable(FOODS, zipf(len(FOODS)), unlike="food"),
        "snack": Variable(FOODS, zipf(len(FOODS))),
        "wild": Variable(WILD_ANIMALS, zipf(len(WILD_ANIMALS))),
    }


def slots() -> dict[str, Slot]:
    """Every slot that a scene may hold."""
    both = ("hero", "friend")
    return {
        "time": Slot(("time",), lambda time: time),
        "Time": Slot(("time",), _capital),
        **_person("H", "h", ("hero",), lambda hero: hero),
        **_person("F", "f", ("friend",), lambda friend: friend),
        **_person("S", "s", ("speaker", *both), lambda first, h, f: h if first else f),
        **_person("O", "o", ("speaker", *both), lambda first, h, f: f if first else h),
        "job": Slot(("hero",), lambda hero: hero.job),
        "a_job": Slot(("hero",), lambda hero: answer(hero, "job")),
        "home": Slot(("hero",), lambda hero: hero.home),
        "pet": Slot(("hero",), lambda hero: hero.pet.bare),
        "job_f": Slot(("friend",), lambda friend: friend.job),
        "a_job_f": Slot(("friend",), lambda friend: answer(friend, "job")),
        "home_f": Slot(("friend",), lambda friend: friend.home),
        "they": Slot(both, _they),
        "thing": Slot(("colour", "thing"), _coloured),
        "a_thing": Slot(("colour", "thing"), _a_coloured),
        "the_thing": Slot(("colour", "thing"), _the_coloured),
        "The_thing": Slot(("colour", "thing"), lambda *row: _capital(_the_coloured(*row))),
        "item": Slot(("thing",), lambda thing: thing.bare),
        "a_item": Slot(("thing",), lambda thing: thing.one),
        "the_item": Slot(("thing",), lambda thing: thing.the),
        "a_other": Slot(("other",), lambda other: other.one),
        "the_other": Slot(("other",), lambda other: other.the),
        "The_other": Slot(("other",), lambda other: _capital(other.the)),
        "P": Slot(("spot",), lambda spot: spot),
        "P_": Slot(("spot",), _capital),
        "Q": Slot(("spot2",), lambda spot: spot),
        "food": Slot(("food",), lambda food: food),
        "food2": Slot(("food2",), lambda food: food),
        "snack": Slot(("snack",), lambda food: food),
        "a_wild": Slot(("wild",), lambda wild: wild.one),
        "A_wild": Slot(("wild",), lambda wild: _capital(wild.one)),
    }


def _person(
    name: str, mark: str, variables: tuple[str, ...], who: Callable[..., Person]
) -> dict[str, Slot]:
    """The name of a person and the pronouns for her or him."""
    her = {"he": "she", "He": "She", "him": "her", "his": "her"}

    def pronoun(word: str) -> Callable[..., Pair]:
        def say(*values: object) -> Pair:
            person = who(*values)
            chinese = ("她" if person.female else "他") + ("的" if word == "his" else "")
            return (her[word] if person.female else word), chinese

        return say

    pronouns = {f"{word}_{mark}": Slot(variables, pronoun(word)) for word in her}
    return {name: Slot(variables, lambda *values: who(*values).name), **pronouns}


def _they(hero: Person, friend: Person) -> Pair:
    return "they", "她们" if hero.female and friend.female else "他们"


def _capital(pair: Pair) -> Pair:
    return pair[0][0].upper() + pair[0][1:], pair[1]


def _coloured(colour: Pair, thing: Noun) -> Pair:
    return f"{colour[0]} {thing.english}", f"{colour[1]}{thing.chinese}"


def _a_coloured(colour: Pair, thing: Noun) -> Pair:
    english, chinese = _coloured(colour, thing)
    return f"a {english}", f"一{thing.measure}{chinese}"


def _the_coloured(colour: Pair, thing: Noun) -> Pair:
    english, chinese = _coloured(colour, thing)
    return f"the {english}", f"那{thing.measure}{chinese}"
