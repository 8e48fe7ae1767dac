"""The ladder: one change a rung, real tokens only, and what fails stops nothing above it."""

import subprocess
import sys
from dataclasses import asdict, replace
from itertools import pairwise

import pytest
import torch

from llm_book.evaluation.ladder import ladder_table, numbers_of
from llm_book.recipes import gpu_ladder
from llm_book.recipes.gpu_ladder import CHANGES, FIRST, LARGER, Learner, Settings, Stored
from llm_book.recipes.job import Job
from llm_book.results import LedgerError, accept, read_json
from llm_book.runtime import Runtime
from llm_book.shapes import IGNORE, TokenBatch
from llm_book.training.losses import token_loss

TINY = replace(
    gpu_ladder.PRESETS["small"],
    n_characters=4000, vocab_size=300, width=16, context_length=64, batch_size=2,
    large_batch_size=8, warmup=1, repeats=2, steps=1, matmul_size=16,
)  # fmt: skip
RUNGS = [
    *(FIRST, "TF32", "bfloat16", "fused AdamW", "flash attention", "compile"),
    *(LARGER, "packed data"),
]
H200, T4, OLD = (Runtime("cuda", dtype) for dtype in ("bfloat16", "float16", "float32"))


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    """Compiling takes longer than all the tests: here it is noted, and the model stays as it is."""
    asked = []
    monkeypatch.setattr(gpu_ladder, "compile_failure", lambda device: None)
    monkeypatch.setattr(Learner, "compile", lambda self: asked.append(self))
    return asked


def a_job(folder, seed=0, runtime=None, **more):
    more = {"say": lambda said: None} | more
    return Job("gpu_ladder", "small", seed, folder, runtime or Runtime(), **more)


def settings_of(document):
    return {rung["rung"]: Settings(**rung["settings"]) for rung in document["rungs"]}


def climbed_with(monkeypatch, tmp_path, fails, runtime=None, config=TINY):
    """A ladder on a stand-in for the measuring: ``fails(rung, settings)`` may raise."""
    tried = []

    def measured(rung, settings, rows, config, job):
        tried.append((rung, settings))
        fails(rung, settings)
        own = {f"tokens/s{which}": 100.0 for which in ("", ", lowest", ", highest")}
        own |= {"positions/s": 200.0, "loss": 1.0, "batch": settings.batch_size}
        return {"numbers": own, "losses": [1.0], "seconds": 1.0, "tokens": 10}

    monkeypatch.setattr(gpu_ladder, "measured", measured)
    monkeypatch.setattr(gpu_ladder, "gpu_name", lambda runtime: None)
    job = a_job(tmp_path, runtime=runtime)
    job.folder.mkdir(parents=True)
    missing = gpu_ladder.obstacles(job.runtime)
    return gpu_ladder.climbed({}, missing, config, job), tried


def changed(one, other):
    return [name for name, value in asdict(one).items() if asdict(other)[name] != value]


def test_runs_of_two_seeds_make_a_record_whose_table_has_every_rung(tmp_path, compiled):
    said = []
    for seed in (0, 1):
        gpu_ladder.run(TINY, a_job(tmp_path, seed, say=said.append))
    assert len(compiled) == 2 * 3  # the rung that compiles, and the two above it
    folders = [tmp_path / f"gpu_ladder-small-{seed}" for seed in (0, 1)]
    record = read_json(accept(folders, tmp_path / "ledger"))
    numbers = numbers_of(record)
    assert {name.removeprefix("tokens/s, ") for name in numbers if name.startswith("tokens/s, ")} \
        >= set(RUNGS) - {"TF32"}  # fmt: skip
    table = ladder_table(numbers, gpu_ladder.changes("float32"))
    assert [line.split("  ")[0] for line in table.split("\n")[1:]] == RUNGS
    assert "MFU is left out: there is no data sheet's peak for this device" in said
    assert not [name for name in numbers if name.startswith("MFU")]
    assert any(line.startswith("TF32 left out: NVIDIA") for line in said)
    assert "TF32 left out" in record["data"]["report"]


