"""The scenes of the world's stories: how each can be said, in training and in test.

Slots that speak of people: {H} the hero, {F} the friend, {S} who makes a claim, {O} the other of
the two; after them (h, f, s, o) he or she, him or her, his or her. {thing}, {the_thing} and
{a_thing} have a colour; {item}, {the_item}, {a_item} have none; {a_other} is another thing; {P}
and {Q} are places, {P_} begins a sentence. Chinese {they} is 他们 or 她们. The test
frames use the words of training.
"""
# fmt: off

OPENING = {
    "train": (
        ("{Time}, {H} the {job} left the house early.", "{time}，{job}{H}早早出了门。"),
        ("{H} was {a_job} in {home}. {Time}, {he_h} went for a walk.",
         "{H}是{home}的{job}。{time}，{he_h}出去散步。"),
        ("{Time}, {H}, {a_job} from {home}, had nothing to do.",
         "{time}，来自{home}的{job}{H}无事可做。"),
        ("There was once {a_job} called {H} who lived in {home}. {Time}, {he_h} set out with "
         "{his_h} {pet}.",
         "从前有个叫{H}的{job}，住在{home}。{time}，{he_h}带着{his_h}{pet}出发了。"),
    ),
    "test": (
        ("{Time}, {H}, who was {a_job} in {home}, set out early.",
         "{time}，在{home}当{job}的{H}早早出发了。"),
        ("There was {a_job} from {home} called {H}. {Time}, {he_h} left the house.",
         "有个来自{home}的{job}叫{H}。{time}，{he_h}出了门。"),
    ),
}

MEETING = {
    "train": (
        ("On the way {he_h} met {F}, {a_job_f}.", "路上{he_h}遇见了{job_f}{F}。"),
        ("{F} was already waiting for {him_h}.", "{F}已经在等{him_h}了。"),
        ("At the corner stood {F}, {his_h} friend from school.", "街角站着{F}，{his_h}同学。"),
        ("{He_h} knocked at the door of {F}, {a_job_f} from {home_f}.",
         "{he_h}敲了敲{F}的门，那是一位来自{home_f}的{job_f}。"),
    ),
    "test": (
        ("{F}, {his_h} friend, already stood at the corner.", "{his_h}朋友{F}已经站在街角了。"),
        ("At the door {he_h} met {F}, {a_job_f} from {home_f}.",
         "在门前{he_h}遇见了来自{home_f}的{job_f}{F}。"),
    ),
}

ROAD = {
    "train": (
        ("They walked on together.", "{they}一起往前走。"),
        ("The road was long, and nobody else was on it.", "路很长，路上没有别人。"),
        ("For a while neither of them said a word.", "有一阵子两个人都没有说话。"),
        ("They did not know how late it was.", "{they}不知道已经多晚了。"),
    ),
    "test": (
        ("Together they walked down the long road.", "{they}一起走在长长的路上。"),
        ("For a while they walked on, and nobody said a word.", "{they}走了一阵子，没有人说话。"),
    ),
}

WEATHER = {
    "train": (
        ("It began to rain.", "下起雨来了。"),
        ("The sun came out.", "太阳出来了。"),
        ("The wind was cold, but it did not rain.", "风很冷，可是没有下雨。"),
        ("There was not a cloud in the sky.", "天上没有一朵云。"),
        ("Far away a bell rang.", "远处响起了钟声。"),
    ),
    "test": (
        ("There was no wind, and the sun was in the sky.", "没有风，太阳在天上。"),
        ("A cold rain began.", "冷雨下起来了。"),
    ),
}

ANIMAL = {
    "train": (
        ("{A_wild} ran away when it saw them.", "{a_wild}看见{they}就跑了。"),
        ("They saw {a_wild} that was not afraid of them.", "{they}看见{a_wild}，它不怕{they}。"),
        ("Suddenly {a_wild} stood before them.", "突然，{a_wild}出现在{they}面前。"),
        ("\"Look,\" said {F}, \"there is {a_wild}!\"", "{F}说：“看，那儿有{a_wild}！”"),
    ),
    "test": (
        ("Suddenly they saw {a_wild} on the road.", "突然，{they}在路上看见{a_wild}。"),
        ("{A_wild} looked at them and was not afraid.", "{a_wild}看着{they}，它不怕。"),
    ),
}

