"""A picture as a page of one file: no program in it, and nothing that is fetched from elsewhere."""

import html
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pulumi_mlops.clients import chart
from pulumi_mlops.clients.lineage import Making, Read, Served, Unknown, Version
from pulumi_mlops.clients.nouns import PLATFORM, Key
from pulumi_mlops.clients.picture import Cost, Part, Picture, Ran, Registered, Serving, Watching
from pulumi_mlops.clients.results import RegisteredVersion, Report, Signal
from pulumi_mlops.clients.runs import Run, State
from pulumi_mlops.clients.telling import lasted, when

_MARKS: Mapping[str, str] = {
    "running": "warm",
    "succeeded": "good",
    "failed": "bad",
    "pending": "warm",
    "approved": "good",
    "rejected": "bad",
    "live": "good",
    "breached": "bad",
    "within": "good",
    "not judged": "warm",
}
"""How a word is coloured; the word itself says it to those who see no colours."""
_BELOW = '<span class="unknown">unknown, as said below</span>'
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def written(picture: Picture) -> str:
    """Write the page."""
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    title = f"Stack {picture.stack}"
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta name="color-scheme" content="light dark">\n<title>{_text(title)}</title>',
            f"<style>\n{style}</style>\n</head>\n<body>",
            f"<header><h1>{_text(title)}</h1>{_head(picture)}</header>\n<main>",
            _section("glance", "At a glance", _glance(picture)),
            _section("chart", "How it hangs together", _hanging(picture)),
            _section("serving", "What serves", _each(map(_serving, picture.endpoints), "no endpoint")),
            _section("drift", "Drift", _each(map(_watching, picture.monitors), "no monitor")),
            _section("models", "Models", _each(map(_model, picture.models), "no model")),
            _section("runs", "What ran last", _each(map(_ran, picture.pipelines), "no pipeline")),
            _section("costs", "What it costs", _each(map(_cost, picture.costs), "no platform of its own")),
            _section("parts", "All of it", _parts(picture)),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _text(value: object) -> str:
    return html.escape(str(value))


def _section(name: str, title: str, inner: str) -> str:
    return f'<section id="{name}"><h2>{_text(title)}</h2>\n{inner}</section>'


def _each(articles: Iterable[str], none: str) -> str:
    return "\n".join(articles) or f"<p>The stack has {none}.</p>"


def _known(value: object) -> str:
    """Write a value, an address as one that can be followed; or why it is not known."""
    if isinstance(value, Unknown):
        return f'<span class="unknown">unknown: {_text(value.why)}</span>'
    text = _text(value)
    if str(value).startswith(("https://", "http://")):
        return f'<a rel="noreferrer" href="{text}">{text}</a>'
    return text


def _mark(word: str) -> str:
    return f'<span class="mark {_MARKS.get(word, "")}">{_text(word)}</span>'


def _rows(rows: Iterable[tuple[str, str]]) -> str:
    inner = "".join(f"<dt>{_text(name)}</dt><dd>{value}</dd>" for name, value in rows)
    return f"<dl>{inner}</dl>" if inner else ""


def _table(head: Iterable[str], rows: Iterable[tuple[str, Iterable[str]]]) -> str:
    """Write a table, which moves sideways by itself where it is too wide.

    :param rows: the id of each row, or none, and its cells.
    """
    titles = "".join(f'<th scope="col">{_text(one)}</th>' for one in head)
    lines = [
        (f'<tr id="{_text(name)}">' if name else "<tr>") + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        for name, cells in rows
    ]
    return f'<div class="wide"><table><thead><tr>{titles}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _head(picture: Picture) -> str:
    platforms = [one for one in picture.parts if one.noun == PLATFORM]
    there = picture.recorded
    counted = _known(there) if isinstance(there, Unknown) else f"{there} resources"
    return f"<p>{'; '.join([*map(_place, platforms), counted])}; looked at {when(picture.made)}</p>"


def _place(one: Part) -> str:
    where = f" in {_text(one.facts['region'])}" if "region" in one.facts else ""
    stage = f", stage {_text(one.facts['stage'])}" if "stage" in one.facts else ""
    return f"{_text(one.name)}{stage}, on {_known(one.backend)}{where}"


