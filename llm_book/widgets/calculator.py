"""What a decoder costs: parameters, training compute beside 6ND, time, memory, each token read."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from llm_book.claims import written
from llm_book.evaluation.accounting import (
    active_parameters,
    forward_flop,
    n_parameters,
    parameter_terms,
    six_n_d,
    training_flop,
)
from llm_book.evaluation.decoder_sizes import DecoderSizes
from llm_book.evaluation.energy import energy_kwh
from llm_book.evaluation.memory import Precision, activation_numbers, cache_bytes, training_memory
from llm_book.i18n import phrase, t
from llm_book.models.positions import Positions
from llm_book.models.transformer import GPTConfig
from llm_book.widgets import charts
from llm_book.widgets.known_models import DEVICES, Device, KnownModel, known_models
from llm_book.widgets.records import Table, shown
from llm_book.widgets.render import View, view

MOST = 10**9  # of layers, texts, devices, …: far above what exists, far below what loses digits
MOST_TOKENS = 1e18
TOKENS_A_PARAMETER = 20  # where nobody says how many tokens are read (Hoffmann et al. 2022)
PRECISIONS = {
    "float32": Precision(),
    "mixed": Precision(weight=2, gradient=2, state=4, states=3, activation=2),
    "16 bits": Precision(weight=2, gradient=2, state=2, states=2, activation=2),
}
SAME = (
    "vocab_size", "context_length", "width", "n_layers", "n_heads", "n_experts", "top_k",
    "norm", "norm_place", "gated", "bias", "tied", "positions",
)  # fmt: skip
COUNTS = (*SAME[:7], "n_kv_heads", "head_width", "inner_width")
PARTS = {
    "embedding": ("embedding",),
    "positions": ("positions",),
    "attention": ("query", "key", "value", "output"),
    "feed-forward": ("feed_forward",),
    "norms and router": ("norms", "router"),
    "head": ("head",),
}
NAMES = ((1e12, "T", 1e12), (1e9, "B", 1e9), (1e6, "M", 1e6), (0, "", 1))
BYTES = ((1e12, "TB", 1e12), (1e9, "GB", 1e9), (1e6, "MB", 1e6), (0, "kB", 1e3))
PER_TOKEN = tuple((least, f"{name[0]}FLOP", unit) for least, name, unit in BYTES)
ENERGY = ((1e6, "GWh", 1e6), (1e3, "MWh", 1e3), (0, "kWh", 1))
TIMES = (  # shortest time in seconds, seconds in one
    (2 * 365 * 86400, 365 * 86400, "{count} years"),
    (2 * 86400, 86400, "{count} days"),
    (2 * 3600, 3600, "{count} hours"),
    (2 * 60, 60, "{count} minutes"),
    (0, 1, "{count} seconds"),
)


@dataclass(frozen=True)
class CalculatorRecord:
    """A decoder's sizes, what it reads, and what it is trained on.

    ``batch`` counts texts a step, ``utilisation`` is the share of the peak that is reached (MFU).
    With ``causal_half`` products that a mask hides are not counted. ``model`` names one of the
    known models, or is "" for sizes of the reader's own.
    """

    kind: ClassVar[str] = "calculator"
    sizes: GPTConfig
    tokens: float
    device: Device
    model: str = ""
    batch: int = 8
    precision: str = "mixed"
    devices: int = 8
    utilisation: float = 0.4
    causal_half: bool = False

    def results(self) -> dict[str, Any]:
        """Every number of the page, counted by the package's own functions."""
        sizes, time = self.sizes, self.sizes.context_length
        precision = PRECISIONS[self.precision]
        terms, active = parameter_terms(sizes), active_parameters(sizes)
        embedded = terms["embedding"] + terms["positions"] + terms["head"]
        texts = self.tokens / time
        step = training_flop(sizes, 1, time, self.causal_half)
        flop = {name: value * texts for name, value in step.items()}
        between, head = flop["scores"] + flop["mix"], flop["head"]
        counted = sum(flop.values())
        peak = self.device.full if self.precision == "float32" else self.device.half
        seconds = counted / (self.devices * peak * self.utilisation)
        activations = sum(activation_numbers(sizes, self.batch, time).values())
        memory = training_memory(n_parameters(sizes), activations, precision=precision)
        return {
            "parts": {part: sum(terms[name] for name in PARTS[part]) for part in PARTS},
            "total": n_parameters(sizes),
            "active": active,
            "flop": {"maps": counted - between - head, "between": between, "head": head},
            "counted": counted,
            "six": six_n_d(active, self.tokens),
            "six_blocks": six_n_d(active - embedded, self.tokens),
            "seconds": seconds,
            "kwh": energy_kwh(self.devices * self.device.watts, seconds),
            "memory": asdict(memory),
            "cache": cache_bytes(sizes, 1, time, precision.activation),
            "token": sum(forward_flop(sizes, 1, time).values()) / time,
            "two_n": 2 * active,
        }

    def document(self) -> dict[str, Any]:
        return {
            "sizes": _fields(self.sizes),
            "tokens": self.tokens,
            "device": asdict(self.device),
            "model": self.model,
            "batch": self.batch,
            "precision": self.precision,
            "devices": self.devices,
            "utilisation": self.utilisation,
            "causal_half": self.causal_half,
            "known": {
                "models": [_model_fields(model) for model in known_models()],
                "devices": [asdict(device) for device in DEVICES],
                "precisions": {name: asdict(each) for name, each in PRECISIONS.items()},
                "positions": list(Positions.KINDS),
            },
        }

    def blob(self) -> bytes:
        return b""

    def sentence(self, lang: str) -> str:
        found = self.results()
        return phrase(
            "{parameters} parameters, of which {embedding} embed words; {tokens} tokens cost "
            "{counted} FLOP counted, 6ND says {six} ({difference} %); {devices} × {device} at "
            "{utilisation} % need {time}. A training step holds {memory}, one device {room}.",
            lang,
            parameters=scaled(found["total"], NAMES),
            embedding=scaled(found["parts"]["embedding"], NAMES),
            tokens=scaled(self.tokens, NAMES),
            counted=written(found["counted"]),
            six=written(found["six"]),
            difference=signed(100 * (found["six"] / found["counted"] - 1)),
            devices=f"{self.devices:,}",
            device=self.device.name or f"{written(self.device.half / 1e12)} TFLOP/s",
            utilisation=written(100 * self.utilisation, 2),
            time=duration(found["seconds"], lang),
            memory=scaled(sum(found["memory"].values()), BYTES),
            room=scaled(self.device.memory, BYTES),
        )

    def still(self, lang: str) -> str:
        return charts.document(*_picture(self.results(), lang), self.sentence(lang))

    def table(self, lang: str) -> Table:
        return Table((t("what", lang), t("value", lang)), tuple(_rows(self, lang)))