def test_every_number_is_there_and_none_is_empty(tmp_path):
    document = gpu_ladder.run(TINY, a_job(tmp_path))
    numbers = document["metrics"]
    assert document["rivals"] == {} and document["peak_memory_bytes"] > 0
    assert all(isinstance(value, int | float) for value in numbers.values())
    for rung in set(RUNGS) - {"TF32"}:
        low, middle, high = (numbers[f"tokens/s{x}, {rung}"] for x in (", lowest", "", ", highest"))
        assert 0 < low <= middle <= high < numbers[f"positions/s, {rung}"] * 4
        assert numbers[f"of matmul, {rung}"] > 0
    flop = numbers["FLOP per token"]
    fastest = max(numbers["matmul FLOP/s, float32"], numbers["matmul FLOP/s, bfloat16"])
    assert numbers[f"of matmul, {FIRST}"] == numbers[f"tokens/s, {FIRST}"] * flop / fastest
    assert document["tokens"] == sum(rung.get("tokens", 0) for rung in document["rungs"])


def test_each_rung_changes_one_thing_and_keeps_the_others(monkeypatch, tmp_path):
    found, _ = climbed_with(monkeypatch, tmp_path, lambda *_: None, H200)
    settings = list(settings_of({"rungs": found}).values())
    assert [rung["rung"] for rung in found] == RUNGS
    assert settings[0] == Settings(TINY.batch_size)
    apart = [changed(*pair) for pair in pairwise(settings)]
    assert apart == [
        ["products"], ["dtype"], ["fused_optimizer"], ["fused_attention"], ["compiled"],
        ["batch_size"], ["packed"],
    ]  # fmt: skip
    assert settings[-1] == Settings(8, "TF32", "bfloat16", True, True, True, True)


@pytest.mark.parametrize(
    ("runtime", "half", "missing"),
    [
        (H200, "bfloat16", set()),
        (T4, "float16", {"TF32"}),
        (OLD, "bfloat16", {"TF32", "bfloat16"}),
        (Runtime(), "bfloat16", {"TF32"}),
    ],
)
def test_what_a_machine_cannot_do_is_left_out_and_the_next_rung_goes_on_without_it(
    monkeypatch, tmp_path, runtime, half, missing
):
    found, tried = climbed_with(monkeypatch, tmp_path, lambda *_: None, runtime)
    assert {rung["rung"] for rung in found if "left out" in rung} == missing
    assert [rung for rung, _ in tried] == [
        rung for rung in gpu_ladder.changes(runtime.dtype) if rung not in missing
    ]
    last = tried[-1][1]
    assert last.products == ("float32" if "TF32" in missing else "TF32")
    assert last.dtype == ("float32" if half in missing else half)


def test_without_a_compiler_the_ladder_goes_on_and_says_why(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu_ladder, "compile_failure", lambda device: "TritonMissing")
    found, tried = climbed_with(monkeypatch, tmp_path, lambda *_: None)
    why = next(rung["left out"] for rung in found if rung["rung"] == "compile")
    assert why == "torch.compile ended in TritonMissing on this machine"
    assert tried[-1][0] == "packed data" and not tried[-1][1].compiled


def test_a_rung_out_of_memory_is_recorded_and_the_next_one_runs(monkeypatch, tmp_path):
    def fails(rung, settings):
        if rung in (FIRST, "bfloat16"):
            raise torch.OutOfMemoryError("CUDA out of memory")

    found, tried = climbed_with(monkeypatch, tmp_path, fails, H200)
    by_name = {rung["rung"]: rung for rung in found}
    assert by_name["bfloat16"]["numbers"] == {"out of memory at batch": 2}
    assert by_name["fused AdamW"]["numbers"]["tokens/s"] == 100.0
    assert [rung for rung, _ in tried] == RUNGS
    assert tried[3][1] == Settings(2, "TF32", "bfloat16", True)
    assert gpu_ladder.told(by_name[FIRST]) == "float32: out of memory at batch 2"
    numbers = gpu_ladder.ladder_numbers(found, 1.0, {"float32": 1.0})
    assert numbers["out of memory at batch, float32"] == 2
    table = ladder_table(numbers, gpu_ladder.changes("bfloat16"))
    assert "out of memory at batch 2" in table


