"""Energy is power times time, read where there is a meter."""

import sys
import time
from types import SimpleNamespace

import pytest

from llm_book.evaluation.energy import energy_kwh, gpu_joules, measured_energy


def test_a_kilowatt_for_an_hour_is_a_kilowatt_hour_and_the_building_adds_its_share():
    assert energy_kwh(1000, 3600) == pytest.approx(1)
    assert energy_kwh(300, 7200, pue=1.5) == pytest.approx(0.9)
    assert energy_kwh(0, 0) == 0


class NVMLError(Exception):
    pass


def fake_nvml(millijoules, init=None):
    """A driver with one GPU a number; a number that is an error is raised."""
    closed = []

    def energy(handle):
        if isinstance(millijoules[handle], Exception):
            raise millijoules[handle]
        return millijoules[handle]

    def start():
        if init:
            raise init

    return SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=start,
        nvmlShutdown=lambda: closed.append(True),
        nvmlDeviceGetCount=lambda: len(millijoules),
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetTotalEnergyConsumption=energy,
        closed=closed,
    )


@pytest.mark.parametrize(
    ("driver", "joules"),
    [
        (fake_nvml([5000, 2500]), 7.5),
        (fake_nvml([]), None),
        (fake_nvml([1000, NVMLError("not supported")]), None),
        (fake_nvml([1], init=NVMLError("no driver")), None),
        (None, None),  # no pynvml
    ],
)
def test_the_meter_is_read_where_there_is_one(monkeypatch, driver, joules):
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    assert gpu_joules() == joules


@pytest.mark.parametrize("millijoules", [[1], [NVMLError("not supported")]])
def test_the_driver_is_let_go(monkeypatch, millijoules):
    driver = fake_nvml(millijoules)
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    gpu_joules()
    assert driver.closed == [True]


def test_a_stretch_of_work_is_what_the_meter_moved():
    meter = iter([100.0, 3.6e6 + 100])
    with measured_energy(lambda: next(meter)) as used:
        assert (used.seconds, used.joules) == (0, None)
        time.sleep(0.02)
    assert used.joules == 3.6e6
    assert used.kwh() == 1
    assert used.kwh(pue=1.2) == pytest.approx(1.2)
    assert 0.02 <= used.seconds < 60


@pytest.mark.parametrize("readings", [(None, None), (1.0, None), (None, 1.0)])
def test_without_a_meter_nothing_is_made_up(readings):
    meter = iter(readings)
    with measured_energy(lambda: next(meter)) as used:
        pass
    assert used.joules is None
    assert used.kwh() is None


def test_a_stretch_that_fails_is_measured_too():
    meter = iter([1.0, 4.0])
    with pytest.raises(OSError), measured_energy(lambda: next(meter)) as used:
        raise OSError
    assert used.joules == 3


@pytest.mark.parametrize(
    ("watts", "seconds", "pue"),
    [(-1, 1, 1), (1, -1, 1), (1, 1, 0.9), (float("nan"), 1, 1), (1, float("nan"), 1)],
)
def test_what_is_no_energy_is_refused(watts, seconds, pue):
    with pytest.raises(ValueError, match="is no energy; expected watts and seconds"):
        energy_kwh(watts, seconds, pue)