SNACK = {
    "train": (
        ("They sat down and ate some {snack}.", "{they}坐下来吃了些{snack}。"),
        ("{H} had brought some {snack}, and they shared it.", "{H}带了些{snack}，{they}分着吃了。"),
        ("They bought some {snack}, for they were hungry.", "{they}买了些{snack}，因为饿了。"),
    ),
    "test": (
        ("They were hungry, so they shared some {snack}.", "{they}饿了，就分了些{snack}吃。"),
        ("{H} had bought some {snack}, and they sat down.", "{H}买了些{snack}，{they}坐了下来。"),
    ),
}

LOST = {
    "train": (
        ("{F} was sad, for {his_f} {thing} was gone.", "{F}很难过，因为{his_f}{thing}不见了。"),
        ("\"I have lost my {thing},\" said {F}.", "{F}说：“我把我的{thing}弄丢了。”"),
        ("{F} was looking for {a_thing} but could not find it.", "{F}在找{a_thing}，可是找不到。"),
        ("{F} did not laugh that day. Somebody had taken {his_f} {thing}.",
         "{F}那天没有笑。有人拿走了{his_f}{thing}。"),
    ),
    "test": (
        ("{F} could not find {his_f} {thing}.", "{F}找不到{his_f}{thing}。"),
        ("{F} had lost {a_thing} and was sad that day.", "{F}弄丢了{a_thing}，那天很难过。"),
    ),
}

CLAIM = {
    "train": (
        ("{S} said that the {item} was {P}.", "{S}说{the_item}{P}。"),
        ("\"The {item} is {P},\" said {S}.", "“{the_item}{P}，”{S}说。"),
        ("{S} was sure that the {item} was {P}.", "{S}肯定{the_item}{P}。"),
        ("{S} remembered that the {item} was {P}.", "{S}记得{the_item}{P}。"),
    ),
    "test": (
        ("{S} said that {he_s} was sure: the {item} was {P}.", "{S}说{he_s}肯定{the_item}{P}。"),
        ("The {item} was {P}, {S} remembered.", "{the_item}{P}，这是{S}记得的。"),
    ),
}

DOUBT = {
    "train": (
        ("{O} did not believe {him_s}.", "{O}不相信{him_s}。"),
        ("But {O} was not so sure.", "可是{O}不太肯定。"),
        ("{O} shook {his_o} head.", "{O}摇了摇头。"),
    ),
    "test": (
        ("But {O} shook {his_o} head and did not believe it.", "可是{O}摇摇头，不相信。"),
        ("{O} was not sure.", "{O}不肯定。"),
    ),
}

FOUND = {
    "train": (
        ("{S} was right. {The_thing} was {P}.", "{S}说得对。{the_thing}{P}。"),
        ("In the end they found the {item} {P}, as {S} had said.",
         "最后{they}{P}找到了{the_item}，正如{S}所说。"),
        ("And there it was, {the_thing}, {P}. Now {O} believed {S}, too.",
         "它就在那儿，{the_thing}，{P}。现在{O}也相信{S}了。"),
        ("{P_} they stopped. There was the {item}: {S} was right, and not {O}.",
         "{they}{P}停下来。{the_item}就在那儿，说对的是{S}，不是{O}。"),
    ),
    "test": (
        ("As {S} had said, {the_thing} was {P}.", "正如{S}所说，{the_thing}就{P}。"),
        ("The {item} was {P} in the end, so {S} was right, and not {O}.",
         "{the_item}最后就{P}，说对的是{S}，不是{O}。"),
    ),
}

