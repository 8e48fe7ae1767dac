"""The three classification tasks: their classes, the phrases of each, the frames of each split.

Slots: {p} a name, {y} a phrase that counts, {x} one that is mentioned and does not count. In every
decisive frame the words before and after {x} are those before and after {y}: exchanging the two
leaves the bag of words as it was, and the pairs of adjacent words.
"""

from dataclasses import dataclass

from llm_book.data.world.grammar import Pair, pairs

Frames = dict[str, tuple[Pair, ...]]


@dataclass(frozen=True)
class ClassTask:
    """A task: classes with their probabilities and phrases; greetings, plain and decisive frames.

    fellows: how many phrases of its class a plain text has, and how many of another one.
    """

    labels: tuple[str, ...]
    priors: tuple[float, ...]
    phrases: tuple[tuple[Pair, ...], ...]
    fellows: tuple[int, int]
    greetings: Frames
    plain: Frames
    decisive: Frames


# fmt: off
TOPICS = ClassTask(
    labels=("sport", "cooking", "travel", "music", "science"),
    priors=(0.35, 0.25, 0.2, 0.12, 0.08),
    phrases=(
        pairs("""the match=比赛; the goal=进球; the coach=教练; the stadium=体育场; the league=联赛;
            the referee=裁判; the race=赛跑; the trophy=奖杯; the striker=前锋; the marathon=马拉松;
            the penalty=点球; the swimmers=游泳选手; the tennis court=网球场; the defeat=败局"""),
        pairs("""the recipe=菜谱; the oven=烤箱; the sauce=酱汁; the dough=面团; the spices=香料;
            the pan=平底锅; the onions=洋葱; the dessert=甜点; the stew=炖菜; the flour=面粉;
            the roast=烤肉; the garlic=大蒜; the broth=高汤; the frying=油炸"""),
        pairs("""the flight=航班; the hotel=旅馆; the passport=护照; the beach=海滩;
            the luggage=行李; the border=边境; the airport=机场; the cruise=游轮;
            the visa=签证; the hostel=青年旅舍; the guidebook=旅行指南; the harbour tour=港口游;
            the sights=名胜; the souvenirs=纪念品"""),
        pairs("""the concert=音乐会; the melody=旋律; the guitar=吉他; the choir=合唱团;
            the rehearsal=排练; the drummer=鼓手; the opera=歌剧; the orchestra=管弦乐队;
            the album=专辑; the chorus=副歌; the pianist=钢琴家; the rhythm=节奏; the cello=大提琴;
            the ballad=民谣"""),
        pairs("""the experiment=实验; the telescope=望远镜; the molecule=分子;
            the laboratory=实验室;
            the theory=理论; the electrons=电子; the microscope=显微镜; the planet=行星;
            the gene=基因; the equation=方程; the fossil=化石; the vaccine=疫苗; the magnet=磁铁;
            the galaxy=星系"""),
    ),
    fellows=(2, 1),
    greetings={
        "train": (
            ("This is what {p} wrote in the paper.", "以下是{p}在报上写的。"),
            ("{p} was on the radio this morning.", "今天早上{p}上了广播。"),
            ("We sat down with {p} and listened.", "我们和{p}坐下来听着。"),
            ("Here is a letter from {p}.", "这是{p}的来信。"),
        ),
        "validation": (("This morning {p} wrote a letter.", "今天早上{p}写了一封信。"),
                       ("{p} sat down with the paper.", "{p}拿着报纸坐了下来。")),
        "test": (("Here is what was on the radio with {p}.", "这是{p}在广播里说的。"),
                 ("A letter from {p} was in the paper.", "报上有{p}的一封来信。")),
    },
    plain={
        "train": (
            ("There was much to say about {y}.", "关于{y}有很多可说。"),
            ("First came some words on {y}.", "先说了几句{y}。"),
            ("Then {y} came up.", "接着提到了{y}。"),
            ("A question about {y} was asked.", "有人问起{y}。"),
            ("Nobody had forgotten {y}.", "没有人忘记{y}。"),
            ("It began with {y}.", "是从{y}说起的。"),
        ),
        "validation": (("Some words were said about {y}.", "有人说了几句{y}的事。"),
                       ("Then came {y}.", "接着说到{y}。"),
                       ("A question came up on {y}.", "有人提到{y}的问题。")),
        "test": (("It came to {y}.", "说到了{y}。"),
                 ("Much was asked about {y}.", "很多人问起{y}。"),
                 ("Then there was a question on {y}.", "接着有个关于{y}的问题。")),
    },
    decisive={
        "train": (
            ("Nobody spoke of {x} today, for all of us spoke of {y} today.",
             "今天没有人说{x}的事，因为今天大家都说{y}的事。"),
            ("All of us spoke of {y} today, and nobody spoke of {x} today.",
             "今天大家都说{y}的事，没有人说{x}的事。"),
            ("It was not a talk about {x} this time, but a talk about {y} this time.",
             "这一回不是谈{x}的事，这一回是谈{y}的事。"),
            ("It was a talk about {y} this time, and no talk about {x} this time.",
             "这一回是谈{y}的事，不是谈{x}的事。"),
            ("We had waited for news of {x} in vain, for there was news of {y} in plenty.",
             "等{x}的消息，白等了；来了{y}的消息，多得很。"),
            ("There was news of {y} in plenty, while we waited for news of {x} in vain.",
             "来了{y}的消息，多得很；等{x}的消息，白等了。"),
        ),
        "validation": (
            ("All of us waited for news of {x} today, but there was news of {y} today.",
             "今天大家都等{x}的消息，来了{y}的消息。"),
            ("There was a talk about {y} this time, and nobody spoke about {x} this time.",
             "这一回说{y}的事，没有人说{x}的事。"),
        ),
        "test": (
            ("There was no talk of {x} today, but a talk of {y} today.",
             "今天不是说{x}的事，是说{y}的事。"),
            ("We spoke about {y} this time; nobody had a word about {x} this time.",
             "这一回大家谈{y}的事，没有人谈{x}的事。"),
            ("In vain we waited for a talk about {x} this time, for it was a talk about {y} "
             "this time.", "这一回白等{x}的事，因为大家都说{y}的事。"),
            ("All had news of {y} today, and nobody had news of {x} today.",
             "今天大家都有{y}的消息，没有人有{x}的消息。"),
        ),
    },
)

