"""What is said in the world's dialogues: by users and systems in each split, by the assistant.

Users and system messages have wordings of their own in every split. The assistant says a thing in
one way, so that its answers can be compared with a model's to the letter.
"""
# fmt: off

SYSTEM = {
    "table": {
        "train": (
            ("You take bookings for the restaurant of {owner} in {town}. It is closed on {closed}.",
             "你为{owner}在{town}的餐厅接受预订。{closed}不营业。"),
            ("You answer the telephone in a restaurant in {town}. {owner} is the owner. There is "
             "no dinner on {closed}.",
             "你在{town}的一家餐厅接电话。老板是{owner}。{closed}没有晚餐。"),
        ),
        "validation": (
            ("The restaurant in {town} belongs to {owner}; you book its tables. On {closed} it is "
             "closed.", "{town}的餐厅是{owner}的，你负责订座。{closed}休息。"),
        ),
        "test": (
            ("{owner} has a restaurant in {town}, closed on {closed}, and you book the tables.",
             "{owner}在{town}有一家餐厅，{closed}关门，由你订座。"),
        ),
    },
    "ticket": {
        "train": (
            ("You sell tickets at the station of {town} for {owner}. Trains: {trains}.",
             "你在{town}车站替{owner}卖票。车次：{trains}。"),
            ("You work for {owner} at the station of {town}. Today's trains are: {trains}.",
             "你在{town}车站为{owner}工作。今天的车次：{trains}。"),
        ),
        "validation": (
            ("The station of {town}, where {owner} sells tickets with you, has these trains: "
             "{trains}.", "{town}车站由{owner}和你一起卖票，车次有：{trains}。"),
        ),
        "test": (
            ("With {owner} you sell tickets in {town}. These are the trains: {trains}.",
             "你和{owner}在{town}卖票。以下是车次：{trains}。"),
        ),
    },
    "people": {
        "train": (
            ("Answer from what follows and from nothing else. {passage}",
             "只根据下面的内容回答。{passage}"),
            ("This is all that you know. {passage}", "你知道的就是这些。{passage}"),
        ),
        "validation": (("You know this and nothing else. {passage}", "你只知道这些。{passage}"),),
        "test": (("All your answers come from what follows. {passage}",
                  "你的回答都来自下面的内容。{passage}"),),
    },
}

TRAIN_LINE = ("to {to} at {hour} o'clock for {price} pounds", "{hour}点去{to}，{price}镑")
LIST_MARKS = ("; ", "；")

