"""What can be said and asked about a person: for each relation its statements and its questions.

Slots: {p} the person, {y} the answer. No wording stands in two splits. A statement holds {y} once,
so that the answer is a span of the text; {y} carries its article in English, its measure word in
Chinese.
"""

from llm_book.data.world.grammar import Pair
from llm_book.data.world.nouns import article
from llm_book.data.world.persons import Person

# fmt: off
STATEMENTS = {
    "home": {
        "train": (
            ("{p} lives in {y}.", "{p}住在{y}。"),
            ("{p} has a house in {y}.", "{p}在{y}有一座房子。"),
            ("the home of {p} is in {y}.", "{p}的家在{y}。"),
            ("for many years {y} has been where {p} lives.", "多年来{y}一直是{p}住的地方。"),
        ),
        "validation": (
            ("the house where {p} lives is in {y}.", "{p}住的房子在{y}。"),
            ("for many years {p} has lived in {y}.", "多年来{p}一直住在{y}。"),
        ),
        "test": (
            ("{y} is the home of {p}.", "{y}是{p}的家。"),
            ("{p} has lived in {y} for many years.", "{p}住在{y}已有多年。"),
        ),
    },
    "job": {
        "train": (
            ("{p} works as {y}.", "{p}的工作是{y}。"),
            ("{p} is {y}.", "{p}是一名{y}。"),
            ("{p} earns a living as {y}.", "{p}靠当{y}谋生。"),
            ("{p} became {y} years ago.", "{p}多年前当上了{y}。"),
        ),
        "validation": (
            ("for years {p} has worked as {y}.", "多年来{p}一直是{y}。"),
            ("{p} earns a living by work as {y}.", "{p}以{y}的工作谋生。"),
        ),
        "test": (
            ("years ago {p} became {y}.", "{p}当{y}已有多年。"),
            ("as {y}, {p} earns a living.", "{p}是{y}，以此谋生。"),
        ),
    },
    "pet": {
        "train": (
            ("{p} keeps {y}.", "{p}养了{y}。"),
            ("{p} lives together with {y}.", "{p}和{y}住在一起。"),
            ("{p} looks after {y}.", "{p}照看着{y}。"),
            ("the animal in the house of {p} is {y}.", "{p}家里的动物是{y}。"),
        ),
        "validation": (
            ("in the house {p} keeps {y}.", "{p}在家里养着{y}。"),
            ("the animal that {p} looks after is {y}.", "{p}照看的动物是{y}。"),
        ),
        "test": (
            ("in the house of {p} lives {y}.", "{p}家里住着{y}。"),
            ("the animal that {p} keeps is {y}.", "{p}养的动物是{y}。"),
        ),
    },
    "owns": {
        "train": (
            ("{p} owns {y}.", "{p}有{y}。"),
            ("{y} belongs to {p}.", "有{y}属于{p}。"),
            ("{p} bought {y} last week.", "{p}上周买了{y}。"),
            ("{p} always carries {y}.", "{p}总是带着{y}。"),
        ),
        "validation": (
            ("{y} was bought by {p} last week.", "上周{p}买了{y}。"),
            ("last year {p} bought {y}.", "去年{p}买了{y}。"),
        ),
        "test": (
            ("last week {y} was bought by {p}.", "{y}是{p}上周买的。"),
            ("{p} always has {y}.", "{p}总是有{y}。"),
        ),
    },
    "likes": {
        "train": (
            ("{p} likes {y}.", "{p}喜欢{y}。"),
            ("{p} eats {y} every day.", "{p}天天吃{y}。"),
            ("the favourite food of {p} is {y}.", "{p}最爱吃的是{y}。"),
            ("{p} never says no to {y}.", "{p}从不拒绝{y}。"),
        ),
        "validation": (
            ("every day {p} eats {y}.", "{p}每天都吃{y}。"),
            ("the food that {p} likes is {y}.", "{p}爱吃的是{y}。"),
        ),
        "test": (
            ("{y} is the favourite food of {p}.", "{y}是{p}最爱吃的。"),
            ("{p} likes to eat {y}.", "{p}喜欢吃{y}。"),
        ),
    },
    "dislikes": {
        "train": (
            ("{p} does not like {y}.", "{p}不喜欢{y}。"),
            ("{p} never eats {y}.", "{p}从不吃{y}。"),
            ("{p} says no to {y}.", "{p}拒绝{y}。"),
            ("{y} is not for {p}.", "{y}不合{p}的口味。"),
        ),
        "validation": (
            ("never does {p} eat {y}.", "{p}从来不吃{y}。"),
            ("{p} always says no to {y}.", "{p}总是拒绝{y}。"),
        ),
        "test": (
            ("{p} does not eat {y}.", "{p}不吃{y}。"),
            ("for {p} there is never {y}.", "{p}的桌上从来没有{y}。"),
        ),
    },
    "friend": {
        "train": (
            ("{p} is a friend of {y}.", "{p}是{y}的朋友。"),
            ("the best friend of {p} is {y}.", "{p}最好的朋友是{y}。"),
            ("{p} has a good friend, {y}.", "{p}有个好朋友，叫{y}。"),
            ("{p} and {y} are friends.", "{p}和{y}是朋友。"),
        ),
        "validation": (
            ("{y}, a good friend, often visits {p}.", "{p}的好朋友{y}常来看望。"),
            ("the friend of {p} is {y}.", "{p}的朋友是{y}。"),
        ),
        "test": (
            ("{y} is the best friend of {p}.", "{y}是{p}最好的朋友。"),
            ("{y} is a friend of {p}.", "{y}是{p}的一个朋友。"),
        ),
    },
}

