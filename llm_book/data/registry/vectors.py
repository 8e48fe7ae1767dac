"""Published word vectors and tokenisers, and what word vectors are measured by."""

from llm_book.data.registry.rows import DataFile, DataSet, github, hugging_face

VECTORS = (
    DataSet(
        name="glove",
        files=(
            DataFile(
                "vectors/glove-6b-50d-top50k-q8-v1.bin",
                2_949_669,
                "fb108eef095f00bcc06a38e10d7f9671d9e6664ab79ae8a2c1cef5b31375b2ab",
                github(
                    "adiazpar/adiaz-claude-plugins",
                    "5ea71cc800bf56dc7489e5a579bce0d4289f817a",
                    "plugins/re-discipline/knowledge/models/artifacts/glove-6b-50d-top50k-q8-v1.bin",
                ),
            ),
            DataFile(
                "vectors/glove.6B.zip",
                862_182_613,
                "617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb",
                (
                    "https://nlp.stanford.edu/data/glove.6B.zip",
                    *hugging_face("stanfordnlp/glove/resolve/main/glove.6B.zip"),
                ),
            ),
        ),
        licence="PDDL 1.0",
        redistributable=True,
        citation="pennington2014glove",
        instead="let the embedding start from random vectors",
    ),
    DataSet(
        name="weat_vectors",
        files=(
            DataFile(
                "vectors/weat_w2v_347x300.txt",
                1_216_219,
                "4dab4d3a604b2f021d57c99957919ab4d021ce699d28aad1d8168e54c754927f",
                github(
                    "dccuchile/wefe",
                    "1998132a3e809481a7456d952f7473d191990946",
                    "wefe/datasets/data/weat_w2v____old.txt",
                ),
            ),
        ),
        licence="the repository states MIT; the GoogleNews vectors state none",
        redistributable=False,
        citation="mikolov2013distributed",
        instead="use glove",
    ),
    DataSet(
        name="gpt2",
        files=(),
        licence="Modified MIT (openai/gpt-2)",
        redistributable=True,
        citation="radford2019language",
        instead="train a tokeniser: llm_book.text.bpe",
        parts=(
            DataFile(
                "gpt2/encoder.json",
                1_042_301,
                "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
                github(
                    "rasbt/LLMs-from-scratch",
                    "28c65cdfbc3338e2e040016eea4b7fdf556e4d57",
                    "ch02/02_bonus_bytepair-encoder/gpt2_model/encoder.json",
                ),
            ),
            DataFile(
                "gpt2/vocab.bpe",
                456_318,
                "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
                github(
                    "rasbt/LLMs-from-scratch",
                    "28c65cdfbc3338e2e040016eea4b7fdf556e4d57",
                    "ch02/02_bonus_bytepair-encoder/gpt2_model/vocab.bpe",
                ),
            ),
        ),
    ),
    DataSet(
        name="wordsim353",
        files=(
            DataFile(
                "wordsim/EN-WS-353-ALL.txt",
                7_405,
                "ce12919b240af45bdf46d243601eaca2b6212b159b5e7e9b435ee7ee40c5619c",
                github(
                    "mfaruqui/eval-word-vectors",
                    "94b3dd9fdbac7ed08dbee7179cd5ee464acf0594",
                    "data/word-sim/EN-WS-353-ALL.txt",
                ),
            ),
        ),
        licence="the repository states MIT; the authors keep their own terms",
        redistributable=False,
        citation="finkelstein2002placing",
        instead="use the planted similarities of llm_book.data.world",
    ),
    DataSet(
        name="simlex999",
        files=(
            DataFile(
                "wordsim/EN-SIMLEX-999.txt",
                18_024,
                "405394ffb7d25f6d0e3c041f87c9f27d29dc6b047506769953e85c4523b11685",
                github(
                    "mfaruqui/eval-word-vectors",
                    "94b3dd9fdbac7ed08dbee7179cd5ee464acf0594",
                    "data/word-sim/EN-SIMLEX-999.txt",
                ),
            ),
        ),
        licence="the repository states MIT; the authors keep their own terms",
        redistributable=False,
        citation="hill2015simlex",
        instead="use the planted similarities of llm_book.data.world",
    ),
    DataSet(
        name="google_analogies",
        files=(
            DataFile(
                "wordsim/questions-words.txt",
                603_955,
                "8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36",
                github(
                    "nicholas-leonard/word2vec",
                    "d83ccfba4dd08f113d5e75d67c9f6cd30f6532c4",
                    "questions-words.txt",
                ),
            ),
        ),
        licence="Apache-2.0",
        redistributable=True,
        citation="mikolov2013efficient",
        instead="use the planted analogies of llm_book.data.world",
    ),
    DataSet(
        name="ca8",
        files=(
            DataFile(
                "wordsim/zh_semantic.txt",
                265_603,
                "aed64568e6350ce08f7b9e4af2bd8aadd7ff0498b812cd94c660638ed8ad1f4a",
                github(
                    "Embedding/Chinese-Word-Vectors",
                    "3096a475f79f218dde7b413dcc6b507d302b7f46",
                    "testsets/CA8/semantic.txt",
                ),
            ),
        ),
        licence="Apache-2.0",
        redistributable=True,
        citation="li2018analogical",
        instead="use the planted analogies of llm_book.data.world",
    ),
    DataSet(
        name="weat",
        files=(
            DataFile(
                "bias/WEAT.json",
                7_255,
                "1a4a448a1825b29c67a7ebb7733343084b015f5b8ed720b2d9e193840a3d49a1",
                github(
                    "dccuchile/wefe",
                    "1998132a3e809481a7456d952f7473d191990946",
                    "wefe/datasets/data/WEAT.json",
                ),
            ),
        ),
        licence="MIT",
        redistributable=True,
        citation="caliskan2017semantics",
        instead="use the planted bias of llm_book.data.world",
    ),
    DataSet(
        name="crows_pairs",
        files=(
            DataFile(
                "bias/crows_pairs_anonymized.csv",
                437_764,
                "dfb36986ce0502abbaf7055b9176da3d08d48e07df1251991b5dfbcbceab9d0c",
                github(
                    "nyu-mll/crows-pairs",
                    "8aaac11c485473159ec9328a65253a5be9a479dc",
                    "data/crows_pairs_anonymized.csv",
                ),
            ),
        ),
        licence="CC BY-SA 4.0",
        redistributable=True,
        citation="nangia2020crows",
        instead="use the planted bias of llm_book.data.world",
    ),
)
