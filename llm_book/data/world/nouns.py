"""People's names, jobs, towns, animals, foods and things, in English and Chinese.

A noun that can be counted carries the measure word that Chinese puts between number and noun.
All splits share the nouns; the names of people belong to one split each.
"""

from dataclasses import dataclass

from llm_book.data.world.grammar import Pair, pairs


@dataclass(frozen=True)
class Noun:
    """A noun: `english`, `chinese`, and the `measure` word that counts it in Chinese."""

    english: str
    chinese: str
    measure: str

    @property
    def bare(self) -> Pair:
        """ "key", "钥匙"."""
        return self.english, self.chinese

    @property
    def one(self) -> Pair:
        """ "a key", "一把钥匙"."""
        return f"{article(self.english)} {self.english}", f"一{self.measure}{self.chinese}"

    @property
    def the(self) -> Pair:
        """ "the key", "那把钥匙"."""
        return f"the {self.english}", f"那{self.measure}{self.chinese}"


def article(word: str) -> str:
    """ "an" before a vowel letter, else "a"; no word of this world is an exception."""
    return "an" if word[0] in "aeiou" else "a"


def nouns(table: str) -> tuple[Noun, ...]:
    """The rows of a table written as "English=中文/量词; …"."""
    return tuple(Noun(english, *chinese.split("/")) for english, chinese in pairs(table))


WOMEN = {
    "train": pairs(
        """Anna=安娜; Maria=玛丽亚; Clara=克拉拉; Emma=埃玛; Julia=朱莉娅; Laura=劳拉; Nora=诺拉;
        Olga=奥尔加; Paula=葆拉; Rosa=罗莎; Sara=萨拉; Vera=薇拉; Alice=爱丽丝; Diana=黛安娜;
        Helen=海伦; Irene=艾琳; Lucy=露西; Martha=玛莎; Ruth=露丝; Sophie=索菲"""
    ),
    "validation": pairs(
        """Flora=弗洛拉; Hanna=汉娜; Judith=朱迪丝; Linda=琳达; Nina=尼娜; Susan=苏珊;
        Teresa=特蕾莎; Ursula=乌尔苏拉"""
    ),
    "test": pairs(
        """Bella=贝拉; Carmen=卡门; Edith=伊迪丝; Grace=格蕾丝; Ingrid=英格丽; Monica=莫妮卡;
        Tina=蒂娜; Wanda=旺达"""
    ),
}

MEN = {
    "train": pairs(
        """Adam=亚当; Boris=鲍里斯; Carl=卡尔; David=大卫; Felix=费利克斯; George=乔治; Henry=亨利;
        Ivan=伊万; Jack=杰克; Leo=利奥; Martin=马丁; Oscar=奥斯卡; Paul=保罗; Robert=罗伯特;
        Simon=西蒙; Thomas=托马斯; Victor=维克多; Walter=沃尔特; Peter=彼得; Michael=迈克尔"""
    ),
    "validation": pairs(
        """Albert=阿尔贝特; Conrad=康拉德; Edgar=埃德加; Frank=弗兰克; Louis=路易斯; Otto=奥托;
        Ralph=拉尔夫; Samuel=塞缪尔"""
    ),
    "test": pairs(
        """Bruno=布鲁诺; Dennis=丹尼斯; Erik=埃里克; Hugo=雨果; Kevin=凯文; Max=马克斯;
        Philip=菲利普; Stefan=斯特凡"""
    ),
}

JOBS = pairs(
    """baker=面包师; teacher=教师; nurse=护士; doctor=医生; farmer=农夫; sailor=水手; tailor=裁缝;
    painter=画家; singer=歌手; pilot=飞行员; gardener=园丁; plumber=水管工; judge=法官; cook=厨师;
    carpenter=木匠; miner=矿工; librarian=图书管理员; photographer=摄影师; engineer=工程师;
    actor=演员; driver=司机; writer=作家; dentist=牙医; shepherd=牧羊人"""
)

