"""Marks say what a passage shares with a question; unknown words get them too."""

from llm_book.models.span_marks import marked

SAID = ["Ida", "met", "Zora", ".", "Zora", "is", "40", "."]


def marks(question, said=SAID):
    return marked(question.split(), said, lambda word: 1.0, 6)


def test_every_word_has_as_many_marks_and_they_are_about_it():
    found = marks("How old is Zora ?")
    assert len(found) == len(SAID) and {len(one) for one in found} == {16}
    assert [one[0] for one in found] == [0, 0, 1, 0, 1, 1, 0, 0]  # the question has it too
    assert [one[4] for one in found] == [0] * 4 + [1] * 4  # in the sentence that shares the most
    assert [one[8] for one in found] == [1] * 8  # names that the sentence shares
    assert [one[13] for one in found] == [0, 0, 0, 0, 0, 0, 1, 0]  # a figure where one is asked


def test_a_name_that_nobody_knows_is_marked_like_any_other():
    other = [word.replace("Zora", "Xqy") for word in SAID]
    assert marks("How old is Zora ?") == marks("How old is Xqy ?", other)


def test_a_passage_without_words_has_no_marks():
    assert marks("Who ?", []) == []
