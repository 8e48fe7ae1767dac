"""Labelled texts: one answer whatever the format, labels numbered as documented."""

import zipfile

import pytest

from llm_book.data.labelled_texts import (
    LabelledText,
    LabelledTexts,
    load_ag_news,
    load_banking77,
    load_chnsenticorp,
    load_sms_spam,
    read_ag_news,
    read_banking77,
    read_chnsenticorp,
    read_sms,
)

SMS = "ham\tGo until \x85 jurong\nspam\tFREE £1\nham\tOk\nham\tOk\n"


def written(path, text):
    path.write_bytes(text.encode())
    return path


def test_both_formats_of_the_messages_give_the_same(tmp_path):
    tsv = written(tmp_path / "sms.tsv", SMS)
    with zipfile.ZipFile(tmp_path / "sms.zip", "w") as archive:
        archive.writestr("readme", "about")
        archive.writestr("SMSSpamCollection", SMS.replace("\n", "\r\n"))
    read = read_sms(tsv)
    assert read == read_sms(tmp_path / "sms.zip")
    assert read.texts[:2] == (LabelledText("Go until \x85 jurong", 0), LabelledText("FREE £1", 1))
    assert read.label_names == ("ham", "spam")
    assert read.counts == {"ham": 3, "spam": 1}
    assert (read.n_repeated, read.n_empty) == (1, 0)


def test_a_malformed_message_is_refused_by_file_and_row(tmp_path):
    with pytest.raises(ValueError, match=r"sms\.tsv, row 2: the label 'egg' is none of ham, spam"):
        read_sms(written(tmp_path / "sms.tsv", "ham\ta\negg\tb\n"))
    with zipfile.ZipFile(tmp_path / "sms.zip", "w") as archive:
        archive.writestr("SMSSpamCollection", "ham a\n")
    with pytest.raises(ValueError, match=r"SMSSpamCollection, row 1: 1 columns where 2 were"):
        read_sms(tmp_path / "sms.zip")


def test_intents_are_numbered_alphabetically(tmp_path):
    text = 'text,category\r\nWhere is it?,card\r\n"a, b\n",atm\r\nwhy?,card\r\n'
    assert read_banking77(written(tmp_path / "b.csv", text)) == LabelledTexts(
        (LabelledText("Where is it?", 1), LabelledText("a, b\n", 0), LabelledText("why?", 1)),
        ("atm", "card"),
    )


def test_news_are_a_title_and_a_description_of_four_kinds(tmp_path):
    text = '"3","T, one","D ""two"""\n"1","a","b\\c"\n"4","",""\n"2","x","y"\n'
    read = read_ag_news(written(tmp_path / "n.csv", text))
    assert [news.label for news in read.texts] == [2, 0, 3, 1]
    assert [news.text for news in read.texts] == ['T, one\nD "two"', "a\nb\\c", "\n", "x\ny"]
    assert read.label_names == ("World", "Sports", "Business", "Sci/Tech")
    assert read.n_empty == 1


def test_hotel_reviews_are_positive_or_negative(tmp_path):
    read = read_chnsenticorp(
        written(tmp_path / "h.csv", '\ufefflabel,review\n1,"好,很"\n0,差\n0,\n')
    )
    assert read.texts == (LabelledText("好,很", 1), LabelledText("差", 0), LabelledText("", 0))
    assert read.counts == {"negative": 2, "positive": 1}
    assert read.n_empty == 1


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (read_banking77, "category,text\n", "row 1: 'category,text' where 'text,category' was"),
        (read_banking77, "text,category\na\n", "row 2: 1 columns where 2 were expected"),
        (read_ag_news, '"5","a","b"\n', "row 1: the label '5' is none of World, Sports, Business"),
        (read_ag_news, '"1","a","b"\n"1","a"\n', "row 2: 2 columns where 3 were expected"),
        (read_chnsenticorp, "label,review\n1,a\n2,b\n", "row 3: the label '2' is none of negative"),
        (read_chnsenticorp, "review\n", "row 1: 'review' where 'label,review' was expected"),
    ],
)
def test_a_malformed_record_is_refused_by_file_and_row(read, text, sentence, tmp_path):
    with pytest.raises(ValueError, match=rf"x\.csv, {sentence}"):
        read(written(tmp_path / "x.csv", text))


def test_a_split_that_was_never_published_is_refused():
    with pytest.raises(ValueError, match=r"no split 'val'; choose one of \('train', 'test'\)"):
        load_banking77("val")


def test_the_published_messages_are_all_there(mirror):
    sms = load_sms_spam(progress=False)
    assert sms.counts == {"ham": 4_827, "spam": 747}
    assert (len(sms.texts), sms.n_repeated) == (5_574, 403)


def test_the_published_intents_are_the_same_77_in_both_halves(mirror):
    train, test = (load_banking77(split, progress=False) for split in ("train", "test"))
    assert (len(train.texts), len(test.texts)) == (10_003, 3_080)
    assert len(train.label_names) == 77 and train.label_names == test.label_names
    assert set(test.counts.values()) == {40}


def test_the_published_news_are_balanced(mirror):
    assert load_ag_news(progress=False).counts == {
        "World": 1_900,
        "Sports": 1_900,
        "Business": 1_900,
        "Sci/Tech": 1_900,
    }


def test_the_published_hotel_reviews_are_all_there(mirror):
    hotels = load_chnsenticorp(progress=False)
    assert hotels.counts == {"negative": 2_444, "positive": 5_322}
    assert hotels.n_empty == 1
