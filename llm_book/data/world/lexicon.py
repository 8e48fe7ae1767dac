"""The things of the world and the words for them, in English and Chinese.

All splits share these words; only names, put together from syllables, belong to one split.
"""

from llm_book.data.world.grammar import pairs

GOOD = pairs(
    """superb=绝妙; brilliant=精彩; charming=迷人; delightful=讨喜; moving=感人; gripping=扣人心弦;
    fresh=新鲜; witty=风趣; elegant=优雅; graceful=优美; inventive=新颖; clever=巧妙; warm=温暖;
    tender=细腻; rich=丰富; vivid=生动; stunning=惊艳; wonderful=美妙; splendid=出色;
    excellent=优秀; admirable=令人钦佩; polished=精致; thoughtful=深刻; honest=真诚;
    touching=动人; thrilling=刺激; captivating=引人入胜; masterful=高超; convincing=可信;
    lively=活泼; enchanting=醉人; inspired=灵动"""
)

BAD = pairs(
    """dull=沉闷; boring=无聊; clumsy=笨拙; stale=陈旧; weak=薄弱; flat=平淡; tedious=乏味;
    shallow=肤浅; messy=混乱; silly=幼稚; hollow=空洞; lifeless=呆板; dreadful=糟糕;
    awful=差劲; poor=拙劣; bland=寡淡; sloppy=粗糙; confusing=费解; predictable=老套;
    tiresome=烦人; cheap=廉价; crude=粗俗; forced=牵强; fake=虚假; wooden=僵硬; noisy=吵闹;
    pointless=无谓; lazy=敷衍; annoying=讨厌; ugly=难看; horrible=不堪; terrible=恶劣"""
)

ASPECTS = pairs(
    """the plot=情节; the cast=演员阵容; the music=配乐; the script=剧本; the ending=结局;
    the camera work=摄影; the editing=剪辑; the dialogue=对白; the story=故事; the pacing=节奏;
    the lighting=灯光; the costume design=服装设计; the opening=开场; the lead role=主角;
    the villain=反派; the humour=幽默; the romance=爱情戏; the sound=音效; the title song=主题曲;
    the scenery=布景; the final scene=最后一场戏; the first act=第一幕; the narration=旁白;
    the mood=气氛; the direction=导演手法; the acting=表演; the chase=追逐戏; the film=这部片子;
    the whole thing=整部作品; the second half=后半部"""
)

# An adverbial stands after an opinion. Two in one sentence are taken from one row, where all begin
# with the same English word: so the word after an opinion does not tell which clause it is in.
ADVERBIALS = (
    pairs("for once=这一回; for hours=在好几个小时里; for its kind=在同类作品里"),
    pairs("in places=在一些地方; in parts=在某些部分; in essence=本质上"),
    pairs("from the start=从一开始; from act to act=在每一幕里; from afar=远远看去"),
    pairs("on the whole=总的来说; on screen=在银幕上; on reflection=细想起来"),
    pairs("by and large=大体上; by any measure=以任何标准看; by the end=到结尾时"),
)

PLACES = pairs(
    """a mining town=一座矿镇; a fishing village=一个渔村; the capital=首都; the old port=老港口;
    a mountain valley=一个山谷; the desert=沙漠; a suburb=一片郊区; the far north=极北之地;
    a railway station=一座火车站; an island=一座小岛; a market square=一个集市广场;
    a boarding school=一所寄宿学校; a hotel=一家旅馆; a farm=一座农场; a hospital=一家医院"""
)

ROLES = pairs(
    """a baker=面包师; a postman=邮差; a teacher=教师; a sailor=水手; a nurse=护士; a judge=法官;
    a gardener=园丁; a pilot=飞行员; a tailor=裁缝; a farmer=农夫; a singer=歌手; a doctor=医生;
    a soldier=士兵; a painter=画家; a detective=侦探; a cook=厨师; a widow=寡妇; a thief=小偷"""
)

THINGS = pairs(
    """a lost letter=一封丢失的信; an old clock=一座旧钟; a stolen ring=一枚被偷的戒指;
    a locked room=一间上锁的房间; a red bicycle=一辆红色自行车; a family debt=一笔家族债务;
    a missing dog=一条走失的狗; a broken radio=一台坏收音机; a secret map=一张秘密地图;
    a long winter=一个漫长的冬天; a wedding=一场婚礼; a court case=一桩官司; a flood=一场洪水;
    a suitcase=一只手提箱; a chess game=一盘棋; a train ticket=一张火车票"""
)

TITLE_THINGS = pairs(
    """Lighthouse=灯塔; Harbour=港湾; Orchard=果园; Violin=小提琴; Staircase=楼梯; Garden=花园;
    Bridge=大桥; Carousel=旋转木马; Compass=罗盘; Window=窗; Orchestra=乐团; River=河流;
    Tower=高塔; Mirror=镜子; Ferry=渡船; Meadow=草地; Piano=钢琴; Lantern=灯笼; Castle=城堡;
    Umbrella=雨伞; Forest=森林; Sailboat=帆船; Library=图书馆; Windmill=风车"""
)

# A name is four of these; which four decides in which split it may stand.
NAME_SYLLABLES = pairs(
    """ba=巴; be=贝; bi=比; bo=博; da=达; de=德; di=迪; do=多; fa=法; fe=费; fi=菲; ga=加; go=戈;
    ka=卡; ke=克; ki=基; ko=科; la=拉; le=莱; li=丽; lo=洛; lu=卢; ma=玛; me=梅; mi=米; mo=莫;
    na=娜; ne=内; ni=妮; no=诺; nu=努; pa=帕; pe=佩; pi=皮; po=波; re=雷; ri=里; ro=罗;
    ru=鲁; sa=萨; se=塞; si=西; so=索; ta=塔; te=特; ti=蒂; to=托; va=瓦; ve=韦; vi=维; vo=沃;
    ya=亚; yo=约; za=扎; ze=泽; zi=齐; zo=佐"""
)