def test_a_larger_batch_is_halved_until_it_fits(monkeypatch, tmp_path):
    def fails(rung, settings):
        if settings.batch_size > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")

    found, tried = climbed_with(monkeypatch, tmp_path, fails, H200)
    assert [s.batch_size for rung, s in tried if rung == LARGER] == [8, 4]
    larger = next(rung for rung in found if rung["rung"] == LARGER)
    assert larger["numbers"]["batch"] == 4
    assert larger["numbers"]["out of memory at batch"] == 8
    assert tried[-1][1].batch_size == 4 and tried[-1][1].packed


def test_a_batch_that_never_fits_is_not_kept(monkeypatch, tmp_path):
    def fails(rung, settings):
        if settings.batch_size > 2:
            raise RuntimeError("CUDA error: out of memory")

    found, tried = climbed_with(monkeypatch, tmp_path, fails, H200)
    assert found[-2]["numbers"] == {"out of memory at batch": 4}
    assert found[-1]["settings"]["batch_size"] == 2 and tried[-1][0] == "packed data"


def test_a_compiler_that_fails_on_the_model_is_left_out_and_other_errors_are_not_hidden(
    monkeypatch, tmp_path
):
    of_compiler = type("InductorError", (RuntimeError,), {"__module__": "torch._inductor.exc"})

    def fails(rung, settings):
        if settings.compiled:
            raise of_compiler("no kernel")

    found, tried = climbed_with(monkeypatch, tmp_path, fails, H200)
    assert found[5]["left out"] == "it ended in InductorError"
    assert not tried[-1][1].compiled and "tokens/s" in found[-1]["numbers"]

    def fails_otherwise(rung, settings):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        climbed_with(monkeypatch, tmp_path / "other", fails_otherwise, H200)


def test_settings_of_pytorch_are_put_back_when_a_rung_fails(monkeypatch, tmp_path):
    seen = []

    def fails(*_):
        cuda = torch.backends.cuda
        seen.append((torch.get_float32_matmul_precision(), cuda.math_sdp_enabled()))
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(gpu_ladder, "prepared", fails)
    monkeypatch.setattr(gpu_ladder, "start_afresh", lambda device: None)
    rows = gpu_ladder.tables(gpu_ladder.load_corpus(TINY, {}), TINY, 0)
    settings = Settings(2, "TF32", "bfloat16", fused_attention=True)
    with pytest.raises(torch.OutOfMemoryError):
        gpu_ladder.measured("x", settings, rows, TINY, a_job(tmp_path, runtime=H200))
    assert seen == [("high", False)]
    assert torch.get_float32_matmul_precision() == "highest"
    assert torch.backends.cuda.math_sdp_enabled()


@pytest.mark.parametrize(
    ("runtime", "dtype", "fused", "kernel"),
    [
        (H200, "bfloat16", True, "flash"),
        (H200, "float32", True, "efficient"),
        (T4, "float16", True, "efficient"),
        (H200, "bfloat16", False, None),
        (Runtime(), "bfloat16", True, None),
    ],
)
def test_a_kernel_is_chosen_that_the_gpu_has(monkeypatch, runtime, dtype, fused, kernel):
    asked = []
    real = gpu_ladder.attention_kernel
    monkeypatch.setattr(
        gpu_ladder, "attention_kernel", lambda kind: asked.append(kind) or real(kind)
    )
    settings = Settings(2, dtype=dtype, fused_attention=fused)
    with gpu_ladder.arithmetic(settings, TINY, runtime):
        pass
    assert asked == ([kernel] if kernel else [])
    asked.clear()
    with gpu_ladder.arithmetic(settings, replace(TINY, kernel="cudnn"), runtime):
        pass
    assert asked == (["cudnn" if kernel == "flash" else kernel] if kernel else [])


def test_tokens_are_targets_by_hand_and_packing_loses_none():
    corpus = gpu_ladder.Corpus([[5, 6, 7], [8], [9, 10]], 1, {})
    config = replace(TINY, text_tokens=1, context_length=4)
    rows = gpu_ladder.tables(corpus, config, 0)
    first = [ids[0] for ids in rows[False].ids.tolist()]
    assert sorted(first) == [5, 8, 9] and rows[False].ids.shape == (3, 4)
    assert rows[False].weight == rows[True].weight == 3 + 1 + 2
    assert (rows[False].tokens, rows[True].tokens) == (12, 12)
    orders = {
        tuple(gpu_ladder.tables(corpus, config, s)[False].ids[:, 0].tolist()) for s in range(9)
    }
    assert len(orders) > 1
    taught = [table.targets[table.targets != IGNORE].tolist() for table in rows.values()]
    assert taught[0] == taught[1]


