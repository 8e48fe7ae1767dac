"""Long film reviews: sentences, labels and folds from an archive."""

import zipfile

import pytest

from llm_book.data.movie_reviews import MovieReview, load_movie_reviews, read_movie_reviews


def archive(path, files):
    with zipfile.ZipFile(path, "w") as written:
        for name, text in files.items():
            written.writestr(name, text)
    return path


def test_reviews_come_by_label_and_number_with_their_sentences(tmp_path):
    path = archive(
        tmp_path / "x.zip",
        {
            "movie_reviews/README": "about",
            "movie_reviews/pos/cv912_7.txt": "good . \n \nvery good .\n",
            "movie_reviews/neg/cv010_22.txt": "bad .",
            "movie_reviews/neg/cv009_33.txt": "awful .\n",
            "other/neg/cv000_1.txt": "no part of it",
        },
    )
    assert read_movie_reviews(path) == (
        MovieReview("neg/cv009_33", 0, ("awful .",), 0),
        MovieReview("neg/cv010_22", 0, ("bad .",), 0),
        MovieReview("pos/cv912_7", 1, ("good .", "very good ."), 9),
    )
    assert read_movie_reviews(path)[2].text == "good .\nvery good ."


def test_an_archive_without_reviews_or_with_an_empty_one_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"x\.zip holds no movie_reviews/neg/cv"):
        read_movie_reviews(archive(tmp_path / "x.zip", {"movie_reviews/README": ""}))
    with pytest.raises(ValueError, match=r"pos/cv001_1\.txt holds no sentence"):
        read_movie_reviews(archive(tmp_path / "y.zip", {"movie_reviews/pos/cv001_1.txt": " \n"}))


def test_the_published_reviews_are_balanced_over_labels_and_folds(mirror):
    reviews = load_movie_reviews(progress=False)
    assert len(reviews) == 2_000 and sum(review.label for review in reviews) == 1_000
    for fold in range(10):
        labels = [review.label for review in reviews if review.fold == fold]
        assert (len(labels), sum(labels)) == (200, 100)
    assert reviews[0].id == "neg/cv000_29416" and len(reviews[0].sentences) == 35