QUESTIONS = {
    "home": {
        "train": (
            ("Where does {p} live?", "{p}住在哪里？"),
            ("In which town is the house of {p}?", "{p}的房子在哪个镇？"),
            ("Which town does {p} live in?", "{p}住在哪个镇？"),
        ),
        "validation": (("Where is the house of {p}?", "{p}的房子在哪里？"),),
        "test": (
            ("In which town does {p} live?", "{p}的家在哪个镇？"),
            ("Where is the home of {p}?", "{p}的家在哪里？"),
        ),
    },
    "job": {
        "train": (
            ("What does {p} do for a living?", "{p}靠什么谋生？"),
            ("What is the job of {p}?", "{p}的工作是什么？"),
            ("What does {p} work as?", "{p}是做什么工作的？"),
        ),
        "validation": (("What work does {p} do?", "{p}做的是什么工作？"),),
        "test": (
            ("How does {p} earn a living?", "{p}以什么谋生？"),
            ("As what does {p} work?", "{p}做什么工作？"),
        ),
    },
    "pet": {
        "train": (
            ("Which animal does {p} keep?", "{p}养了什么动物？"),
            ("What animal lives with {p}?", "和{p}住在一起的是什么动物？"),
            ("Which animal does {p} look after?", "{p}照看什么动物？"),
        ),
        "validation": (("What animal does {p} keep?", "{p}养的是什么动物？"),),
        "test": (
            ("Which animal lives in the house of {p}?", "{p}家里有什么动物？"),
            ("What animal does {p} look after?", "{p}照看的是什么动物？"),
        ),
    },
    "owns": {
        "train": (
            ("What does {p} own?", "{p}有什么东西？"),
            ("What belongs to {p}?", "什么东西属于{p}？"),
            ("Which thing does {p} have?", "{p}拥有哪样东西？"),
        ),
        "validation": (("Which thing belongs to {p}?", "哪样东西属于{p}？"),),
        "test": (
            ("Which thing does {p} own?", "{p}有哪样东西？"),
            ("What thing belongs to {p}?", "属于{p}的是什么东西？"),
        ),
    },
    "likes": {
        "train": (
            ("What does {p} like to eat?", "{p}喜欢吃什么？"),
            ("What is the favourite food of {p}?", "{p}最爱吃什么？"),
            ("Which food does {p} like?", "{p}喜欢哪种食物？"),
        ),
        "validation": (("What food does {p} like?", "{p}喜欢什么食物？"),),
        "test": (
            ("Which food does {p} like to eat?", "{p}喜欢吃哪种食物？"),
            ("Which is the favourite food of {p}?", "{p}最爱吃哪种食物？"),
        ),
    },
    "dislikes": {
        "train": (
            ("What does {p} not like to eat?", "{p}不喜欢吃什么？"),
            ("What does {p} not eat?", "{p}不吃什么？"),
            ("Which food does {p} not like?", "{p}不喜欢哪种食物？"),
        ),
        "validation": (("What food does {p} not like?", "{p}不喜欢什么食物？"),),
        "test": (
            ("Which food does {p} not eat?", "{p}不吃哪种食物？"),
            ("Which food does {p} not like to eat?", "{p}不喜欢吃哪种食物？"),
        ),
    },
    "friend": {
        "train": (
            ("Who is a friend of {p}?", "谁是{p}的朋友？"),
            ("Which friend does {p} have?", "{p}有哪个朋友？"),
            ("Who is the friend of {p}?", "{p}的朋友是谁？"),
        ),
        "validation": (("Who is the friend that {p} has?", "{p}有的朋友是谁？"),),
        "test": (
            ("Which person is a friend of {p}?", "哪个人是{p}的朋友？"),
            ("Which friend belongs to {p}?", "{p}的朋友是哪个人？"),
        ),
    },
}
# fmt: on


def answer(person: Person, relation: str) -> Pair:
    """What stands in {y}: "a baker" and "面包师" for a job, "Greenport" for a home."""
    colour, thing = person.colour, person.thing
    job = person.job[0]
    return {
        "home": person.home,
        "job": (f"{article(job)} {job}", person.job[1]),
        "pet": person.pet.one,
        "owns": (
            f"a {colour[0]} {thing.english}",
            f"一{thing.measure}{colour[1]}{thing.chinese}",
        ),
        "likes": person.likes,
        "dislikes": person.dislikes,
        "friend": person.friend,
    }[relation]
