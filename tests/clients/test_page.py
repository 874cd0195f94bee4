"""The page of a stack in a browser: legible in light and dark, on a wide and a narrow screen, and all in one file."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from pulumi_mlops.clients import backend, page
from support import pictured
from support.e2e import browser

CONTRAST = """
(() => {
  const channel = one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(one => channel(one / 255))
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const clear = colour => parse(colour)[3] === 0;
  const behind = one => {
    const box = one.closest('g.box');
    if (box) return getComputedStyle(box.querySelector('rect')).fill;
    for (let at = one; at; at = at.parentElement)
      if (!clear(getComputedStyle(at).backgroundColor)) return getComputedStyle(at).backgroundColor;
  };
  return [...document.body.querySelectorAll('*')]
    .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && one.tagName !== 'title')
    .map(one => {
      const style = getComputedStyle(one), over = one.closest('svg') ? style.fill : style.color;
      const [high, low] = [light(parse(over)), light(parse(behind(one)))].sort((a, b) => b - a);
      return [(high + 0.05) / (low + 0.05), one.textContent.slice(0, 40), over, behind(one)];
    });
})()
"""
"""Each element with a text of its own: how its colour stands out (https://www.w3.org/TR/WCAG22/#contrast-minimum)."""
LEGIBLE = 4.5


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    if browser.program() is None:
        pytest.skip(f"No headless browser on this machine; any of these is one: {', '.join(browser.PROGRAMS)}")
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(backend, "load", lambda _: pictured.Backend())
        found = pictured.client(*pictured.told()).picture()
    file = folder / "shop.html"
    file.write_text(page.written(found), encoding="utf-8")
    with browser.page(folder, file.as_uri()) as one:
        one.there("document.querySelector('#parts table')", "the last table")
        yield one


def shown(one: browser.Page, width: int, scheme: str) -> None:
    one.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    one.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


def text(one: browser.Page, where: str) -> str:
    found: str = one.run(f"document.querySelector({where!r}).innerText")
    return " ".join(found.split())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out(opened: browser.Page, scheme: str) -> None:
    shown(opened, 1400, scheme)
    opened.run("document.querySelectorAll('details').forEach(one => {one.open = true})")
    found: list[tuple[float, str, str, str]] = opened.run(CONTRAST)
    assert len(found) > 100
    assert [one for one in found if one[0] < LEGIBLE] == []
    ground = [int(part) for part in found[0][3].removeprefix("rgb(").removesuffix(")").split(",")]
    assert (sum(ground) > 3 * 128) == (scheme == "light")


@pytest.mark.parametrize("width", [1400, 700, 360])
def test_the_page_does_not_move_sideways(opened: browser.Page, width: int) -> None:
    shown(opened, width, "light")
    assert opened.run("document.documentElement.scrollWidth") <= width


def test_it_is_one_file_without_a_program(opened: browser.Page) -> None:
    asked: list[str] = []
    opened.call("Network.enable")
    opened.call("Page.reload")
    opened.there("document.querySelector('#parts table')", "the last table")
    asked = opened.run("performance.getEntriesByType('resource').map(one => one.name)")
    assert asked == []
    assert opened.run("document.querySelectorAll('script, link, img, iframe, object, [onclick]').length") == 0
    # What names and messages hold is text: an element that is written in one is none.
    assert opened.run("document.querySelectorAll('more, team').length") == 0


def test_it_says_what_serves_ran_and_costs(opened: browser.Page) -> None:
    shown(opened, 1400, "light")
    glance = text(opened, "#glance")
    for said in (
        *("churn 3, 90 %", "an unknown version, 10 %", "churn 3, copies of 50 %", "churn: 4 pending; 3 approved"),
        *("retrain: failed 2026-12-07 03:00 UTC", "shop: 46.50 of 200.00 USD"),
        "drift: breached data_drift 2026-11-30 06:00 UTC",
    ):
        assert said in glance
    assert "unknown: it serves an image of no registry" in text(opened, "#serving")
    drift = text(opened, "#drift")
    for said in (
        "2026-11-30 07:00 UTC l4 running it is running",
        "2026-11-30 06:00 UTC l3 succeeded breached 240 b71e",
        "l2 succeeded breached 220 nothing: it runs, or has just run",
        "l1 succeeded not judged 7 7 rows are too few",
        "data_drift psi 0.4137 0.2 breached",
        "data_quality bad_values 0.05 not judged column <age> has no values",
    ):
        assert said in drift
    assert "owner=ml <team>" in text(opened, "#models")
    decided = (
        "3 approved 2026-11-30 04:02 UTC auc=0.93 by lead <l@example.com> on 2026-11-30 04:30 UTC: better on every"
    )
    assert decided in text(opened, "#models")
    assert "model failed 12m00s KeyError: 'x' & <more>" in text(opened, "#runs")
    assert "46.50 of 200.00 USD, 23 %" in text(opened, "#costs")
    assert "ExperimentTracker runs wandb not exported" in text(opened, "#parts")
    widths = "[...document.querySelectorAll('#serving .bar')].map(one => one.firstChild.offsetWidth / one.offsetWidth)"
    assert opened.run(widths) == pytest.approx([0.9, 0.1, 0.5], abs=0.01)


def boxes(one: browser.Page) -> dict[str, Any]:
    found: dict[str, Any] = one.run(
        "Object.fromEntries([...document.querySelectorAll('g.box')].map(one => {"
        "const at = one.querySelector('rect').getBoundingClientRect();"
        "const texts = [...one.querySelectorAll('text')].map(text => text.getBoundingClientRect());"
        "return [one.querySelector('title').textContent, {left: at.left, right: at.right, top: at.top,"
        " bottom: at.bottom, over: texts.some(text => text.right > at.right || text.bottom > at.bottom)}]}))"
    )
    return found


def test_the_chart_goes_from_data_to_what_serves(opened: browser.Page) -> None:
    shown(opened, 1400, "light")
    found = boxes(opened)
    assert set(found) == {
        *("FeatureStore features", "FeatureGroup profile", "Dataset labels", "ExperimentTracker runs"),
        *("TrainingCluster machines", "ModelRegistry models", "Pipeline retrain", "Model churn", "Model rows"),
        *("Endpoint score", "Monitor drift", "Pipeline drift-monitor"),
    }
    flow = ["FeatureStore features", "FeatureGroup profile", "Pipeline retrain", "Model churn", "Endpoint score"]
    assert [found[one]["left"] for one in flow] == sorted(found[one]["left"] for one in flow)
    for one, other in combinations(found.values(), 2):
        apart = one["right"] <= other["left"] or other["right"] <= one["left"]
        assert apart or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]
    assert not any(one["over"] for one in found.values()), "each name is within its box"
    titles = opened.run("[...document.querySelectorAll('path.line title')].map(one => one.textContent)")
    assert "Pipeline retrain → Model churn: steps.register.model" in titles
    assert "FeatureGroup profile → Endpoint score: reads" in titles
    leads = "[...document.querySelectorAll('.chart a')].map(one => document.getElementById(one.href.baseVal.slice(1)))"
    assert opened.run(f"{leads}.every(one => one && one.tagName === 'TR')")


def test_arrows_that_pass_a_column_go_between_its_boxes(opened: browser.Page) -> None:
    shown(opened, 1400, "light")
    crossed = opened.run(
        "(() => {const boxes = [...document.querySelectorAll('g.box rect')].map(one => one.getBBox());"
        "return [...document.querySelectorAll('path.line')].filter(line => {"
        "const whole = line.getTotalLength();"
        "return [...Array(200).keys()].some(step => {const at = line.getPointAtLength(whole * step / 200);"
        "return boxes.some(box => at.x > box.x + 1 && at.x < box.x + box.width - 1"
        " && at.y > box.y + 1 && at.y < box.y + box.height - 1)})"
        "}).map(line => line.textContent)})()"
    )
    assert crossed == []