def _glance(picture: Picture) -> str:
    tiles = list(_tiles(picture))
    inner = "".join(
        f"<li><h3>{_text(name)}</h3>{''.join(f'<p>{one}</p>' for one in lines)}</li>" for name, lines in tiles
    )
    return f'<ul class="tiles">{inner}</ul>' if tiles else "<p>The stack has nothing of this library.</p>"


def _tiles(picture: Picture) -> Iterator[tuple[str, list[str]]]:
    if picture.endpoints:
        yield "Serves", [f"{_text(one.name)}: {_short(one)}" for one in picture.endpoints]
    if picture.monitors:
        yield "Drifts", [f"{_text(one.name)}: {_found(one)}" for one in picture.monitors]
    if picture.models:
        yield "Decided", [f"{_text(one.name)}: {_decided(one)}" for one in picture.models]
    if picture.pipelines:
        yield "Ran last", [f"{_text(one.name)}: {_last(one)}" for one in picture.pipelines]
    if picture.costs:
        yield "This month", [_money(one) for one in picture.costs]


def _short(one: Serving) -> str:
    if isinstance(one.served, Unknown):
        return _BELOW
    return "; ".join(f"{_of_version(part)}, {_share(part)}" for part in one.served) or _mark("waiting")


def _of_version(part: Served) -> str:
    if isinstance(part.version, Unknown):
        return "an unknown version"
    return f"{_text(part.version.model)} {part.version.version}"


def _share(part: Served) -> str:
    share = "share unknown" if isinstance(part.percent, Unknown) else f"{part.percent:g} %"
    return f"copies of {share}" if part.shadow else share


def _found(one: Watching) -> str:
    if isinstance(one.reports, Unknown):
        return _BELOW
    newest = _judged(one.reports)
    if newest is None:
        return _mark("waiting") if one.status == "waiting" else "nothing yet"
    past = ", ".join(part.name for part in newest.signals if part.breached)
    return f"{_mark(_verdict(newest))} {_text(past)} {when(newest.at) if newest.at else ''}"


def _judged(reports: Iterable[Report]) -> Report | None:
    """Return the newest look that found something."""
    return next((one for one in reports if one.signals), None)


def _verdict(one: Report | Signal) -> str:
    if one.breached:
        return "breached"
    judged = not one.insufficient if isinstance(one, Report) else one.value is not None
    return "within" if judged else "not judged"


def _decided(one: Registered) -> str:
    if isinstance(one.versions, Unknown):
        return _BELOW
    return "; ".join(f"{found.version} {_mark(found.approval)}" for found in one.versions) or "no version yet"


def _last(one: Ran) -> str:
    if isinstance(one.runs, Unknown):
        return _BELOW
    if not one.runs:
        return "never"
    newest = one.runs[0]
    return f"{_mark(newest.state)} {when(newest.began) if newest.began else ''}"


def _money(one: Cost) -> str:
    if isinstance(one.spent, Unknown):
        return f"{_text(one.name)}: {_BELOW}"
    return f"{_text(one.name)}: {one.spent.amount:.2f} of {one.spent.budget:.2f} {_text(one.spent.currency)}"


def _hanging(picture: Picture) -> str:
    drawn = chart.drawn([Key(one.noun, one.name) for one in picture.parts], picture.links)
    words = "".join(
        f"<li>{_text(one.user)}, by <code>{_text(one.how)}</code>: {_text(one.used)}</li>" for one in picture.links
    )
    said = "An arrow goes from what is used to what uses it; a dashed one leads back, to what is started or written."
    return (
        f'<p class="dim">{said}</p><div class="wide chart" tabindex="0" role="region" aria-label="Chart">{drawn}</div>'
        f"<details><summary>In words</summary><ul>{words}</ul></details>"
    )


def _serving(one: Serving) -> str:
    status = _known(one.status) if isinstance(one.status, Unknown) else _mark(one.status)
    facts = [
        ("Address", "none until then" if one.url is None else _known(one.url)),
        ("Captured", "nothing" if one.captured is None else _known(one.captured)),
    ]
    if isinstance(one.served, Unknown):
        inner = _rows([*facts, ("Serves", _known(one.served))])
    elif not one.served:
        inner = _rows(facts) + "<p>It serves nothing yet: it waits for a version that is approved.</p>"
    else:
        inner = _rows(facts) + "".join(map(_variant, one.served))
    return f"<article><h3>{_text(one.name)} {status}</h3>{inner}</article>"