FOUND_ELSEWHERE = {
    "train": (
        ("{S} was wrong. {The_thing} was not {P} but {Q}.", "{S}说错了。{the_thing}不{P}，而{Q}。"),
        ("They did not find the {item} {P}, where {S} had looked. It was {Q}.",
         "{S}先{P}找，没有找到{the_item}。它{Q}。"),
        ("In the end it was {O} who found {the_thing} {Q}, and not {P}.",
         "最后是{O}{Q}找到了{the_thing}，而不{P}。"),
        ("{P_} there was no {item}. {O} looked {Q}, and there it was.",
         "{P}没有找到{item}。{O}{Q}一看，它就在那儿。"),
    ),
    "test": (
        ("{S} had looked {P}, but {O} found {the_thing} {Q}.",
         "{S}{P}找过，可是{O}{Q}找到了{the_thing}。"),
        ("It was {Q} that they found the {item} in the end, so {S} was wrong: it was not {P}.",
         "{they}最后{Q}找到了{the_item}，{S}说错了：它不{P}。"),
    ),
}

THANKS = {
    "train": (
        ("{F} thanked {H}.", "{F}谢过了{H}。"),
        ("\"Thank you, {H},\" said {F}.", "{F}说：“谢谢你，{H}。”"),
        ("{F} was so glad that {he_f} sang all the way home.", "{F}高兴得一路唱着歌回家。"),
        ("\"You are a good friend,\" {F} told {him_h}.", "{F}对{him_h}说：“你真是个好朋友。”"),
    ),
    "test": (
        ("\"Thank you, you are a good friend,\" said {F}.", "{F}说：“谢谢，你真是个好朋友。”"),
        ("{F} was so glad that {he_f} thanked {H} all the way home.",
         "{F}高兴得一路谢着{H}回家。"),
    ),
}

WISH = {
    "train": (
        ("{F} wanted {a_thing} and not {a_other}.", "{F}想要{a_thing}，不想要{a_other}。"),
        ("It was the birthday of {F}. {He_f} did not need {a_other}, but {he_f} had no {thing}.",
         "那天是{F}的生日。{he_f}不需要{a_other}，可是{he_f}没有{thing}。"),
        ("\"I have no use for {a_other},\" said {F}, \"but I would love {a_thing}.\"",
         "{F}说：“{a_other}对我没有用，可我很想要{a_thing}。”"),
        ("{F} already had {a_other}, but {he_f} wanted {a_thing}.",
         "{F}已经有了{a_other}，可是{he_f}想要{a_thing}。"),
    ),
    "test": (
        ("\"I have no {thing},\" said {F}. \"I already have {a_other}.\"",
         "{F}说：“我没有{thing}。我已经有了{a_other}。”"),
        ("{F} did not need {a_other}. {He_f} had no use for it, but would love {a_thing}.",
         "{F}不想要{a_other}，那对{him_f}没有用，可{he_f}很想要{a_thing}。"),
    ),
}

STALL = {
    "train": (
        ("{P_} a man was selling all kinds of things.", "{P}有个男人在卖各种东西。"),
        ("A woman who was selling old things stood {P}.", "一个卖旧东西的女人正{P}。"),
        ("There was a small shop {P}, and they went in.", "{P}有一家小店，{they}走了进去。"),
    ),
    "test": (
        ("They came to a woman who was selling things {P}.", "{they}遇见一个女人{P}卖东西。"),
        ("{P_} stood a man who was selling old things.", "{P}站着一个卖旧东西的男人。"),
    ),
}

BOUGHT = {
    "train": (
        ("{H} bought {the_thing} and not {the_other}.", "{H}买了{the_thing}，没有买{the_other}。"),
        ("So {H} paid for {the_thing}. {The_other} stayed where it was.",
         "于是{H}买下了{the_thing}。{the_other}留在了原处。"),
        ("{H} had not forgotten it: {he_h} took {the_thing} for {F} and left {the_other}.",
         "{H}没有忘记：{he_h}给{F}拿了{the_thing}，留下了{the_other}。"),
    ),
    "test": (
        ("{H} left {the_other} where it was and paid for {the_thing}.",
         "{H}把{the_other}留在原处，买下了{the_thing}。"),
        ("So {H} took {the_thing} for {F}, and not {the_other}.",
         "于是{H}给{F}拿了{the_thing}，没有拿{the_other}。"),
    ),
}

