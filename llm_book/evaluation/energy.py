"""Electricity that a run has used."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

JOULES_PER_KWH = 3.6e6


def energy_kwh(watts: float, seconds: float, pue: float = 1.0) -> float:
    """Power times time in kWh, times what the building adds (PUE, 1 for none).

    Power usage effectiveness is all energy of a data centre over that of its computers. Source:
    Strubell et al. (2019), equation 1. Raises ``ValueError`` for a negative number and a PUE
    below 1.
    """
    if not (watts >= 0 and seconds >= 0 and pue >= 1):
        raise ValueError(
            f"{watts} W over {seconds} s with a PUE of {pue} is no energy; expected watts and "
            "seconds of 0 or more and a PUE of 1 or more"
        )
    return watts * seconds * pue / JOULES_PER_KWH


def gpu_joules() -> float | None:
    """Joules that the NVIDIA GPUs of this machine have used since the driver started.

    None where that cannot be read: no GPU, one older than Volta, or no ``pynvml``. It counts
    everything that runs on them.
    """
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
        millijoules = [pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) for handle in handles]
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()
    return sum(millijoules) / 1000 if millijoules else None


@dataclass
class EnergyReading:
    """What a stretch of work took: ``seconds``, and ``joules`` of the GPUs or None if unknown.

    Filled in when the stretch ends.
    """

    seconds: float = 0.0
    joules: float | None = None

    def kwh(self, pue: float = 1.0) -> float | None:
        """The GPUs' energy in kWh, times what the building adds; None where it was not read."""
        return None if self.joules is None else energy_kwh(self.joules, 1.0, pue)


@contextmanager
def measured_energy(read: Callable[[], float | None] = gpu_joules) -> Iterator[EnergyReading]:
    """Read the meter before and after: ``with measured_energy() as used: train()``."""
    reading = EnergyReading()
    started, before = time.perf_counter(), read()
    try:
        yield reading
    finally:
        after = read()
        reading.seconds = time.perf_counter() - started
        if before is not None and after is not None:
            reading.joules = after - before
