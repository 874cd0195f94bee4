"""The collector waits while modules are loaded, and is as it was afterwards."""

import gc
import sys
import types
from collections.abc import Callable, Iterator

import pytest

from pulumi_mlops.core.loading import MANY, collecting_later


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Leave the collector of this process as it was."""
    frozen = gc.get_freeze_count()
    yield
    gc.enable()
    if not frozen:
        gc.unfreeze()


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Load that many modules."""

    def some(count: int) -> None:
        for number in range(count):
            name = f"a_module_{number}"
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))

    return some


def test_it_waits_and_goes_on() -> None:
    with collecting_later():
        assert not gc.isenabled()
        with collecting_later():  # a noun is loaded while another is built
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_after_an_error() -> None:
    with pytest.raises(ValueError, match="wrong"), collecting_later():
        raise ValueError("wrong")
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    with collecting_later():
        pass
    assert not gc.isenabled()


@pytest.mark.parametrize(("count", "aside"), [(MANY, True), (MANY - 1, False)])
def test_what_modules_brought_is_set_aside_and_nothing_else(
    load: Callable[[int], None], count: int, aside: bool
) -> None:
    before = gc.get_freeze_count()
    with collecting_later():
        load(count)
    assert (gc.get_freeze_count() > before) is aside
