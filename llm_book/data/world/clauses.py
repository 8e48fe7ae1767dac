"""The clauses of the translation pairs: where English and Chinese put their words differently.

Relative clauses stand after their noun in English and before it in Chinese; time and place after
the verb and before it; a Chinese number needs a measure word; "gave the key to" is 把钥匙送给;
"because" and "when" clauses come last or first.
"""

import random

from llm_book.data.world.aligned import Phrase, compose, leaf
from llm_book.data.world.grammar import Pair, chance, pairs, pick, sample
from llm_book.data.world.nouns import COLOURS, THINGS, Noun, nouns

ROLES = nouns(
    """girl=女孩/个; boy=男孩/个; woman=女人/个; man=男人/个; teacher=老师/位; doctor=医生/位;
    nurse=护士/位; baker=面包师/位; farmer=农夫/位; sailor=水手/位; painter=画家/位; judge=法官/位;
    singer=歌手/位; guest=客人/位; child=孩子/个; neighbour=邻居/位"""
)

# Past, base, Chinese.
VERBS = (
    ("bought", "buy", "买"), ("found", "find", "找到"), ("sold", "sell", "卖掉"),
    ("lost", "lose", "弄丢"), ("saw", "see", "看见"), ("took", "take", "拿走"),
    ("hid", "hide", "藏起"), ("brought", "bring", "带来"), ("forgot", "forget", "忘记"),
    ("drew", "draw", "画"), ("cleaned", "clean", "擦"), ("borrowed", "borrow", "借"),
)  # fmt: skip

PAST = pairs(
    """yesterday=昨天; last week=上周; this morning=今天早上; on Monday=星期一; last year=去年;
    in the summer=夏天"""
)
FUTURE = pairs("tomorrow=明天; next week=下周; tonight=今晚; next year=明年")
NUMBERS = pairs("two=两; three=三; four=四; five=五; six=六; ten=十")
QUALITIES = pairs("taller=高; older=年长; faster=快; richer=富; stronger=强壮; braver=勇敢")

# Preposition, what stands after the noun in Chinese, the nouns.
PLACES = (
    (
        "in",
        "里",
        pairs("garden=花园; kitchen=厨房; school=学校; library=图书馆; barn=谷仓; hotel=旅馆"),
    ),
    ("under", "下", pairs("bridge=桥; tree=树; roof=屋顶")),
    ("behind", "后面", pairs("church=教堂; mill=磨坊; house=房子; station=车站")),
    ("near", "旁边", pairs("well=井; river=河; market=集市; fountain=喷泉")),
)

IRREGULAR = {"knife": "knives", "watch": "watches"}


def plural(word: str) -> str:
    """The plural of a thing's name."""
    return IRREGULAR.get(word, word + "s")


def somebody(rng: random.Random) -> Phrase:
    """ "the girl" and 那 个 女孩, or "a girl" and 一 个 女孩."""
    return _one_of(rng, pick(rng, ROLES))


def two_people(rng: random.Random) -> tuple[Phrase, Phrase]:
    """Somebody and somebody else."""
    first, second = sample(rng, ROLES, 2)
    return _one_of(rng, first), _one_of(rng, second)


def _one_of(rng: random.Random, role: Noun) -> Phrase:
    return _determined(rng, role, role.english)


def _determined(rng: random.Random, noun: Noun, word: str, colour: Pair | None = None) -> Phrase:
    """A noun, perhaps with a colour, after an article in English, a measure word in Chinese."""
    head = leaf(word, noun.chinese)
    if colour:
        shade = leaf(colour[0], f"{colour[1]} 的")
        head = compose("{c} {n}", "{c} {n}", (colour[0], noun.english), c=shade, n=head)
    if chance(rng, 0.5):
        return compose("the/1 {n}", f"那/1 {noun.measure}/1 {{n}}", n=head)
    return compose("a/1 {n}", f"一/1 {noun.measure}/1 {{n}}", n=head)


def something(rng: random.Random, thing: Noun) -> Phrase:
    """The thing with an article, with a number, or with a colour."""
    form = rng.random()
    if form < 0.2:
        number, chinese = pick(rng, NUMBERS)
        return compose(
            "{number} {n}",
            "{number} {n}",
            number=leaf(number, f"{chinese} {thing.measure}"),
            n=leaf(plural(thing.english), thing.chinese),
        )
    return _determined(rng, thing, thing.english, pick(rng, COLOURS) if form < 0.6 else None)


def something_told(rng: random.Random, thing: Noun) -> Phrase:
    """The thing, told from others by what somebody did with it."""
    past, base, chinese = pick(rng, VERBS)
    return compose(
        "the/1 {n} that/2 {who} {verb}",
        f"{{who}} {{verb}} 的/2 那/1 {thing.measure}/1 {{n}}",
        (base, thing.english),
        n=leaf(thing.english, thing.chinese),
        who=somebody(rng),
        verb=leaf(past, chinese),
    )