def test_mfu_by_hand_is_that_of_nanogpt():
    config = gpu_ladder.PRESETS["full"]
    by_hand = 6 * (12 * 12 * 768**2 + 50_304 * 768) + 12 * 12 * 768 * 1024
    assert config.flop_per_token == by_hand
    rung = {"rung": "x", "settings": asdict(Settings(4)), "numbers": {
        "tokens/s": 500_000.0, "positions/s": 500_000.0, "loss": 1.0,
    }}  # fmt: skip
    numbers = gpu_ladder.ladder_numbers([rung], config.flop_per_token, {"a": 1e15}, 989e12)
    assert numbers["MFU, x"] == pytest.approx(500_000 * by_hand / 989e12)


def test_the_gpu_size_is_gpt_2s_smallest_with_a_vocabulary_that_64_divides():
    gpt = gpu_ladder.PRESETS["full"].gpt
    assert gpt.vocab_size == 50_304 and gpt.vocab_size % 64 == 0
    assert replace(gpt, vocab_size=50_257, engine="ours") == gpu_ladder.GPTConfig.gpt2()


def a_training(settings, runtime=None):
    rows = gpu_ladder.tables(gpu_ladder.load_corpus(TINY, {}), TINY, 0)
    batches = gpu_ladder.RowsInTurn(rows[settings.packed], settings.batch_size)
    return gpu_ladder.prepared(settings, batches, TINY, runtime or Runtime(), 0)


def test_every_rung_computes_the_same_thing():
    base = Settings(2)
    rungs = [base, replace(base, fused_optimizer=True), replace(base, fused_attention=True)]
    losses = [[step.loss for step in a_training(settings)] for settings in rungs]
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
    assert losses[2] == pytest.approx(losses[0], abs=1e-5)
    half = [step.loss for step in a_training(base, Runtime(dtype="bfloat16"))]
    assert half == pytest.approx(losses[0], abs=0.05)


def test_weights_of_attention_are_stored_until_the_rung_that_fuses_it(monkeypatch):
    seen = []
    real = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(
        torch.nn.functional,
        "scaled_dot_product_attention",
        lambda *args, **more: seen.append(1) or real(*args, **more),
    )
    monkeypatch.setattr(Stored, "forward", lambda self, weights: seen.append(2) or weights)
    next(iter(a_training(Settings(2))))
    assert set(seen) == {2}
    seen.clear()
    next(iter(a_training(Settings(2, fused_attention=True))))
    assert set(seen) == {1}


def test_the_optimiser_is_the_loops_own_but_for_being_fused():
    plain, fused = (a_training(Settings(2, fused_optimizer=fused)) for fused in (False, True))
    ours, theirs = (dict(run.optimizer.defaults) for run in (plain, fused))
    assert (ours.pop("fused"), theirs.pop("fused")) == (None, True)
    assert ours == theirs


def test_a_learners_loss_is_that_of_the_tokens():
    gpt = gpu_ladder.GPT(TINY.gpt)
    ids = torch.randint(0, 300, (2, 9))
    targets = ids.roll(-1, 1)
    targets[:, 6:] = IGNORE
    batch = TokenBatch(ids, targets)
    assert gpu_ladder.own_loss(Learner(gpt), batch).equal(token_loss(gpt, batch))