def calculator_record(
    sizes: Any = None,
    tokens: Any = None,
    hardware: Any = "H100",
    batch: Any = 8,
    precision: Any = "mixed",
    devices: Any = 8,
    utilisation: Any = 0.4,
    causal_half: Any = False,
) -> CalculatorRecord:
    """The record of one calculation; arguments as for ``compute_calculator``.

    Raises ``ValueError`` for sizes that no decoder can have and for settings out of their range.
    """
    model = _known(sizes)
    checked = _decoder(model.sizes if model else sizes)
    tokens = tokens if tokens is not None else model and model.tokens
    if tokens is None:
        tokens = float(TOKENS_A_PARAMETER * n_parameters(checked))
    if precision not in tuple(PRECISIONS):
        known = ", ".join(PRECISIONS)
        raise ValueError(f"precision {precision!r} is unknown; choose one of {known}")
    record = CalculatorRecord(
        sizes=checked,
        tokens=float(_within("tokens", tokens, 1, MOST_TOKENS)),
        device=_device(hardware),
        model=model.name if model else "",
        batch=_whole("batch", batch),
        precision=precision,
        devices=_whole("devices", devices),
        utilisation=float(_within("utilisation", utilisation, 1e-3, 1)),
        causal_half=bool(causal_half),
    )
    if record.devices < 1:
        raise ValueError(f"devices is {devices}; it must be at least 1")
    record.results()  # refuses an empty batch
    return record