TOWNS = pairs(
    """Greenport=绿港; Stonebridge=石桥镇; Riverton=河湾镇; Oakfield=橡树镇; Whitecliff=白崖镇;
    Millbrook=磨坊镇; Eastham=东林镇; Northgate=北门镇; Sandhill=沙丘镇; Lakeside=湖滨镇;
    Foxhollow=狐谷镇; Summerford=夏津镇; Rosedale=玫瑰谷; Blackwood=黑森镇; Silverbay=银湾;
    Highcastle=高堡镇; Appleton=苹果镇; Coldspring=冷泉镇; Redrock=红岩镇; Windmere=风湖镇"""
)

PETS = nouns(
    """dog=狗/条; cat=猫/只; parrot=鹦鹉/只; goat=山羊/只; rabbit=兔子/只; pony=小马/匹;
    donkey=驴/头; turtle=乌龟/只; duck=鸭子/只; hen=母鸡/只"""
)

WILD_ANIMALS = nouns(
    """fox=狐狸/只; deer=鹿/头; squirrel=松鼠/只; crow=乌鸦/只; hare=野兔/只; owl=猫头鹰/只;
    frog=青蛙/只; swan=天鹅/只; badger=獾/只; stork=鹳/只; wolf=狼/匹; hedgehog=刺猬/只"""
)

THINGS = nouns(
    """key=钥匙/把; ring=戒指/枚; umbrella=雨伞/把; letter=书信/封; notebook=笔记本/本;
    hat=帽子/顶; watch=手表/块; bag=袋子/个; scarf=围巾/条; lamp=台灯/盏; map=地图/张;
    knife=小刀/把; cup=杯子/个; coat=大衣/件; bicycle=自行车/辆; ticket=车票/张;
    camera=照相机/台; violin=小提琴/把; basket=篮子/个; kite=风筝/只; chair=椅子/把;
    picture=图画/幅; mirror=镜子/面; glove=手套/只"""
)

COLOURS = pairs("red=红色; blue=蓝色; green=绿色; yellow=黄色; white=白色; black=黑色; brown=棕色")

FOODS = pairs(
    """soup=汤; bread=面包; rice=米饭; cheese=奶酪; fish=鱼; cake=蛋糕; salad=沙拉; porridge=粥;
    pasta=意面; chocolate=巧克力; honey=蜂蜜; ham=火腿; yogurt=酸奶; jam=果酱; pudding=布丁;
    tofu=豆腐; pizza=比萨; cabbage=卷心菜"""
)

SPOTS = pairs(
    """under the bridge=在桥下; behind the church=在教堂后面; in the garden=在花园里;
    on the table=在桌子上; near the well=在井边; beside the gate=在大门旁边;
    in the kitchen=在厨房里; at the station=在车站里; on the boat=在船上; in the barn=在谷仓里;
    under the bed=在床底下; behind the mill=在磨坊后面; in the school=在学校里;
    on the roof=在屋顶上; near the river=在河边; in the library=在图书馆里; at the market=在集市上;
    in the cellar=在地下室里; under the old tree=在老树下; beside the fountain=在喷泉旁边"""
)

# Sixteen, all as probable: what a story's time is decides its split (see storytelling).
TIMES = pairs(
    """one morning in spring=春天的一个早晨; one windy morning in spring=春天一个刮风的早晨;
    one day in spring=春天的一天; one Sunday in spring=春天的一个星期天;
    one morning in summer=夏天的一个早晨; one windy morning in summer=夏天一个刮风的早晨;
    one day in summer=夏天的一天; one Sunday in summer=夏天的一个星期天;
    one morning in autumn=秋天的一个早晨; one windy morning in autumn=秋天一个刮风的早晨;
    one day in autumn=秋天的一天; one Sunday in autumn=秋天的一个星期天;
    one morning in winter=冬天的一个早晨; one windy morning in winter=冬天一个刮风的早晨;
    one day in winter=冬天的一天; one Sunday in winter=冬天的一个星期天"""
)