SPAM = ClassTask(
    labels=("ham", "spam"),
    priors=(0.8, 0.2),
    phrases=(
        pairs("""send the report=发报告; call your mother=给妈妈打电话; move the meeting=改会议时间;
            water the plants=浇花; pick up the children=接孩子; buy some milk=买牛奶;
            read my draft=看我的草稿; book the room=订会议室; bring the umbrella=带伞;
            sign the holiday list=填休假表; feed the cat=喂猫; check the timetable=看时刻表;
            fix the bicycle=修自行车; invite the neighbours=请邻居"""),
        pairs("""claim your free prize=领取免费大奖; confirm your password=确认密码;
            win a new phone=赢取新手机; click the secret link=点击秘密链接;
            double your money=让钱翻倍; collect your millions=领取百万巨款;
            get a cheap loan=办理低息贷款; buy a gold watch at half price=半价买金表;
            unlock your bonus=解锁奖金; take the miracle pills=服用神奇药丸;
            enter the lottery=参加抽奖; verify your bank account=验证银行账户;
            grab a luxury cruise=抢豪华游轮票; earn cash from home=在家赚现金"""),
    ),
    fellows=(1, 0),
    greetings={
        "train": (
            ("Hello, this is {p}.", "你好，我是{p}。"),
            ("{p} here, I hope you are well.", "我是{p}，希望你一切都好。"),
            ("A short note from {p}.", "{p}的一张便条。"),
            ("Dear friend, {p} has a message for you.", "亲爱的朋友，{p}有话告诉你。"),
        ),
        "validation": (("Hello, {p} has a short note for you.", "你好，{p}有一张便条给你。"),
                       ("Dear friend, this is {p}.", "亲爱的朋友，我是{p}。")),
        "test": (("{p} here with a message.", "我是{p}，有话要说。"),
                 ("I hope you are well, this is {p}.", "希望你一切都好，我是{p}。")),
    },
    plain={
        "train": (
            ("Do not forget to {y} before Friday.", "星期五以前别忘了{y}。"),
            ("Could you find time to {y}?", "你能抽空{y}吗？"),
            ("Today is a good day to {y}.", "今天正好{y}。"),
            ("I write to ask you to {y}.", "我写信是想请你{y}。"),
            ("All you need is to {y}.", "你只需要{y}。"),
        ),
        "validation": (("Today I ask you to {y}.", "今天想请你{y}。"),
                       ("Do find time to {y} before Friday.", "星期五以前抽空{y}。")),
        "test": (("Could you {y} today?", "你今天能{y}吗？"),
                 ("You need to {y} before Friday.", "你星期五以前需要{y}。"),
                 ("Do not forget today to {y}.", "今天别忘了{y}。")),
    },
    decisive={
        "train": (
            ("I never asked you to {x} now: I ask you to {y} now.",
             "我没请你去{x}啊，我是请你去{y}啊。"),
            ("I ask you to {y} now; nobody asked you to {x} now.",
             "我是请你去{y}啊，没人请你去{x}啊。"),
            ("Warn the others not to {x} today, and find time to {y} today.",
             "叫大家今天别去{x}啊，今天抽空去{y}啊。"),
            ("Find time to {y} today, and warn the others not to {x} today.",
             "今天抽空去{y}啊，叫大家今天别去{x}啊。"),
            ("It is no good day to {x} at all; it is time to {y} at last.",
             "今天不适合去{x}啊，该去{y}啊。"),
            ("It is time to {y} at last, and no good day to {x} at all.",
             "该去{y}啊，今天不适合去{x}啊。"),
        ),
        "validation": (
            ("It is no good day to {x} now, I ask you to {y} now.",
             "今天不适合去{x}啊，请你去{y}啊。"),
            ("Find time to {y} today, nobody asked you to {x} today.",
             "今天抽空去{y}啊，没人请你去{x}啊。"),
        ),
        "test": (
            ("Nobody asked you to {x} today: it is time to {y} today.",
             "今天没人请你去{x}啊，今天该去{y}啊。"),
            ("I ask you to {y} now, and warn you not to {x} now.",
             "我请你去{y}啊，叫你别去{x}啊。"),
            ("Warn the others not to {x} at all, and ask all to {y} at last.",
             "叫大家别去{x}啊，叫大家去{y}啊。"),
            ("Today it is time to {y} now, no good day to {x} now.",
             "今天该去{y}啊，今天不适合去{x}啊。"),
        ),
    },
)

