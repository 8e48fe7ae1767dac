"""word2vec's text format: read as it stands, refused by row."""

import numpy as np
import pytest

from llm_book.data.bias_tests import load_weat_lists, weat_test
from llm_book.data.word2vec_text import load_weat_vectors, read_word2vec_text

TEXT = "3 2\r\nking 1 -2.5\r\nnew york 0.5 1e-3 \r\n好 0 4\r\n\r\n"


def written(tmp_path, text):
    path = tmp_path / "v.txt"
    path.write_bytes(text.encode())
    return path


def test_words_and_numbers_come_as_they_stand(tmp_path):
    vectors = read_word2vec_text(written(tmp_path, TEXT))
    assert vectors.words == ("king", "new york", "好")
    assert vectors.vectors.tolist() == [[1, -2.5], [0.5, pytest.approx(1e-3)], [0, 4]]
    assert str(vectors.vectors.dtype) == "torch.float32"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("king 1 2\n", r"row 1: 'king 1 2' where two whole numbers must stand"),
        ("1\nking 1\n", r"row 1: '1' where two whole numbers must stand"),
        ("1 x\nking 1\n", r"row 1: '1 x' where two whole numbers must stand"),
        ("1 0\nking\n", r"row 1: '1 0' where two whole numbers must stand"),
        ("2 2\nking 1 2\n", r"row 1: it promises 2 words, 1 came"),
        ("1 2\na 1 2\nb 1 2\n", r"row 1: it promises 1 words, 2 came"),
        ("2 2\na 1 2\nb 1\n", r"row 3: 1 numbers where 2 must stand"),
        ("2 2\na 1 2\nb 1 z\n", r"row 3: a number cannot be read"),
        ("2 2\na nan 2\nb 1 2\n", r"row 2: a number is not finite"),
        ("2 2\na 1 2\na 2 2\n", r"row 1: a word stands twice"),
    ],
)
def test_a_malformed_file_is_refused_by_row(text, sentence, tmp_path):
    with pytest.raises(ValueError, match=rf"v\.txt, {sentence}"):
        read_word2vec_text(written(tmp_path, text))


def test_the_published_vectors_have_weats_words_and_first_effect(mirror):
    vectors = load_weat_vectors(progress=False)
    assert (len(vectors), vectors.vectors.shape) == (347, (347, 300))
    assert float(vectors["management"].norm()) == pytest.approx(2.3329, abs=1e-3)
    test = weat_test(1, load_weat_lists(progress=False))
    unit = {word: (vectors[word] / vectors[word].norm()).double().numpy() for word in vectors.words}
    x, y, a, b = (np.array([unit[word] for word in side]) for side in
                  (test.x, test.y, test.a, test.b))  # fmt: skip
    scores = [(side @ a.T).mean(1) - (side @ b.T).mean(1) for side in (x, y)]
    effect = (scores[0].mean() - scores[1].mean()) / np.concatenate(scores).std(ddof=1)
    assert effect == pytest.approx(1.54, abs=0.005)
