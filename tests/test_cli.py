"""What comes from a terminal is answered in one sentence."""

import pytest
from typer.testing import CliRunner

from llm_book.cli import app, recipe_names

run = CliRunner()


def test_recipes_are_found_by_looking():
    assert "imdb_gru" in recipe_names()
    assert not {"job", "word_vectors"} & set(recipe_names())


def test_the_doctor_says_what_it_found():
    answer = run.invoke(app, ["doctor"])
    assert answer.exit_code == 0, answer.output
    assert "PyTorch" in answer.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["run", "imbd"],
            "recipe 'imbd' is unknown; choose one of bpe_gpt, canaries, cells, chat_dpo, "
            "chat_lora, chat_sft, classify, fertility, gpu_ladder, imdb_gru, imdb_ladder, "
            "lm_rnn, private_sgd, qa_span, shakespeare_gpt, translate, weat, words_cbow, "
            "words_glove, words_sgns",
        ),
        (["run", "imdb_gru", "--preset", "big"], "preset 'big' is unknown; choose small or full"),
        (["run", "imdb_gru", "--seeds", "a"], "seeds 'a' are not whole numbers"),
        (["run", "imdb_gru", "--set", "depth=3"], "setting 'depth' is unknown; choose one of"),
        (["run", "imdb_gru", "--set", "epochs=x"], "setting epochs is 'x'; expected a int"),
        (["run", "imdb_gru", "--device", "gpu"], "device 'gpu' is unknown; choose cpu, cuda"),
        (["run", "imdb_gru", "--set", "data=imbd"], "data is 'imbd'; choose 'world' or 'imdb'"),
        (["run", "imdb_gru", "--set", "checkpoint_every=0"], "checkpoint_every is 0; it must be"),
        (["results", "accept", "nowhere"], "cannot be read as a record"),
    ],
)
def test_a_mistake_gets_one_sentence_and_no_traceback(words, sentence):
    answer = run.invoke(app, words)
    assert answer.exit_code == 1
    assert sentence in answer.output
    assert "Traceback" not in answer.output


def test_records_are_listed():
    answer = run.invoke(app, ["results", "list"])
    assert answer.exit_code == 0
    (line,) = [one for one in answer.output.splitlines() if one.startswith("words_sgns.full.cpu")]
    assert line.startswith("words_sgns.full.cpu: WordSim-353 0.410, WordSim-353, pairs 258, ")
    assert " more; 5 seed(s) on " in line


def test_a_record_is_listed_with_every_number_and_its_rivals():
    answer = run.invoke(app, ["results", "list", "words_sgns.full.cpu"])
    assert answer.exit_code == 0
    assert answer.output.startswith("words_sgns.full.cpu: 5 seed(s) on ")
    assert "SimLex-999: ours 0.275 [0.266, 0.285]" in answer.output
    assert "    gensim 0.280; ours minus it -0.005 [-0.016, +0.007]" in answer.output
    assert "analogies, asked: ours 7,708 [7,708, 7,708]" in answer.output


def test_the_accuracy_of_a_classifier_is_listed_with_its_margins():
    answer = run.invoke(app, ["results", "list", "cells.small.cpu"])
    assert "accuracy: ours 0.941 [" in answer.output
    assert "accuracy minus that of lstm, equal steps: +0." in answer.output


def test_an_unknown_record_is_named_in_one_sentence():
    answer = run.invoke(app, ["results", "list", "nowhere"])
    assert answer.exit_code == 1
    assert "record 'nowhere' is unknown; give a record's file, or choose one of" in answer.output