TASTE = {
    "train": (
        ("{F} loved {food} but never ate {food2}.", "{F}爱吃{food}，可是从不吃{food2}。"),
        ("\"I do not like {food2},\" said {F}. \"I like {food}.\"",
         "{F}说：“我不喜欢{food2}，我喜欢{food}。”"),
        ("{F} was hungry for {food}, but not for {food2}.", "{F}想吃{food}，可是不想吃{food2}。"),
        ("{F} was tired of {food2} and wanted some {food}.", "{F}吃厌了{food2}，想吃些{food}。"),
    ),
    "test": (
        ("{F} never ate {food2}. {He_f} loved {food}.", "{F}从不吃{food2}，{he_f}爱吃{food}。"),
        ("\"I would love some {food},\" said {F}, \"but I do not like {food2}.\"",
         "{F}说：“我想吃{food}，可是我不喜欢{food2}。”"),
    ),
}

INVITED = {
    "train": (
        ("\"Come home with me,\" said {H}.", "{H}说：“跟我回家吧。”"),
        ("{H} asked {F} to come to dinner.", "{H}请{F}来吃晚饭。"),
        ("So {H} asked {him_f} to the house in {home}.", "于是{H}请{him_f}到{home}的家里去。"),
    ),
    "test": (
        ("{H} asked {F} to come home with {him_h}.", "{H}请{F}跟{him_h}回家。"),
        ("\"Come to dinner,\" said {H}.", "{H}说：“来吃晚饭吧。”"),
    ),
}

COOKED = {
    "train": (
        ("{H} served {food}, and there was no {food2} on the table.",
         "{H}端上了{food}，桌上没有{food2}。"),
        ("{H} served some {food} and gave the {food2} to {his_h} {pet}.",
         "{H}端上了一些{food}，把{food2}给了{his_h}{pet}。"),
        ("At first {H} wanted to serve {food2}, but then {he_h} served {food}.",
         "{H}起先想端上{food2}，后来还是端上了{food}。"),
    ),
    "test": (
        ("{H} served no {food2}. On the table there was some {food}.",
         "{H}没有端上{food2}，桌上有一些{food}。"),
        ("Then {H} gave {F} some {food}, and no {food2}.",
         "然后{H}给了{F}一些{food}，没有给{food2}。"),
    ),
}

ATE = {
    "train": (
        ("{F} ate all the {food} and was happy.", "{F}把{food}吃了个精光，很高兴。"),
        ("\"Never have I eaten such good {food},\" said {F}.",
         "{F}说：“我从来没吃过这么好的{food}。”"),
        ("{F} asked for more {food}, and {H} laughed.", "{F}还要{food}，{H}笑了。"),
    ),
    "test": (
        ("{F} was happy and asked for all the {food}.", "{F}很高兴，还要吃{food}。"),
        ("\"Such good {food}!\" said {F}, and {H} laughed.", "{F}说：“这么好的{food}！”{H}笑了。"),
    ),
}

PROMISE = {
    "train": (
        ("{S} promised to bring {O} {a_item} the next day.", "{S}答应第二天给{O}带{a_item}来。"),
        ("\"Tomorrow I will bring you {a_item},\" {S} told {O}.",
         "{S}对{O}说：“明天我给你带{a_item}来。”"),
        ("{O} needed {a_item}, and {S} had one at home.", "{O}需要{a_item}，{S}家里正好有。"),
    ),
    "test": (
        ("{S} had {a_item} at home, and {he_s} promised to bring it to {O}.",
         "{S}家里有{a_item}，{he_s}答应带来给{O}。"),
        ("\"I will bring you {a_item} the next day,\" {S} promised {O}.",
         "{S}答应{O}：“我第二天给你带{a_item}来。”"),
    ),
}

KEPT = {
    "train": (
        ("The next day {S} came with the {item}.", "第二天{S}带着{item}来了。"),
        ("{S} did not forget it: the next day {he_s} gave {O} the {item}.",
         "{S}没有忘记：第二天{he_s}把{item}给了{O}。"),
        ("When {O} opened the door, {S} stood there with the {item}.",
         "{O}打开门，{S}拿着{item}站在那儿。"),
    ),
    "test": (
        ("{S} stood at the door the next day with the {item}.", "第二天{S}拿着{item}站在门前。"),
        ("The next day {O} had the {item}, for {S} did not forget it.",
         "第二天{O}有了{item}，因为{S}没有忘记。"),
    ),
}

