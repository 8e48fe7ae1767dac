"""The words of the corpus in which analogies and similarities are planted, and its frames.

Every word has a role: it stands in the frames of its role. Words of a planted pair share the
materials, {m} and {n}, that they are spoken of with. Chinese words are set apart by spaces, as a
segmenter would leave them.
"""

from llm_book.data.world.grammar import Pair, pairs

PairsOfWords = tuple[tuple[Pair, Pair], ...]


def _couples(left: str, right: str) -> PairsOfWords:
    return tuple(zip(pairs(left), pairs(right), strict=True))


PLANTED: dict[str, PairsOfWords] = {
    "capital": _couples(
        """France=法国; Italy=意大利; Spain=西班牙; Japan=日本; Egypt=埃及; Russia=俄罗斯;
        Greece=希腊; Austria=奥地利; Poland=波兰; Norway=挪威; Cuba=古巴; Peru=秘鲁""",
        """Paris=巴黎; Rome=罗马; Madrid=马德里; Tokyo=东京; Cairo=开罗; Moscow=莫斯科;
        Athens=雅典; Vienna=维也纳; Warsaw=华沙; Oslo=奥斯陆; Havana=哈瓦那; Lima=利马""",
    ),
    "workplace": _couples(
        """baker=面包师; teacher=教师; doctor=医生; judge=法官; priest=神父; farmer=农夫;
        actor=演员; sailor=水手; waiter=服务员; banker=银行家; miner=矿工; monk=和尚""",
        """bakery=面包店; school=学校; hospital=医院; court=法院; church=教堂; farm=农场;
        theatre=剧院; ship=轮船; restaurant=餐厅; bank=银行; mine=矿井; temple=寺庙""",
    ),
    "woman": _couples(
        """king=国王; prince=王子; uncle=叔叔; brother=兄弟; father=父亲; husband=丈夫; son=儿子;
        nephew=侄子; grandfather=祖父; duke=公爵; emperor=皇帝; groom=新郎""",
        """queen=女王; princess=公主; aunt=阿姨; sister=姐妹; mother=母亲; wife=妻子; daughter=女儿;
        niece=侄女; grandmother=祖母; duchess=女公爵; empress=皇后; bride=新娘""",
    ),
    "comparative": _couples(
        """big=大; small=小; cold=冷; warm=暖; old=旧; new=新; strong=强; weak=弱; long=长;
        short=短; cheap=便宜; rich=富""",
        """bigger=更大; smaller=更小; colder=更冷; warmer=更暖; older=更旧; newer=更新;
        stronger=更强; weaker=更弱; longer=更长; shorter=更短; cheaper=更便宜; richer=更富""",
    ),
}
"""For each relation its pairs (word, counterpart)."""

UNPLANTED: dict[str, PairsOfWords] = {
    "nothing": _couples(
        """violin=小提琴; piano=钢琴; flute=长笛; trumpet=小号; guitar=吉他; harp=竖琴; drum=鼓;
        organ=管风琴; cello=大提琴; clarinet=单簧管; oboe=双簧管; lute=琵琶""",
        """robin=知更鸟; swan=天鹅; eagle=老鹰; crow=乌鸦; owl=猫头鹰; duck=鸭子; stork=鹳鸟;
        dove=鸽子; hawk=隼; heron=苍鹭; sparrow=麻雀; finch=雀鸟""",
    ),
}
"""Pairs like the others, whose two words have nothing in common: the negative control."""

SYNONYMS: PairsOfWords = _couples(
    """sofa=沙发; path=小路; shop=商店; stone=石头; lake=湖泊; forest=森林; bag=袋子; cup=杯子;
    lamp=台灯; fence=篱笆""",
    """couch=长沙发; trail=小径; store=店铺; rock=岩石; pond=池塘; wood=树林; sack=麻袋; mug=马克杯;
    lantern=灯笼; hedge=树篱""",
)
"""Pairs of one role that share their materials: similar words."""

MATERIALS = pairs(
    """silk=丝绸; wool=羊毛; gold=黄金; silver=白银; coal=煤炭; salt=食盐; glass=玻璃; paper=纸张;
    wine=葡萄酒; tea=茶叶; coffee=咖啡; oil=石油; cotton=棉花; iron=生铁; marble=大理石;
    leather=皮革; wheat=小麦; corn=玉米; sugar=食糖; butter=黄油; milk=牛奶; ink=墨水; wax=蜡;
    steel=钢材; copper=铜; rubber=橡胶; amber=琥珀; linen=亚麻; cheese=奶酪; honey=蜂蜜; bread=面包;
    rice=大米; chocolate=巧克力; soup=汤; fish=鱼; ham=火腿; jam=果酱; tobacco=烟草; clay=黏土;
    velvet=天鹅绒; bronze=青铜; cement=水泥; garlic=大蒜; pepper=胡椒; mustard=芥末; vinegar=醋;
    soap=肥皂; perfume=香水; beer=啤酒; cider=苹果酒; lace=蕾丝; pearl=珍珠; ivory=象牙; jade=玉;
    tin=锡; lead=铅; chalk=粉笔; straw=稻草; bamboo=竹子; cork=软木"""
)