def _variant(part: Served) -> str:
    percent = 0.0 if isinstance(part.percent, Unknown) else part.percent
    bar = f'<div class="bar" aria-hidden="true"><div style="width:{min(percent, 100):g}%"></div></div>'
    share = _known(part.percent) if isinstance(part.percent, Unknown) else _text(_share(part))
    version = (
        _rows([("Version", _known(part.version))])
        if isinstance(part.version, Unknown)
        else _version(part.version, whole=False)
    )
    return f"<h4>{_text(part.variant)}: {share}</h4>{bar}{version}"


def _watching(one: Watching) -> str:
    status = _known(one.status) if isinstance(one.status, Unknown) else _mark(one.status)
    facts = [("Endpoint", _known(one.endpoint))]
    if isinstance(one.reports, Unknown):
        inner = _rows([*facts, ("Found", _known(one.reports))])
    elif not one.reports:
        waits = "It waits: for its endpoint, or for a version whose run has left a baseline."
        inner = _rows(facts) + f"<p>{waits if one.status == 'waiting' else 'It has not looked yet.'}</p>"
    else:
        head = ["Looked", "Run", "State", "Found", "Rows", "Started", "Why"]
        inner = _rows(facts) + _table(head, (("", _look(look)) for look in one.reports))
        if newest := _judged(one.reports):
            head = ["Signal", "Measure", "Value", "Threshold", "Found", "Why"]
            signals = _table(head, (("", _signal(signal)) for signal in newest.signals))
            inner += f"<h4>Signals of {_text(newest.run)}</h4>{signals}"
    return f"<article><h3>{_text(one.name)} {status}</h3>{inner}</article>"


def _look(one: Report) -> list[str]:
    found = _mark(_verdict(one)) if one.page else ""
    started = f"<code>{_text(one.started)}</code>" if one.started else ""
    if one.unstarted:
        started = f"nothing: {_text(one.unstarted)}"
    looked = when(one.at) if one.at else ""
    rows = str(one.rows) if one.page else ""
    return [looked, f"<code>{_text(one.run)}</code>", _mark(one.state), found, rows, started, _text(one.reason)]


def _signal(one: Signal) -> list[str]:
    value, threshold = (("" if part is None else f"{part:.4g}") for part in (one.value, one.threshold))
    return [_text(one.name), _text(one.metric), value, threshold, _mark(_verdict(one)), _text(one.reason)]


def _model(one: Registered) -> str:
    gate = _text(", ".join(f"{name} {bound}" for name, bound in one.gate.items()) or "none")
    inner = _rows([("Gate", gate)])
    if isinstance(one.versions, Unknown):
        inner += _rows([("Versions", _known(one.versions))])
    elif one.versions:
        inner += _table(
            ["Version", "Approval", "Made", "Metrics", "Decided"], (("", _row(row)) for row in one.versions)
        )
    if isinstance(one.newest, Unknown) and one.newest != one.versions:
        inner += _rows([("Newest", _known(one.newest))])
    elif isinstance(one.newest, Version):
        inner += f"<h4>Where {one.newest.version} comes from</h4>{_version(one.newest, whole=True)}"
    elif one.newest is None:
        inner += "<p>It has no version yet.</p>"
    return f"<article><h3>{_text(one.name)}</h3>{inner}</article>"


def _row(one: RegisteredVersion) -> list[str]:
    decided = ""
    if found := one.decision:
        at = f" on {when(found.at)}" if found.at else ""
        decided = _text(f"by {found.by}{at}: {found.reason}")
    metrics = {name: f"{value:g}" for name, value in one.metrics.items()}
    made = when(one.made) if one.made else ""
    return [str(one.version), _mark(one.approval), made, _pairs(metrics), decided]


def _version(one: Version, *, whole: bool) -> str:
    """Write what is known of a version.

    :param whole: also what stands with it but says little to who looks at what serves.
    """
    made = f", made {when(one.made)}" if one.made else ""
    rows = [("Version", f"{_text(one.model)} {one.version} {_mark(one.approval)}{made}")]
    rows += [("Metrics", _pairs(one.metrics))] if one.metrics else []
    if whole:
        rows += [("Facts", _pairs(one.metadata))] if one.metadata else []
        rows += [("Files", _known(one.files)), ("Image", _known(one.image))]
    rows += [("Made by", _known(one.by))] if isinstance(one.by, Unknown) else _made(one.by)
    return _rows(rows)


