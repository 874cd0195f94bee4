"""How well a monitor tells drift from chance, and what it costs: `python benchmarks/drift.py`.

It runs in the environment of the drift image. Of each data set, which packages ship, a part trains a model, a part is
the baseline, and windows are drawn from the rest, written as one of the three services writes what it captures, and
read and judged by the programs of `pulumi_mlops/jobs`. Of windows that have not drifted each breach is a false alarm;
for each signal others have drifted, in the way that is its own.
"""

import argparse
import datetime as dt
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_SOME = 0.2
"""The share of rows that drifts where not all do."""
NOW = dt.datetime(2026, 11, 30, 15, tzinfo=dt.UTC)


def data_sets() -> dict[str, Any]:
    """Return what is looked at: frames, what is predicted, and in which format calls are captured."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 (in the image)
    from statsmodels.datasets import fair, randhie  # noqa: PLC0415

    visits, affairs, digits = randhie.load_pandas().data, fair.load_pandas().data, load_digits(as_frame=True).frame
    affairs["occupation"] = affairs["occupation"].map(lambda one: f"job {one:.0f}")
    return {
        "visits": {
            "frame": visits.drop(columns="mdvis").astype(float),
            "label": (visits["mdvis"] > 2).astype(int),  # noqa: PLR2004 (about a third)
            "group": "idp",
            "format": "sagemaker",
        },
        "affairs": {
            "frame": affairs.drop(columns="affairs"),
            "label": (affairs["affairs"] > 0).astype(int),
            "group": "religious",
            "format": "azure",
        },
        "digits": {"frame": digits.drop(columns="target"), "label": digits["target"], "format": "kserve"},
    }


class Study:
    """One data set, with a model and a baseline."""

    def __init__(self, about: dict[str, Any], work: Path) -> None:
        import numpy as np  # noqa: PLC0415 (in the image, as what follows)
        from sklearn.compose import make_column_selector, make_column_transformer  # noqa: PLC0415
        from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415
        from sklearn.pipeline import make_pipeline  # noqa: PLC0415
        from sklearn.preprocessing import OrdinalEncoder  # noqa: PLC0415

        self.about, self.work, self.random = about, work, np.random.default_rng(3)
        frame, label = about["frame"], about["label"]
        order = self.random.permutation(len(frame))
        train, base, rest = np.array_split(order, 3)
        self.rest, self.names = rest, list(frame.columns)
        words = make_column_selector(dtype_exclude="number")
        encoded = make_column_transformer((OrdinalEncoder(), words), remainder="passthrough")

        def fitted(inputs: Any) -> Any:
            forest = RandomForestClassifier(60, max_depth=8, random_state=0, n_jobs=1)
            return make_pipeline(encoded, forest).fit(inputs, label.iloc[train])

        self.model = fitted(frame.iloc[train])
        weights = self.model[-1].feature_importances_
        encoded_names = [one.split("__")[1] for one in self.model[0].get_feature_names_out()]
        self.strongest = sorted(self.names, key=lambda one: -weights[encoded_names.index(one)])
        numbers = [one for one in self.strongest if one in frame.select_dtypes("number")]
        self.moved = max(numbers[:5], key=lambda one: frame[one].nunique())
        # A model that does without what the other one needs most.
        blind = frame.iloc[train].copy()
        for name in self.strongest[: len(self.names) // 2]:
            blind[name] = blind[name].iloc[0]
        self.other = fitted(blind)
        baseline = frame.iloc[base].assign(prediction=self.model.predict(frame.iloc[base]))
        (work / "baseline").mkdir(parents=True)
        baseline.to_parquet(work / "baseline" / "rows.parquet")
        self.accuracy = float((baseline["prediction"] == label.iloc[base]).mean())
        group = about.get("group")
        self.parity = 0.0
        if group:
            rates = (baseline["prediction"] == 1).groupby(baseline[group]).mean()
            large = baseline[group].value_counts(normalize=True) > _SOME
            self.parity = float(rates[large].max() - rates[large].min())

    def monitor(self, table: list[dict[str, Any]]) -> dict[str, Any]:
        """Return what a monitor is told: every signal that makes sense here, with its default where there is one."""
        own = {
            "accuracy": {"threshold": round(self.accuracy - 0.1, 2)},
            "parity": {"threshold": round(self.parity + 0.1, 2), "group": self.about.get("group")},
        }
        asked = [{**one, **own.get(one["metric"], {})} for one in table]
        return {
            "monitor": "drift",
            "endpoint": "score",
            "signals": [one for one in asked if one["kind"] != "bias" or one["group"]],
            "truth": {"join": "request_id", "label": "label"},
            "window": {"hours": 24, "minimum_rows": 200},
        }

    def window(self, rows: int, drift: str = "") -> tuple[Any, Any, Any]:
        """Draw rows that nobody has seen, and have them answered; `drift` names the signal that is to be true."""
        import numpy as np  # noqa: PLC0415 (in the image)

        frame, label = self.about["frame"], self.about["label"]
        weights = None
        if drift == "data_drift":  # four of five rows are from the upper half of one feature
            values = frame[self.moved].iloc[self.rest].to_numpy()
            upper = values > np.median(values)
            weights = np.where(upper, (1 - _SOME) / upper.sum(), _SOME / (~upper).sum())
        chosen = self.random.choice(self.rest, rows, replace=rows > len(self.rest) / 2, p=weights)
        asked, truth = frame.iloc[chosen].copy(), label.iloc[chosen].to_numpy().copy()
        some = self.random.random(rows)
        answers = (self.other if drift == "attribution_drift" else self.model).predict(asked)
        if drift == "data_quality":
            asked[self.moved] = asked[self.moved].where(some > _SOME)
        if drift == "prediction_drift":
            answers = np.where(some < 2 * _SOME, 1, answers)
        if drift == "model_quality":
            truth = np.where(some < 2 * _SOME, 1 - truth if set(truth) <= {0, 1} else (truth + 1) % 10, truth)
        if drift == "bias":
            group = asked[self.about["group"]]
            answers = np.where((group == group.mode()[0]) & (some < 4 * _SOME), 1, answers)
        return asked, answers, truth

    def judged(self, monitor: dict[str, Any], rows: int, drift: str = "") -> dict[str, Any]:
        """Write a window as it is captured, and have it judged."""
        import drift as program  # noqa: PLC0415 (in the image)

        from support import captured  # noqa: PLC0415 (of the tests)

        asked, answers, truth = self.window(rows, drift)
        folder = Path(tempfile.mkdtemp(dir=self.work))
        records = asked.astype(object).where(asked.notna(), None).to_dict("records")
        write = captured.FORMATS[self.about["format"]]
        write(folder / "captured", records, [one.item() for one in answers], each=1)
        lines = [json.dumps({"request_id": f"e{place}", "label": one.item()}) for place, one in enumerate(truth)]
        (folder / "truth").mkdir()
        (folder / "truth" / "labels.jsonl").write_text("\n".join(lines))
        os.environ["MLOPS_INPUT_CAPTURED"], os.environ["MLOPS_INPUT_TRUTH"] = f"{folder}/captured", f"{folder}/truth"
        os.environ["MLOPS_INPUT_BASELINE"] = str(self.work / "baseline")
        result: dict[str, Any] = program.compared(monitor, NOW)[0]
        shutil.rmtree(folder)
        return result


def told_apart(rows: int, plain: int, drifted: int, table: list[dict[str, Any]]) -> None:
    """Count breaches, and print a line for each data set and signal."""
    for name, about in data_sets().items():
        with tempfile.TemporaryDirectory() as folder:
            study = Study(about, Path(folder))
            monitor = study.monitor(table)
            signals = {one["name"]: one for one in monitor["signals"]}
            began, alarms, values = time.monotonic(), dict.fromkeys(signals, 0), {one: [] for one in signals}
            for _ in range(plain):
                for one in study.judged(monitor, rows)["signals"]:
                    alarms[one["name"]] += one["breached"]
                    values[one["name"]].append(one["value"])
            seconds = (time.monotonic() - began) / plain
            found, drifting = dict.fromkeys(signals, 0), {one: [] for one in signals}
            for kind in dict.fromkeys(one["kind"] for one in monitor["signals"]):
                for _ in range(drifted):
                    for one in study.judged(monitor, rows, kind)["signals"]:
                        if one["kind"] == kind:
                            found[one["name"]] += one["breached"]
                            drifting[one["name"]].append(one["value"])
            for signal, one in signals.items():
                worst = (max if one["above"] else min)(values[signal])
                weakest = (min if one["above"] else max)(drifting[signal])
                print(
                    f"| {name} | {rows} | {one['kind']} {one['metric']} | {one['threshold']:g} | {worst:.3f} "
                    f"| {alarms[signal]} of {plain} | {weakest:.3f} | {found[signal]} of {drifted} |",
                    flush=True,
                )
            print(f"{name}: {seconds:.2f} s a window", flush=True)


def large(rows: int, table: list[dict[str, Any]]) -> None:
    """Judge one very large window by the program as it is started, and say what it took."""
    from support import captured  # noqa: PLC0415 (of the tests)

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        study = Study(data_sets()["visits"], work)
        monitor = study.monitor(table)
        asked, answers, _ = study.window(rows)
        captured.sagemaker(work / "captured", asked.to_dict("records"), [one.item() for one in answers], each=10)
        monitor = {**monitor, "signals": [one for one in monitor["signals"] if not one["truth"]]}
        monitor["window"] = {"hours": 10**5, "minimum_rows": 200}
        given = {
            "MLOPS_MONITOR": json.dumps(monitor),
            "MLOPS_INPUT_CAPTURED": f"{work}/captured",
            "MLOPS_INPUT_BASELINE": f"{work}/baseline",
            "MLOPS_OUTPUT_REPORT": f"{work}/report",
            "MLOPS_METRICS": f"{work}/metrics.json",
        }
        size = sum(path.stat().st_size for path in (work / "captured").rglob("*") if path.is_file())
        program, began = ROOT / "src/pulumi_mlops/jobs/drift.py", time.monotonic()
        subprocess.run([sys.executable, "-W", "ignore", str(program)], env={**os.environ, **given}, check=True)
        spent, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
        cpu, peak = spent.ru_utime + spent.ru_stime, spent.ru_maxrss / 1024
        print(f"{rows:,} rows, {size / 1e6:.0f} MB captured: {took:.0f} s, {cpu:.0f} of CPU; at most {peak:.0f} MiB")


def table_of_signals() -> str:
    """Write every signal that is measured, as the library gives it to the program."""
    from pulumi_mlops.components.monitor_signals import MonitorSignal, written  # noqa: PLC0415 (not in the image)

    asked = [MonitorSignal(kind="data_drift", metric=metric) for metric in ("psi", "jensen_shannon", "wasserstein")]
    asked += [MonitorSignal(kind=kind) for kind in ("data_quality", "prediction_drift", "attribution_drift")]
    asked += [MonitorSignal(kind="model_quality", threshold=0.5), MonitorSignal(kind="bias", group="group")]
    return json.dumps(written(asked))


def main() -> None:
    """Start again with the packages of the image, and measure."""
    if os.environ.get("DRIFT_TABLE") is None:
        from pulumi_mlops_sandbox.kubernetes.nodes import environments  # noqa: PLC0415 (not in the image)

        python = str(environments.environment("drift") / "bin" / "python")
        os.environ["DRIFT_TABLE"] = table_of_signals()
        os.execv(python, [python, "-W", "ignore", __file__, *sys.argv[1:]])  # noqa: S606 (this file)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[200, 1000])
    parser.add_argument("--plain", type=int, default=100)
    parser.add_argument("--drifted", type=int, default=20)
    parser.add_argument("--large", type=int, default=1_000_000)
    asked = parser.parse_args()
    sys.path[:0] = [str(ROOT / "src/pulumi_mlops/jobs"), str(ROOT / "tests")]
    table = json.loads(os.environ["DRIFT_TABLE"])
    for rows in asked.rows:
        told_apart(rows, asked.plain, asked.drifted, table)
    if asked.large:
        large(asked.large, table)


if __name__ == "__main__":
    main()