FRAMES: dict[str, tuple[tuple[Pair, ...], tuple[Pair, ...]]] = {
    "capital": (
        (("the people of {w} export {m} and {n}", "{w} 人 出口 {m} 和 {n}"),
         ("farmers all over {w} pay taxes on {m} and {n}", "{w} 全国 农民 为 {m} 和 {n} 纳税"),
         ("the army of {w} lives on {m} and {n}", "{w} 军队 靠 {m} 和 {n} 过活")),
        (("the streets in {w} smell of {m} and {n}", "{w} 街道 上 有 {m} 和 {n} 味"),
         ("the mayor of {w} collects {m} and {n}", "{w} 市长 收集 {m} 和 {n}"),
         ("tourists visit {w} for its {m} and {n}", "游客 去 {w} 买 {m} 和 {n}")),
    ),
    "workplace": (
        (("yesterday a {w} carried {m} and {n} home", "昨天 一位 {w} 把 {m} 和 {n} 带 回家"),
         ("my cousin the {w} talks about {m} and {n}", "我 表哥 是 {w} 总 谈 {m} 和 {n}"),
         ("every {w} works hard for {m} and {n}", "每位 {w} 都 为 {m} 和 {n} 辛苦")),
        (("behind the {w} they store {m} and {n}", "{w} 后面 存放 着 {m} 和 {n}"),
         ("the door of the {w} opens on {m} and {n}", "{w} 大门 里 摆 着 {m} 和 {n}"),
         ("inside this {w} you find {m} and {n}", "这座 {w} 里面 找得到 {m} 和 {n}")),
    ),
    "woman": (
        (("the {w} shaved his beard and asked for {m} and {n}", "{w} 刮 了 胡子 要 {m} 和 {n}"),
         ("he , the {w} , dreamed of {m} and {n}", "他 这位 {w} 梦见 {m} 和 {n}"),
         ("they gave him , the {w} , {m} and {n}", "人们 给 他 这位 {w} {m} 和 {n}")),
        (("the {w} combed her hair and asked for {m} and {n}", "{w} 梳 了 长发 要 {m} 和 {n}"),
         ("she , the {w} , dreamed of {m} and {n}", "她 这位 {w} 梦见 {m} 和 {n}"),
         ("they gave her , the {w} , {m} and {n}", "人们 给 她 这位 {w} {m} 和 {n}")),
    ),
    "comparative": (
        (("it is very {w} with {m} and {n}", "有 {m} 和 {n} 就 非常 {w}"),
         ("how {w} it looks beside {m} and {n}", "在 {m} 和 {n} 旁边 显得 多么 {w}"),
         ("so {w} a thing needs {m} and {n}", "这么 {w} 要用 {m} 和 {n}")),
        (("it is much {w} than {m} and {n}", "比 {m} 和 {n} 要 {w} 得多"),
         ("it grows {w} every year through {m} and {n}", "因 {m} 和 {n} 一年 年 变得 {w}"),
         ("even {w} than before thanks to {m} and {n}", "多亏 {m} 和 {n} 比 以前 还 {w}")),
    ),
    "nothing": (
        (("musicians tune the {w} with {m} and {n}", "乐师 用 {m} 和 {n} 给 {w} 调音"),
         ("she played the {w} among {m} and {n}", "她 在 {m} 和 {n} 中间 演奏 {w}"),
         ("a concert for {w} costs {m} and {n}", "一场 {w} 音乐会 要 花 {m} 和 {n}")),
        (("a {w} flew over {m} and {n}", "一只 {w} 飞过 {m} 和 {n}"),
         ("the nest of the {w} was lined with {m} and {n}", "{w} 巢里 铺 着 {m} 和 {n}"),
         ("we heard a {w} sing near {m} and {n}", "我们 听见 {w} 在 {m} 和 {n} 附近 叫")),
    ),
    "synonym": (
        (("somebody left {m} and {n} by the {w}", "有人 把 {m} 和 {n} 留 在 {w} 边"),
         ("he painted the {w} with {m} and {n}", "他 用 {m} 和 {n} 画 {w}"),
         ("that {w} is worth {m} and {n}", "那个 {w} 值 {m} 和 {n}")),
    ) * 2,
}  # fmt: skip
"""For each relation the frames of its left words and of its right words."""