def subject(rng: random.Random) -> Phrase:
    """Somebody, sometimes told from others by what she or he did."""
    if chance(rng, 0.8):
        return somebody(rng)
    role, thing = pick(rng, ROLES), pick(rng, THINGS)
    past, base, chinese = pick(rng, VERBS)
    return compose(
        "the/1 {n} who/2 {verb} {thing}",
        f"{{verb}} {{thing}} 的/2 那/1 {role.measure}/1 {{n}}",
        (base, thing.english),
        n=leaf(role.english, role.chinese),
        verb=leaf(past, f"{chinese} 了"),
        thing=_determined(rng, thing, thing.english),
    )


def place(rng: random.Random) -> Phrase:
    """ "in the garden" and 在 花园 里."""
    preposition, after, where = pick(rng, PLACES)
    return compose(f"{preposition}/1 the {{n}}", f"在/1 {{n}} {after}/1", n=leaf(*pick(rng, where)))


def clause(rng: random.Random) -> Phrase:
    """A statement, without its full stop."""
    kind = pick(rng, ("deed", "deed", "deed", "gift", "comparison"))
    if kind == "deed":
        return deed(rng, pick(rng, ("past", "past", "negated", "future")), pick(rng, ORDERS))
    return _gift(rng) if kind == "gift" else _comparison(rng)


ORDERS = (
    ("{s} {x} {v} {o} {p} {t}", "{s} {t} {x} {p} {v} {o}"),
    ("{t} ,/9 {s} {x} {v} {o} {p}", "{t} ，/9 {s} {x} {p} {v} {o}"),
    ("{s} {x} {v} {o} {t}", "{s} {t} {x} {v} {o}"),
    ("{s} {x} {v} {o}", "{s} {x} {v} {o}"),
    ("{s} {x} {v} {told}", "{s} {x} {v} {told}"),
    ("{t} ,/9 {s} {x} {v} {told}", "{t} ，/9 {s} {x} {v} {told}"),
)
"""Where subject, auxiliary, verb, object, place and time stand; what is told comes last."""


def deed(rng: random.Random, kind: str, order: Pair) -> Phrase:
    """Somebody did ("past"), did not ("negated") or will ("future") do something."""
    thing = pick(rng, THINGS)
    past, base, chinese = pick(rng, VERBS)
    auxiliary, verb = {
        "past": (leaf("", ""), leaf(past, f"{chinese} 了")),
        "negated": (leaf("did not", "没有"), leaf(base, chinese)),
        "future": (leaf("will", "会"), leaf(base, chinese)),
    }[kind]
    everything = {
        "s": subject(rng),
        "x": auxiliary,
        "v": verb,
        "o": something(rng, thing),
        "told": something_told(rng, thing),
        "p": place(rng),
        "t": leaf(*pick(rng, FUTURE if kind == "future" else PAST)),
    }
    used = {name: part for name, part in everything.items() if "{" + name + "}" in order[0]}
    return compose(order[0], order[1], (base, thing.english), **used)


def _gift(rng: random.Random) -> Phrase:
    """ "gave the key to" and 把 钥匙 送 给."""
    giver, taker = two_people(rng)
    return compose(
        "{s} gave/1 {o} to/2 {r} {t}",
        "{s} {t} 把 {o} 送/1 给/2 了/1 {r}",
        s=giver,
        o=something(rng, pick(rng, THINGS)),
        r=taker,
        t=leaf(*pick(rng, PAST)),
    )


def _comparison(rng: random.Random) -> Phrase:
    """ "is taller than" and 比 … 高."""
    one, other = two_people(rng)
    return compose(
        "{s} is/1 {q} than/1 {r}",
        "{s} 比/1 {r} {q}",
        s=one,
        q=leaf(*pick(rng, QUALITIES)),
        r=other,
    )


def question(rng: random.Random) -> Phrase:
    """A question that yes or no answers."""
    thing = pick(rng, THINGS)
    _, base, chinese = pick(rng, VERBS)
    return compose(
        "did/1 {s} {v} {o} {t} ?/2",
        "{s} {t} {v} 了 {o} 吗/1 ？/2",
        (base, thing.english),
        s=somebody(rng),
        v=leaf(base, chinese),
        o=something(rng, thing),
        t=leaf(*pick(rng, PAST)),
    )


def sentence(rng: random.Random) -> Phrase:
    """A question, a statement, or two statements in one sentence."""
    if chance(rng, 0.15):
        return question(rng)
    if chance(rng, 0.6):
        return compose("{a} ./1", "{a} 。/1", a=clause(rng))
    return two_clauses(rng)


def two_clauses(rng: random.Random) -> Phrase:
    """Two statements joined; the clause with "because" or "when" comes first in Chinese."""
    english, chinese, timeless = pick(
        rng,
        (
            ("{a} because/1 {b} ./2", "因为/1 {b} ， 所以/1 {a} 。/2", False),
            ("{a} when/1 {b} ./2", "{b} 的/1 时候/1 ， {a} 。/2", True),
            ("{a} ,/3 and/1 {b} ./2", "{a} ，/3 而且/1 {b} 。/2", False),
            ("{a} ,/3 but/1 {b} ./2", "{a} ，/3 可是/1 {b} 。/2", False),
        ),
    )
    if timeless:
        first, second = (deed(rng, "past", pick(rng, ORDERS[3:5])) for _ in range(2))
    else:
        first, second = clause(rng), clause(rng)
    return compose(english, chinese, a=first, b=second)
