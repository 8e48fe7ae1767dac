"""Sentence frames whose words add up: openings, facts, single opinions.

Slots: {title} a film, {p}, {q} people, {role}, {place}, {thing}, {a} an aspect, {y} an opinion,
{u} an adverbial. No frame stands in two splits, but those of validation and test use the words
of training: only names are words never met before.
"""

OPENINGS = {
    "train": (
        ("last week I saw {title}.", "上周我看了{title}。"),
        ("{title} is the new film by {p}.", "{title}是{p}的新片。"),
        ("we finally watched {title} with {p}.", "我们终于和{p}一起看了{title}。"),
        ("{title} tells of {thing}.", "{title}讲的是{thing}。"),
        ("{p} took me to see {title}.", "{p}带我去看了{title}。"),
        ("my evening with {title} began late.", "我看{title}的那一晚开始得很迟。"),
        ("{title}, shot in {place}, is out now.", "在{place}拍摄的{title}现已上映。"),
        ("here are my notes on {title}.", "下面是我看{title}的笔记。"),
        ("on Sunday {p} and I saw {title}.", "星期天我和{p}看了{title}。"),
        ("some words about {title}.", "说说{title}。"),
        ("{p} wrote {title} in {place}.", "{title}是{p}在{place}写的。"),
        ("now to {title}, the story of {role}.", "现在说{title}，{role}的故事。"),
    ),
    "validation": (
        ("my notes are about {title}.", "我的笔记说的是{title}。"),
        ("{p} and I finally saw {title}.", "我和{p}终于看了{title}。"),
        ("{title} is a film about {thing}.", "{title}是讲{thing}的片子。"),
        ("with {p} we watched {title} in {place}.", "我们和{p}在{place}看了{title}。"),
    ),
    "test": (
        ("we saw {title} on Sunday evening.", "我们星期天晚上看了{title}。"),
        ("{p} wrote and shot {title}.", "{p}写了{title}，也拍摄了它。"),
        ("{title} is the story of {role}.", "{title}是{role}的故事。"),
        ("last week I watched {title}, about {thing}.", "上周我看了讲{thing}的{title}。"),
    ),
}

FACTS = {
    "train": (
        ("it is set in {place}.", "故事发生在{place}。"),
        ("{p} finds {thing}.", "{p}发现了{thing}。"),
        ("it was filmed in {place}.", "影片摄于{place}。"),
        ("{p} plays {role}.", "{p}饰演{role}。"),
        ("everything turns around {thing}.", "一切都围绕着{thing}展开。"),
        ("later the story moves to {place}.", "后来故事转到了{place}。"),
        ("{p} edited it together with {q}.", "{p}和{q}一起完成了剪辑工作。"),
        ("in it {role} meets {p}.", "片中{role}遇见了{p}。"),
        ("then comes {thing}.", "接着出现了{thing}。"),
        ("{p} and {q} share the lead.", "{p}和{q}一起主演。"),
        ("the first word goes to {p}.", "第一句话由{p}说出。"),
        ("there is {role}, too.", "片中还有{role}。"),
    ),
    "validation": (
        ("there is {thing} in it, too.", "片中还出现了{thing}。"),
        ("{p} meets {q} in {place}.", "{p}在{place}遇见了{q}。"),
        ("it tells of {role}.", "它讲的是{role}。"),
        ("it was shot by {p}.", "它是{p}拍摄的。"),
    ),
    "test": (
        ("{p} is {role} in it.", "{p}在片中是{role}。"),
        ("later {role} finds {thing}.", "后来{role}发现了{thing}。"),
        ("{p} and {q} edited the film.", "{p}和{q}完成了影片的剪辑工作。"),
        ("then everything moves to {place}.", "接着一切都转到了{place}。"),
    ),
}

OPINIONS = {
    "train": (
        ("{a} was {y}.", "{a}很{y}。"),
        ("I found {a} {y} {u}.", "我觉得{a}{u}很{y}。"),
        ("{a} seemed {y} to me.", "在我看来，{a}是{y}的。"),
        ("how {y} {a} was!", "{a}多么{y}啊！"),
        ("to all of us {a} felt {y}.", "我们大家都觉得{a}{y}。"),
        ("I felt that {a} was {y} {u}.", "我感到{a}{u}是{y}的。"),
        ("for {p}, too, {a} remained {y}.", "对{p}来说，{a}同样显得{y}。"),
        ("{a} struck me as {y}.", "{a}给我的印象是{y}。"),
        ("{y} is the word for {a}.", "形容{a}，用“{y}”这个词就好。"),
        ("I would call {a} {y}.", "我会说{a}是{y}的。"),
        ("{p} made {a} {y}.", "{p}让{a}变得{y}。"),
        ("{u}, {a} looked {y}.", "{u}，{a}看上去很{y}。"),
        ("you will find {a} {y}.", "你会发现{a}很{y}。"),
        ("{a} turned out to be {y}.", "{a}结果是{y}的。"),
        ("in short, {a} is {y}.", "总之，{a}是{y}的。"),
        ("under {p}, {a} became {y}.", "在{p}手里，{a}变得很{y}。"),
    ),
    "validation": (
        ("we all thought {a} {y}.", "我们都认为{a}很{y}。"),
        ("{a} felt {y} to me.", "{a}让我觉得很{y}。"),
        ("the word for {a} is {y}.", "形容{a}的词就是“{y}”。"),
        ("{u}, I found {a} {y}.", "{u}，我觉得{a}是{y}的。"),
        ("{a} became {y} {u}.", "{a}{u}变得很{y}。"),
    ),
    "test": (
        ("you will call {a} {y}.", "你会说{a}很{y}。"),
        ("all of us found {a} {y}.", "我们大家发现{a}很{y}。"),
        ("how {y} {a} became!", "{a}变得多么{y}啊！"),
        ("{a} turned out to be {y} {u}.", "{a}{u}结果很{y}。"),
        ("to all of us {a} looked {y}.", "在我们大家看来，{a}是{y}的。"),
        ("in short, we found {a} {y}.", "总之，我们觉得{a}是{y}的。"),
    ),
}
