"""What a verification has shown, as a page of one file and as JSON."""

import datetime as dt
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pulumi_mlops.verify.rounds import Result

PAGE, DATA = "report.html", "report.json"
_WORDS = {"passed": "passed", "failed": "failed", "before": "passed before", "waiting": "not reached"}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; }
tr { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
td.seconds { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.passed, .before { color: light-dark(#176b2c, #6fd08c); }
.failed { color: light-dark(#b3261e, #ff8a80); }
.waiting { opacity: .6; }
""".strip()


def good(results: Sequence[Result]) -> bool:
    """Say whether every part has passed."""
    return all(one.state in ("passed", "before") for one in results)


def plain(settings: Mapping[str, Any], results: Sequence[Result], now: dt.datetime) -> dict[str, Any]:
    """Return all of it as plain values; of the settings only what tells which platform it was."""
    return {
        "form": 1,
        "backend": settings["backend"],
        "name": settings["name"],
        "at": now.isoformat(timespec="seconds"),
        "verified": good(results),
        "parts": [asdict(one) for one in results],
    }


def page(found: Mapping[str, Any]) -> str:
    """Write the page."""
    rows = "\n".join(
        f'<tr class="part"><td>{html.escape(one["title"])}</td>'
        f'<td class="{one["state"]}">{_WORDS[one["state"]]}</td>'
        f'<td>{html.escape(one["said"])}</td><td class="seconds">{one["seconds"]:.0f} s</td></tr>'
        for one in found["parts"]
    )
    verdict = "Verified" if found["verified"] else "Not verified"
    where = html.escape(f"{found['name']} on {found['backend']}")
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{verdict}: {where}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n<body>\n'
        f"<h1>{verdict}</h1>\n<p>{where}, {html.escape(found['at'])}</p>\n<table>\n"
        "<thead><tr><th>Part</th><th>State</th><th>What was seen</th><th>Time</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>\n</body>\n</html>\n"
    )


def write(folder: Path, settings: Mapping[str, Any], results: Sequence[Result], now: dt.datetime) -> Path:
    """Write both; return the page."""
    found = plain(settings, results, now)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DATA).write_text(json.dumps(found, indent=1) + "\n")
    (folder / PAGE).write_text(page(found))
    return folder / PAGE