FORGOTTEN = {
    "train": (
        ("The next day {S} came without the {item}, and {O} was angry.",
         "第二天{S}来了，却没有带{item}，{O}很生气。"),
        ("{O} waited for {S}, but {S} had forgotten the {item}.",
         "{O}等着{S}，可是{S}忘了{item}。"),
        ("But {S} did not bring the {item}, and {O} never asked {him_s} again.",
         "可是{S}没有带{item}来，{O}再也没有问过{him_s}。"),
    ),
    "test": (
        ("{S} forgot to bring the {item}, and {O} was angry.", "{S}忘了带{item}，{O}很生气。"),
        ("{O} waited for the {item}, but {S} came without it.",
         "{O}等着{item}，可是{S}没有带来。"),
    ),
}

CLOSING = {
    "train": (
        ("In the evening {H} went home to {home} and told {his_h} {pet} about it.",
         "晚上{H}回到{home}，把这事讲给{his_h}{pet}听。"),
        ("{H} never forgot that day.", "{H}永远没有忘记那一天。"),
        ("Then {F} went back to {home_f}, and {H} went back to {home}.",
         "然后{F}回{home_f}去，{H}回{home}去。"),
        ("The next morning {H} was {a_job} again, and {F} was {a_job_f}.",
         "第二天早上{H}又是{job}了，{F}又是{job_f}了。"),
    ),
    "test": (
        ("Then {H} went back to {home}, and {his_h} {pet} was happy.",
         "然后{H}回{home}去，{his_h}{pet}很高兴。"),
        ("In the evening {F} was back in {home_f} and {H} in {home}.",
         "晚上{F}回到了{home_f}，{H}回到了{home}。"),
    ),
}

SCENES = {
    "opening": (("time", "hero"), OPENING),
    "meeting": (("friend",), MEETING),
    "road": ((), ROAD),
    "weather": ((), WEATHER),
    "animal": (("wild",), ANIMAL),
    "snack": (("snack",), SNACK),
    "lost": (("colour", "thing"), LOST),
    "claim": (("speaker", "spot"), CLAIM),
    "doubt": ((), DOUBT),
    "found": ((), FOUND),
    "found elsewhere": (("spot2",), FOUND_ELSEWHERE),
    "thanks": ((), THANKS),
    "wish": (("colour", "thing", "other"), WISH),
    "stall": (("spot",), STALL),
    "bought": ((), BOUGHT),
    "taste": (("food", "food2"), TASTE),
    "invited": ((), INVITED),
    "cooked": ((), COOKED),
    "ate": ((), ATE),
    "promise": (("speaker", "thing"), PROMISE),
    "kept": ((), KEPT),
    "forgotten": ((), FORGOTTEN),
    "closing": ((), CLOSING),
}
"""For each scene the variables that it draws, and its frames."""
# fmt: on

_BEGINNING = (("opening", 1.0), ("meeting", 1.0))
_ASIDES = (("road", 0.5), ("weather", 0.6), ("animal", 0.5), ("snack", 0.3))
_SEARCH = (("lost", 1.0), ("claim", 1.0), ("doubt", 0.5), *_ASIDES)
_END = (("thanks", 0.6), ("closing", 0.8))

PLOTS = (
    (0.3, (*_BEGINNING, *_SEARCH, ("found", 1.0), *_END)),
    (0.15, (*_BEGINNING, *_SEARCH, ("found elsewhere", 1.0), *_END)),
    (0.2, (*_BEGINNING, ("wish", 1.0), *_ASIDES, ("stall", 0.6), ("bought", 1.0), *_END)),
    (0.2, (*_BEGINNING, ("taste", 1.0), *_ASIDES[:3], ("invited", 1.0), ("cooked", 1.0),
           ("ate", 0.7), *_END)),
    (0.1, (*_BEGINNING, ("promise", 1.0), *_ASIDES, ("kept", 1.0), *_END)),
    (0.05, (*_BEGINNING, ("promise", 1.0), *_ASIDES, ("forgotten", 1.0), ("closing", 0.8))),
)  # fmt: skip
"""For each plot its probability, and its scenes with the probability that each is told."""