USER = {
    "wish": {
        "train": (
            ("I would like a table.", "我想订一张桌子。"),
            ("Can I book a table, please?", "请问可以订位吗？"),
            ("Hello, I need a table.", "你好，我要一张桌子。"),
        ),
        "validation": (("Hello, I would like to book.", "你好，我想订位。"),),
        "test": (("Please book a table for me.", "请给我订一张桌子。"),
                 ("Hello, can I have a table?", "你好，可以给我一张桌子吗？")),
    },
    "wish day": {
        "train": (
            ("I would like a table on {day}.", "我想订{day}的桌子。"),
            ("Is there a table for us on {day}?", "{day}有我们的位子吗？"),
            ("Can we come on {day}?", "我们{day}能来吗？"),
        ),
        "validation": (("Can I have a table on {day}?", "{day}可以给我一张桌子吗？"),),
        "test": (("On {day} we would like to come.", "我们想{day}来。"),
                 ("Is there a table on {day}?", "{day}有桌子吗？")),
    },
    "day": {
        "train": (("On {day}, please.", "{day}，谢谢。"), ("{day}.", "{day}。"),
                  ("Let us say {day}.", "就{day}吧。")),
        "validation": (("Then {day}, please.", "那就{day}，谢谢。"),),
        "test": (("{day}, please.", "请订{day}。"), ("Let us say on {day}.", "那么就{day}吧。")),
    },
    "guests": {
        "train": (("For {count}, please.", "{count}位，谢谢。"),
                  ("We are {count}.", "我们{count}个人。"),
                  ("There will be {count} of us.", "我们一共{count}人。")),
        "validation": (("A table for {count}.", "{count}个人的桌子。"),),
        "test": (("We will be {count}.", "我们会有{count}个人。"),
                 ("{count}, please.", "请订{count}位。")),
    },
    "hour": {
        "train": (("At {hour}.", "{hour}点。"), ("At {hour}, please.", "{hour}点，谢谢。"),
                  ("We would come at {hour}.", "我们{hour}点来。")),
        "validation": (("We come at {hour}, please.", "我们{hour}点来，谢谢。"),),
        "test": (("Let us say at {hour}.", "就{hour}点吧。"), ("{hour} o'clock.", "{hour}点钟。")),
    },
    "name": {
        "train": (("{name}.", "{name}。"), ("My name is {name}.", "我叫{name}。"),
                  ("For {name}, please.", "用{name}的名字。")),
        "validation": (("The name is {name}.", "名字是{name}。"),),
        "test": (("{name}, please.", "请写{name}。"), ("I am {name}.", "我是{name}。")),
    },
    "when": {
        "train": (("When does the train to {to} leave?", "去{to}的火车几点开？"),
                  ("I want to go to {to}. When can I leave?", "我要去{to}，几点可以走？"),
                  ("At what time is there a train to {to}?", "几点有车去{to}？")),
        "validation": (("When is there a train to {to}?", "什么时候有车去{to}？"),),
        "test": (("At what time does the train to {to} leave?", "去{to}的车什么时候开？"),
                 ("When can I go to {to}?", "我什么时候能去{to}？")),
    },
    "and to": {
        "train": (("And the one to {to}?", "那去{to}的呢？"), ("And to {to}?", "去{to}呢？")),
        "validation": (("And the train to {to}?", "那去{to}的火车呢？"),),
        "test": (("What about {to}?", "{to}呢？"),),
    },
    "buy": {
        "train": (("What do {count} tickets cost?", "{count}张票多少钱？"),
                  ("I need {count} tickets for it.", "我要{count}张这趟车的票。"),
                  ("How much is it for {count}?", "{count}个人要多少钱？")),
        "validation": (("How much do {count} tickets cost?", "{count}张票要多少钱？"),),
        "test": (("I want {count} tickets. What is that?", "我要{count}张票，一共多少？"),
                 ("How much for {count} tickets?", "{count}张车票是多少钱？")),
    },
    "and person": {
        "train": (("And {p}?", "{p}呢？"), ("What about {p}?", "那{p}呢？")),
        "validation": (("And what about {p}?", "那么{p}呢？"),),
        "test": (("The same for {p}?", "{p}也一样吗？"),),
    },
    "thanks": {
        "train": (("Thank you.", "谢谢。"), ("Thanks, that is all.", "谢谢，就这些。"),
                  ("Good, thank you.", "好，谢谢。")),
        "validation": (("Thank you, that is all.", "谢谢你，就这些了。"),),
        "test": (("Good, that is all, thanks.", "好的，就这些，谢谢你。"), ("Thanks.", "多谢。")),
    },
}

ASSISTANT = {
    "ask day": ("On which day?", "哪一天？"),
    "closed": ("I am sorry, we are closed on {day}. Which other day would you like?",
               "对不起，我们{day}不营业。您想换哪一天？"),
    "ask guests": ("For how many people?", "几位？"),
    "ask hour": ("At what time?", "几点？"),
    "ask name": ("In which name?", "用谁的名字？"),
    "booked": ("Your table for {count} on {day} at {hour} o'clock is booked, {name}.",
               "{name}，{day}{hour}点{count}位的桌子已经订好了。"),
    "leaves": ("The train to {to} leaves at {hour} o'clock.", "去{to}的火车{hour}点开。"),
    "no train": ("I am sorry, there is no train to {to}.", "对不起，没有去{to}的火车。"),
    "price": ("{count} tickets to {to} cost {total} pounds.", "{count}张去{to}的票一共{total}镑。"),
    "unknown": ("I do not know.", "我不知道。"),
    "welcome": ("You are welcome.", "不客气。"),
}

REPLIES = {
    "home": ("{p} lives in {y}.", "{p}住在{y}。"),
    "job": ("{p} is {y}.", "{p}是{y}。"),
    "pet": ("{p} keeps {y}.", "{p}养了{y}。"),
    "owns": ("{p} owns {y}.", "{p}有{y}。"),
    "likes": ("{p} likes {y}.", "{p}喜欢{y}。"),
    "dislikes": ("{p} does not eat {y}.", "{p}不吃{y}。"),
    "friend": ("{p} is a friend of {y}.", "{p}是{y}的朋友。"),
}
# fmt: on