INTENTS = ClassTask(
    labels=("music", "weather", "alarm", "lights", "call", "shopping", "heating", "news"),
    priors=(0.3, 0.2, 0.15, 0.1, 0.09, 0.07, 0.05, 0.04),
    phrases=(
        pairs("""play some jazz=放爵士乐; put on a song=放一首歌; start the playlist=打开歌单;
            turn up the music=把音乐调大; play the next tune=放下一首曲子;
            find that old record=找那张老唱片"""),
        pairs("""tell me the forecast=告诉我天气预报; look up the temperature outside=查室外温度;
            see if it will rain=看看会不会下雨; check for snow=看看有没有雪;
            find out about the storm=查查暴风雨; ask if it is sunny=问问是不是晴天"""),
        pairs("""wake me at six=六点叫醒我; set an alarm=定闹钟; ring at noon=中午响铃;
            set a timer=定时; cancel the alarm=取消闹钟; remind me to get up=提醒我起床"""),
        pairs("""dim the lamp=把灯调暗; switch on the lights=开灯; light the hall=照亮走廊;
            turn off the bulb=关灯泡; make the room brighter=让房间亮些;
            darken the bedroom=让卧室暗下来"""),
        pairs("""phone my sister=给妹妹打电话; dial the office=拨办公室号码; call a taxi=叫出租车;
            ring up the dentist=打电话给牙医; answer the telephone=接电话;
            leave a voice message=留语音信息"""),
        pairs("""order some bread=订面包; add eggs to the list=把鸡蛋加进清单;
            buy new shoes=买新鞋; get more coffee=再买些咖啡; order a pizza=订比萨;
            put soap in the basket=把肥皂放进购物车"""),
        pairs("""warm up the house=让屋里暖起来; turn down the heating=把暖气调低;
            set it to twenty degrees=调到二十度; start the boiler=打开锅炉;
            cool the kitchen=让厨房凉下来; stop the radiator=关掉散热器"""),
        pairs("""read the headlines=读头条; tell me the news=告诉我新闻; get the results=查结果;
            look up the election=查选举; read out the front page=念头版;
            find the latest reports=找最新报道"""),
    ),
    fellows=(1, 0),
    greetings={
        "train": (
            ("This is {p} speaking.", "我是{p}。"),
            ("{p} wants something.", "{p}有件事。"),
            ("Listen, it is {p}.", "听着，我是{p}。"),
            ("Here is {p} again.", "又是{p}。"),
        ),
        "validation": (("Listen to {p}.", "听{p}说。"), ("{p} is here again.", "{p}又来了。")),
        "test": (("It is {p} again.", "又是{p}在说话。"),
                 ("{p} here, listen.", "我是{p}，听我说。")),
    },
    plain={
        "train": (
            ("Could you {y}, please?", "请你{y}，好吗？"),
            ("I would like you to {y}.", "我想让你{y}。"),
            ("Please {y}.", "请{y}。"),
            ("Do {y} when you can.", "方便的时候{y}。"),
            ("It would be nice to {y}.", "最好{y}。"),
        ),
        "validation": (("Would you please {y}?", "请你{y}，可以吗？"),
                       ("I would like to {y}.", "我想{y}。")),
        "test": (("Please do {y}.", "劳驾{y}。"), ("Could you {y}?", "你能{y}吗？"),
                 ("When you can, {y}.", "请你方便的时候{y}。")),
    },
    decisive={
        "train": (
            ("I did not ask you to {x} now, I asked you to {y} now.",
             "我没叫你去{x}啊，我是叫你去{y}啊。"),
            ("I want you to {y} now; there is no need to {x} now.",
             "我要你去{y}啊，不用去{x}啊。"),
            ("It is too early to {x} now, but it is time to {y} now.",
             "现在还不该去{x}啊，现在该去{y}啊。"),
            ("It is time to {y} now, and too early to {x} now.",
             "现在该去{y}啊，还不该去{x}啊。"),
            ("First I wanted you to {x} today, but no, I want you to {y} today.",
             "我本来想要你去{x}啊，不，我想要你去{y}啊。"),
            ("I want you to {y} today, though first I wanted you to {x} today.",
             "我想要你去{y}啊，我本来想要你去{x}啊。"),
        ),
        "validation": (
            ("There is no need to {x} now: it is time to {y} now.",
             "现在不用去{x}啊，现在该去{y}啊。"),
            ("I asked you to {y} today, I did not want you to {x} today.",
             "我是叫你去{y}啊，我没想要你去{x}啊。"),
        ),
        "test": (
            ("There is no time to {x} today, but I want you to {y} today.",
             "今天不用去{x}啊，今天我要你去{y}啊。"),
            ("I need you to {y} now, I never asked you to {x} now.",
             "我叫你去{y}啊，我没叫你去{x}啊。"),
            ("It is not time to {x} now, it is time to {y} now.",
             "现在不该去{x}啊，该去{y}啊。"),
            ("I did ask you to {y} today, and not to {x} today.",
             "我是叫你今天去{y}啊，不是去{x}啊。"),
        ),
    },
)
# fmt: on

TASKS = {"topics": TOPICS, "spam": SPAM, "intents": INTENTS}