def _made(by: Making) -> list[tuple[str, str]]:
    state = f" {_mark(by.state)}" if by.state else ""
    began = f", {when(by.began)}" if by.began else ""
    code = _known(by.code) if isinstance(by.code, Unknown) else _text(by.code.image)
    reads = (
        [_known(by.reads)]
        if isinstance(by.reads, Unknown)
        else list(map(_read, by.reads)) or ["nothing that has versions"]
    )
    return [
        ("Made by", f"pipeline {_text(by.pipeline)}, run {_text(by.run)}{state}{began}, step {_known(by.step)}"),
        ("Code", code),
        (
            "Parameters",
            _known(by.parameters) if isinstance(by.parameters, Unknown) else _pairs(by.parameters) or "none",
        ),
        ("Read", "; ".join(reads)),
    ]


def _read(one: Read) -> str:
    return (
        f"{_text(one.kind)} {_text(one.name)}, {'until' if one.kind == 'features' else 'version'} {_known(one.version)}"
    )


def _pairs(values: Mapping[str, Any]) -> str:
    return _text(", ".join(f"{name}={value}" for name, value in values.items()))


def _ran(one: Ran) -> str:
    if isinstance(one.runs, Unknown):
        inner = _rows([("Runs", _known(one.runs))])
    elif not one.runs:
        inner = "<p>It never ran.</p>"
    else:
        table = _table(["State", "Run", "Began", "Took", "Why"], (("", _run(run)) for run in one.runs))
        newest = one.runs[0]
        steps = _table(["Step", "State", "Took", ""], (("", _step(step)) for step in newest.steps))
        given = f"<p>Parameters: {_pairs(newest.parameters)}</p>" if newest.parameters else ""
        inner = table + (f"<h4>Steps of {_text(newest.id)}</h4>{given}{steps}" if newest.steps else "")
    return f"<article><h3>{_text(one.name)}</h3>{inner}</article>"


def _run(run: Run) -> list[str]:
    began = when(run.began) if run.began else ""
    return [_mark(run.state), f"<code>{_text(run.id)}</code>", began, lasted(run.began, run.ended), _text(run.reason)]


def _step(step: Any) -> list[str]:
    state: State = step.state
    said = "; ".join(part for part in (step.detail, step.reason) if part)
    return [_text(step.name), _mark(state), lasted(step.began, step.ended), _text(said)]


def _cost(one: Cost) -> str:
    if isinstance(one.spent, Unknown):
        inner = _rows([("This month", _known(one.spent))])
    else:
        part = 100 * one.spent.amount / one.spent.budget if one.spent.budget else 0
        bar = f'<div class="bar" aria-hidden="true"><div style="width:{min(part, 100):g}%"></div></div>'
        said = f"{one.spent.amount:.2f} of {one.spent.budget:.2f} {_text(one.spent.currency)}, {part:.0f} %"
        inner = _rows([("This month", said), ("Counted", _text(one.spent.of))]) + bar
    return f"<article><h3>{_text(one.name)}</h3>{inner}</article>"


def _parts(picture: Picture) -> str:
    head = ["Noun", "Name", "On", "Output", "Said of it"]
    table = _table(head, ((chart.anchor(Key(one.noun, one.name)), _part(one)) for one in picture.parts))
    if all(one.output or not one.here for one in picture.parts):
        return table
    said = "Nobody can be asked about what is not exported; this line in the program changes that:"
    return f'{table}<p>{said} <code>pulumi.export("score", score.ref.export())</code></p>'


def _part(one: Part) -> list[str]:
    told = {name: value for name, value in one.facts.items() if name not in ("backend", "stage", "region")}
    facts = "; ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in told.items())
    absent = "not exported" if one.here else "of another stack"
    output = f"<code>{_text(one.output)}</code>" if one.output else f'<span class="dim">{absent}</span>'
    return [_text(one.noun), f"<b>{_text(one.name)}</b>", _known(one.backend), output, _text(facts)]


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items()) or "on"
    return f"{value:g}" if isinstance(value, float) else str(value)