def compute_calculator(
    sizes: Any = None,
    *,
    tokens: Any = None,
    hardware: Any = "H100",
    batch: Any = 8,
    precision: Any = "mixed",
    devices: Any = 8,
    utilisation: Any = 0.4,
    causal_half: Any = False,
    title: str = "What a model costs",
    lang: str | None = None,
) -> View:
    """A calculator of parameters, compute, time and memory, every size of which can be changed.

    ``sizes`` is the name of a known model (None: GPT-2), a ``GPTConfig``, or anything with its
    fields; ``tokens`` are read in training (None: as published, else 20 a parameter); ``hardware``
    is a name ("H100", "A100", "V100", "T4") or a ``Device``; ``batch`` counts texts of a full
    context a step; ``precision`` is "float32", "mixed" or "16 bits"; ``utilisation`` is the share
    of the peak that is reached, 0 to 1. Errors as for ``calculator_record``.
    """
    record = calculator_record(
        sizes, tokens, hardware, batch, precision, devices, utilisation, causal_half
    )
    return view(record, title, lang)


def scaled(value: float, units: Sequence[tuple[float, str, float]]) -> str:
    """A number in the largest unit that leaves it at 1 or above: 124 M, 80.0 GB."""
    _, name, size = next(unit for unit in units if value >= unit[0])
    return f"{written(value / size)} {name}".rstrip()


def signed(value: float) -> str:
    """A difference to two digits with its sign: −14, +3.2."""
    return ("−" if value < 0 else "+") + written(abs(value), 2)


def duration(seconds: float, lang: str) -> str:
    """A time in the unit that suits it: 0.9 seconds, 12.5 days."""
    _, size, text = next(unit for unit in TIMES if seconds >= unit[0])
    return phrase(text, lang, count=written(seconds / size))


def _known(sizes: Any) -> KnownModel | None:
    """The published model that is asked for by its name or has exactly these sizes."""
    models = known_models()
    if sizes is None:
        sizes = "GPT-2 124M"
    if not isinstance(sizes, str):
        return next((model for model in models if model.sizes == sizes), None)
    for model in models:
        if model.name == sizes:
            return model
    names = ", ".join(model.name for model in models)
    raise ValueError(f"the model {sizes!r} is unknown; choose one of {names}, or give its sizes")


def _decoder(sizes: Any) -> GPTConfig:
    """The sizes as a configuration that has checked itself."""
    if not isinstance(sizes, DecoderSizes):
        raise ValueError(
            f"sizes came as {type(sizes).__name__}; give a GPTConfig, anything with its fields, or "
            "the name of a known model"
        )
    fields = _fields(sizes)
    for name in COUNTS:
        if fields[name] is not None:
            _whole(name, fields[name])
    return GPTConfig(**fields)


def _fields(sizes: DecoderSizes) -> dict[str, Any]:
    shared = sizes.width_of_head * sizes.n_heads == sizes.width
    return {name: getattr(sizes, name) for name in SAME} | {
        "n_kv_heads": sizes.kv_heads,
        "head_width": None if shared else sizes.width_of_head,
        "inner_width": sizes.width_inside,
    }


def _model_fields(model: KnownModel) -> dict[str, Any]:
    keys = ("name", "tokens", "parameters", "flop", "source")
    return {key: getattr(model, key) for key in keys} | {"sizes": _fields(model.sizes)}


def _device(hardware: Any) -> Device:
    """The device of a name, or one that the reader describes."""
    if isinstance(hardware, Device):
        for name in ("half", "full", "memory"):
            _within(name, getattr(hardware, name), 1, 1e30)
        _within("watts", hardware.watts, 0, 1e9)
        return replace(hardware, name=shown(hardware.name))
    for device in DEVICES:
        if device.name == hardware:
            return device
    names = ", ".join(device.name for device in DEVICES)
    raise ValueError(f"hardware {hardware!r} is unknown; choose one of {names}, or give a Device")


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value > MOST:
        raise ValueError(f"{name} is {value}; it must be a whole number of at most {MOST:,}")
    return value


def _within(name: str, value: Any, low: float, high: float) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and low <= value <= high):
        raise ValueError(f"{name} is {value}; it must be a number from {low:g} to {high:g}")
    return value


