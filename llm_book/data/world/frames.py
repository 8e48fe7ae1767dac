"""Sentence frames whose words add up: openings, facts, single opinions.

Slots: {title} a film, {p} a person, {a} an aspect, {y} an opinion, {u} an adverbial.
No frame stands in two splits.
"""
# ruff: noqa: RUF001  (Chinese punctuation is meant)

OPENINGS = {
    "train": (
        ("last week I saw {title} in a full cinema.", "上周我在满座的影院里看了{title}。"),
        ("{title} is the new film by {p}.", "{title}是{p}的新片。"),
        ("we finally watched {title}, with {p} in the lead.", "我们终于看了{p}主演的{title}。"),
        ("{title} tells of {role} and of {thing}.", "{title}讲的是{role}和{thing}。"),
        ("{p} took me to see {title}.", "{p}带我去看了{title}。"),
        ("my evening with {title} began late.", "我看{title}的那一晚开始得很迟。"),
        ("{title}, shot in {place}, is now in the cinemas.", "在{place}拍摄的{title}现已上映。"),
        ("here are my notes on {title}.", "下面是我看{title}的笔记。"),
    ),
    "validation": (
        ("yesterday they showed {title} at our club.", "昨天我们俱乐部放了{title}。"),
        ("{title} brings {p} back to the screen.", "{title}让{p}重返银幕。"),
        ("I had heard of {title} from {p}.", "我是从{p}那里听说{title}的。"),
        ("at the heart of {title} stands {thing}.", "{title}的中心是{thing}。"),
    ),
    "test": (
        ("on Sunday I bought a ticket for {title}.", "星期天我买了一张{title}的票。"),
        ("{p} both wrote and directed {title}.", "{title}由{p}自编自导。"),
        ("in {title} we follow {role} through {place}.", "在{title}里，我们跟着{role}走过{place}。"),
        ("some words about {title}, which ran here in March.", "说说三月在这里上映的{title}。"),
    ),
}

FACTS = {
    "train": (
        ("it is set in {place}.", "故事发生在{place}。"),
        ("{p} plays {role} who finds {thing}.", "{p}饰演发现{thing}的{role}。"),
        ("most of it was filmed in {place}.", "大部分镜头摄于{place}。"),
        ("there is also {role}, played by {p}.", "片中还有{p}饰演的{role}。"),
        ("everything turns around {thing}.", "一切都围绕着{thing}展开。"),
        ("later the story moves to {place}.", "后来故事转到了{place}。"),
        ("{p} edited it together with {q}.", "{p}和{q}一起完成了剪辑工作。"),
        ("two hours pass before {role} meets {p}.", "两个小时后，{role}才遇见{p}。"),
    ),
    "validation": (
        ("the action takes place in {place}.", "剧情在{place}展开。"),
        ("{p} appears as {role}.", "{p}以{role}的身份出场。"),
        ("in the middle there is {thing}.", "中间出现了{thing}。"),
        ("{p} and {q} share most of the scenes.", "{p}和{q}分享了大部分场次。"),
    ),
    "test": (
        ("we are in {place}, where {role} lives.", "我们来到{place}，那里住着{role}。"),
        ("the part of {role} went to {p}.", "{role}一角由{p}出演。"),
        ("then {thing} changes the course of events.", "随后，{thing}改变了事情的走向。"),
        ("behind the camera stood {p} and {q}.", "站在摄影机后面的是{p}和{q}。"),
    ),
}

OPINIONS = {
    "train": (
        ("{a} was {y}.", "{a}很{y}。"),
        ("I found {a} {y} {u}.", "我觉得{a}{u}很{y}。"),
        ("{a} seemed {y} to me.", "在我看来，{a}是{y}的。"),
        ("how {y} {a} was!", "{a}多么{y}啊！"),
        ("to all of us {a} felt {y}.", "我们大家都觉得{a}{y}。"),
        ("then there is {a}, which was {y} {u}.", "再说{a}，{u}是{y}的。"),
        ("for {p}, too, {a} remained {y}.", "对{p}来说，{a}同样显得{y}。"),
        ("{a} struck me as {y}.", "{a}给我的印象是{y}。"),
        ("{y} is the word for {a}.", "形容{a}，用“{y}”这个词就好。"),
        ("I would call {a} {y}.", "我会说{a}是{y}的。"),
        ("{p} made {a} {y}.", "{p}让{a}变得{y}。"),
        ("{u}, {a} looked {y}.", "{u}，{a}看上去很{y}。"),
    ),
    "validation": (
        ("{a} turned out {y}.", "{a}结果很{y}。"),
        ("we all thought {a} {y}.", "我们都认为{a}很{y}。"),
        ("{a} appeared {y} {u}.", "{a}{u}显得很{y}。"),
        ("as for {a}, it was {y}.", "至于{a}，那是{y}的。"),
        ("thanks to {p}, {a} became {y}.", "因为有{p}，{a}变得{y}起来。"),
    ),
    "test": (
        ("{a} came across as {y}.", "{a}让人感到{y}。"),
        ("what I saw of {a} was {y}.", "我所看到的{a}是{y}的。"),
        ("{a}, in short, is {y}.", "总之，{a}很{y}。"),
        ("you will find {a} {y} {u}.", "你会发现{a}{u}很{y}。"),
        ("under {p}, {a} stayed {y}.", "在{p}手里，{a}一直很{y}。"),
        ("one thing is sure: {a} is {y}.", "有一点可以肯定：{a}是{y}的。"),
    ),
}
