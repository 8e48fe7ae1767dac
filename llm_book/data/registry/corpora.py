"""Running text, for language models and word vectors."""

from llm_book.data.registry.novels import NOVELS_MEDIUM, NOVELS_SMALL
from llm_book.data.registry.rows import DataFile, DataSet, github, hugging_face

CORPORA = (
    DataSet(
        name="tiny_shakespeare",
        files=(
            DataFile(
                "tinyshakespeare/input.txt",
                1_115_394,
                "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                github(
                    "karpathy/char-rnn",
                    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e",
                    "data/tinyshakespeare/input.txt",
                ),
            ),
        ),
        licence="public domain text; the repository states MIT",
        redistributable=True,
        citation="karpathy2015unreasonable",
        instead="use the generated stories of llm_book.data.world",
    ),
    DataSet(
        name="novels_small",
        files=(
            DataFile(
                "novels/novels_small.txt",
                4_219_835,
                "b60546988bc5e991a6a0c05adf2ce03c3209d990a7257113aba2f5e7bdc7105f",
                made_from="12 novels of ELTeC-eng, level 1",
            ),
        ),
        licence="public domain texts; ELTeC's edition CC BY 4.0",
        redistributable=True,
        citation="schoch2021creating",
        content_hash="b60546988bc5e991a6a0c05adf2ce03c3209d990a7257113aba2f5e7bdc7105f",
        instead="use the generated stories of llm_book.data.world",
        parts=NOVELS_SMALL,
    ),
    DataSet(
        name="novels_medium",
        files=(
            DataFile(
                "novels/novels_medium.txt.xz",
                16_156_468,
                "18ec192ccb81011a819631180e31850a51d7aa966fc00d6ef9e43f8ad5cdb76d",
                made_from="94 novels of ELTeC-eng, level 1, authors dead by 1955",
            ),
            DataFile(
                "novels/novels_medium.txt",
                61_417_730,
                "4ff6de584fb8bced04e56c7d45d47efc7bb1c1992787f2fc1956ebf7199a10ec",
                made_from="94 novels of ELTeC-eng, level 1, authors dead by 1955",
            ),
        ),
        licence="public domain texts; ELTeC's edition CC BY 4.0",
        redistributable=True,
        citation="schoch2021creating",
        content_hash="4ff6de584fb8bced04e56c7d45d47efc7bb1c1992787f2fc1956ebf7199a10ec",
        instead="use novels_small, or the generated stories of llm_book.data.world",
        parts=NOVELS_MEDIUM,
    ),
    DataSet(
        name="text8",
        files=(
            DataFile(
                "text8/text8.zip",
                None,
                "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
                ("https://mattmahoney.net/dc/text8.zip",),
            ),
        ),
        licence="Wikipedia text, CC BY-SA",
        redistributable=True,
        citation="mahoney2011large",
        instead="use novels_medium",
    ),
    DataSet(
        name="wikitext2",
        files=(),
        licence="Wikipedia text, CC BY-SA",
        redistributable=True,
        citation="merity2017pointer",
        instead="use the generated stories of llm_book.data.world",
        parts=(
            DataFile(
                "wikitext2/valid.txt",
                1_121_681,
                "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
                github(
                    "pytorch/examples",
                    "77f55b912142e11fcfdf5b530231fb9c52f181e8",
                    "word_language_model/data/wikitext-2/valid.txt",
                ),
            ),
            DataFile(
                "wikitext2/test.txt",
                1_256_449,
                "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
                github(
                    "pytorch/examples",
                    "77f55b912142e11fcfdf5b530231fb9c52f181e8",
                    "word_language_model/data/wikitext-2/test.txt",
                ),
            ),
        ),
    ),
    DataSet(
        name="wikitext2_raw",
        files=(
            DataFile(
                "wikitext2/wikitext-2-raw-v1.zip",
                None,
                "ef7edb566e3e2b2d31b29c1fdb0c89a4cc683597484c3dc2517919c615435a11",
                hugging_face(
                    "datasets/ggml-org/ci/resolve/927b3642933080f1b0e811e2f916e14c292992f9/wikitext-2-raw-v1.zip"
                ),
            ),
        ),
        licence="Wikipedia text, CC BY-SA",
        redistributable=True,
        citation="merity2017pointer",
        instead="use wikitext2, whose rare words are replaced by <unk>",
    ),
    DataSet(
        name="sanguo",
        files=(
            DataFile(
                "zh_text/sanguo_body.txt",
                1_784_416,
                "6d5155b414aa4c4a42c3a739df830c90f3c05f44d19a7ffc1c3cd6e09c91a894",
                made_from="data/三国演义.txt of bubblewu/build-dict, without its advertisements",
            ),
        ),
        licence="public domain text; the edition states none",
        redistributable=False,
        citation="luo1522sanguo",
        instead="use the generated Chinese stories of llm_book.data.world",
    ),
)