def _rows(record: CalculatorRecord, lang: str) -> list[tuple[str, str]]:
    """What is counted and how much of it, in words."""
    found = record.results()
    parts = [
        (t(part, lang), f"{scaled(n, NAMES)} ({_share(n, found['total'])} %)")
        for part, n in found["parts"].items()
        if n
    ]
    memory = [(_memory_names(lang)[name], scaled(n, BYTES)) for name, n in found["memory"].items()]
    return [
        *parts,
        (t("all parameters", lang), scaled(found["total"], NAMES)),
        (t("parameters a token meets", lang), scaled(found["active"], NAMES)),
        (t("training, counted", lang), f"{written(found['counted'])} FLOP"),
        *((t(text, lang), _beside(found, key)) for key, text in _SIX.items()),
        (t("training time", lang), duration(found["seconds"], lang)),
        (t("electricity at full power", lang), scaled(found["kwh"], ENERGY)),
        *memory,
        (t("cache of one text", lang), scaled(found["cache"], BYTES)),
        (t("one more token, counted", lang), scaled(found["token"], PER_TOKEN)),
        (t("one more token, 2N", lang), scaled(found["two_n"], PER_TOKEN)),
    ]


_SIX = {"six": "6ND, all parameters", "six_blocks": "6ND, blocks alone"}


def _beside(found: dict[str, Any], key: str) -> str:
    """An estimate of the operations, and how far it is from the count."""
    return f"{written(found[key])} FLOP ({signed(100 * (found[key] / found['counted'] - 1))} %)"


def _memory_names(lang: str) -> dict[str, str]:
    return {
        "weights": t("weights", lang),
        "gradients": t("gradients", lang),
        "optimizer": t("optimiser", lang),
        "activations": t("activations", lang),
    }


def _flop_names(lang: str) -> dict[str, str]:
    names = {"maps": "weights in blocks", "between": "between positions", "head": "head"}
    return {name: t(text, lang) for name, text in names.items()}


def _share(part: float, whole: float) -> str:
    return written(100 * part / whole)


COLOURS = (
    charts.BLUE, charts.ORANGE, charts.GREEN, charts.PINK, charts.MUTED, "#1b6573",
)  # fmt: skip
WIDTH, COLUMNS = 560, 3


def _picture(found: dict[str, Any], lang: str) -> tuple[float, float, Iterable[str]]:
    """Three charts, one under the other: parameters, training compute, memory."""
    named = {t(part, lang): n for part, n in found["parts"].items()}
    flop = {_flop_names(lang)[name]: value for name, value in found["flop"].items()}
    memory = {_memory_names(lang)[name]: n for name, n in found["memory"].items()}
    counted = f"{t('training, counted', lang)}: {written(found['counted'])} FLOP"
    compute = [(counted, list(flop.values()))] + [
        (f"{t(text, lang)}: {_beside(found, key)}", [found[key]]) for key, text in _SIX.items()
    ]
    total = f"{t('all parameters', lang)}: {scaled(found['total'], NAMES)}"
    whole = f"{t('memory of a training step', lang)}: {scaled(sum(memory.values()), BYTES)}"
    parts: list[str] = []
    y = _chart(parts, 0, [(total, list(named.values()))], named)
    y = _chart(parts, y, compute, flop)
    y = _chart(parts, y, [(whole, list(memory.values()))], memory)
    return WIDTH, y, parts


def _chart(
    parts: list[str], y: float, bars: list[tuple[str, list[float]]], legend: dict[str, float]
) -> float:
    """Bars of stacked pieces to one scale, and what the colours of the first mean."""
    longest = max(sum(pieces) for _, pieces in bars)
    for label, pieces in bars:
        parts.append(charts.text(8, y + 20, label))
        x = 8.0
        for colour, piece in zip(
            COLOURS if len(pieces) > 1 else (charts.MUTED,), pieces, strict=False
        ):
            width = (WIDTH - 16) * piece / longest
            parts.append(charts.rect(x, y + 26, width, 16, colour, f'stroke="{charts.PAPER}"'))
            x += width
        y += 44
    shown = [(name, c) for (name, n), c in zip(legend.items(), COLOURS, strict=False) if n]
    for i, (name, colour) in enumerate(shown):
        x, row = 8 + (WIDTH - 16) / COLUMNS * (i % COLUMNS), y + 14 + 18 * (i // COLUMNS)
        share = _share(legend[name], sum(legend.values()))
        parts.append(charts.rect(x, row - 10, 12, 12, colour))
        parts.append(charts.text(x + 18, row, f"{name} {share} %"))
    return y + 18 * math.ceil(len(shown) / COLUMNS) + 8