def test_model_and_loss_compile_as_one_graph():
    """In a process of its own: the checks of shapes in these tests are nothing to compile."""
    code = """if True:
        import torch
        from llm_book.recipes.gpu_ladder import GPT, Learner, PRESETS
        learner = Learner(GPT(PRESETS["small"].gpt))
        ids = torch.randint(0, 512, (2, 96))
        whole = torch.compile(learner, fullgraph=True, backend="eager")
        assert torch.allclose(whole(ids, ids), learner(ids, ids))
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_killed_run_goes_on_behind_the_rungs_that_are_done(tmp_path, monkeypatch):
    job, where = a_job(tmp_path), "fused AdamW"

    def killed(said):
        if said.startswith(f"{where}:"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gpu_ladder.run(TINY, replace(job, say=killed))
    assert read_json(job.folder / "run.json")["status"] == "stopped"
    done = {path: read_json(path) for path in job.folder.glob("rung-*.json")}
    assert len(done) == RUNGS.index(where) + 1
    real, measured = gpu_ladder.measured, []
    monkeypatch.setattr(
        gpu_ladder, "measured", lambda rung, *rest: measured.append(rung) or real(rung, *rest)
    )
    monkeypatch.setattr(gpu_ladder, "matmul_rates", lambda *_: pytest.fail("measured again"))
    document = gpu_ladder.run(TINY, replace(job, resume=True))
    left = RUNGS[RUNGS.index(where) + 1 :]
    assert document["status"] == "finished"
    assert measured == [rung for rung in left if rung != "TF32"]
    assert all(read_json(path) == found for path, found in done.items())


def test_a_run_is_not_finished_on_another_gpu(tmp_path, monkeypatch):
    job = a_job(tmp_path)
    gpu_ladder.run(TINY, job)
    monkeypatch.setattr(gpu_ladder, "gpu_name", lambda runtime: "Tesla T4")
    with pytest.raises(LedgerError, match="matmul was measured on None, this is Tesla T4; go on"):
        gpu_ladder.run(TINY, replace(job, resume=True))


def test_a_trace_of_every_rung_is_written_where_it_is_asked_for(tmp_path):
    job = a_job(tmp_path)
    gpu_ladder.run(replace(TINY, profile=1, repeats=1), job)
    names = {path.name for path in job.folder.glob("trace-*.json")}
    assert names == {f"trace-{rung.replace(' ', '-')}.json" for rung in RUNGS if rung != "TF32"}


def test_products_are_measured_in_every_precision_of_the_machine(monkeypatch):
    asked = []

    def rate(size, device, dtype):
        asked.append((size, device, dtype, torch.get_float32_matmul_precision()))
        return float(len(asked))

    monkeypatch.setattr(gpu_ladder, "matmul_rate", rate)
    assert gpu_ladder.matmul_rates(TINY, {}, H200) == {
        "rates": {"float32": 1.0, "TF32": 2.0, "bfloat16": 3.0}
    }
    assert asked == [
        (16, "cuda", torch.float32, "highest"),
        (16, "cuda", torch.float32, "high"),
        (16, "cuda", torch.bfloat16, "highest"),
    ]
    assert list(gpu_ladder.matmul_rates(TINY, {"TF32": ""}, T4)["rates"]) == ["float32", "float16"]


def test_novels_are_read_paragraph_by_paragraph(monkeypatch):
    text = "\n\n".join(f"It is paragraph {i} of a novel.\nSo it goes on {i}." for i in range(90))
    monkeypatch.setattr(gpu_ladder, "load_novels", lambda: text)
    config = replace(TINY, data="novels", n_characters=1000, text_tokens=4)
    corpus = gpu_ladder.load_corpus(config, {"TF32": "no GPU"})
    assert all(4 <= len(ids) < 64 for ids in corpus.texts[:-1])
    assert max(max(ids) for ids in corpus.texts) < corpus.end < config.vocab_size
    assert corpus.facts["name"] == "novels"
    assert corpus.facts["report"].endswith("TF32 left out: no GPU")
    assert "% is pads" in corpus.facts["report"]


def test_what_every_rung_changes_is_said():
    for dtype in ("bfloat16", "float16", "float32"):
        said = gpu_ladder.changes(dtype)
        assert [rung for rung in said if rung not in gpu_ladder.HALF] == list(CHANGES)
        assert list(said)[2] == ("float16" if dtype == "float16" else "bfloat16")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": "x"}, "data is 'x'; choose 'world' or 'novels'"),
        ({"kernel": "math"}, "kernel is 'math'; choose 'flash' or 'cudnn'"),
        ({"profile": 2}, "profile is 2; choose 0 or 1"),
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"warmup": 0}, "warmup is 0; it must be at least 1"),
        ({"text_tokens": 64}, "so that a text fits in a row"),
        ({"large_batch_size": 2}, "must be more than batch_size"),
        ({"n_heads": 3}, "heads"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)


def test_too_little_text_for_the_batches_is_refused(tmp_path):
    with pytest.raises(ValueError, match="batches of 4000 rows cannot be drawn from"):
        gpu_ladder.run(replace(TINY, large_batch_size=4000), a_job(tmp_path))
