#!/usr/bin/env python3
"""Draws how long messages take to arrive, of one or several runs, from their Parquet tables.

    pip install pyarrow matplotlib
    intentcast-sim run churn-30 --out churn
    intentcast-sim run quiet-market --set level=gossip --out quiet
    python3 sim/examples/latency.py churn quiet --out latency.svg

`--table` needs pyarrow alone: it prints the percentiles, which are those of each run's summary.json.
"""

import argparse
import json
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq


def latencies_ms(run: Path):
    """Every first arrival's latency, ascending, in milliseconds."""
    column = pq.read_table(run / "deliveries.parquet", columns=["latency_ns"])["latency_ns"]
    return pc.divide(pc.cast(pc.take(column, pc.array_sort_indices(column)), "float64"), 1e6)


def percentile(ascending, per_mille: int):
    """The nearest-rank percentile, as the simulator has it."""
    rank = -(-len(ascending) * per_mille // 1000)
    return ascending[max(rank, 1) - 1].as_py()


def check(run: Path, ascending) -> str:
    """One line of figures; the tables and the summary of a run must say the same."""
    told = json.loads((run / "summary.json").read_text())["latency"]
    line = [f"{run.name}: {len(ascending)} arrivals"]
    for name, per_mille in (("p50_ms", 500), ("p90_ms", 900), ("p99_ms", 990)):
        seen = percentile(ascending, per_mille)
        if abs(seen - told[name]) > 1e-6:
            raise SystemExit(f"{run}: {name} is {seen} in the table and {told[name]} in the summary")
        line.append(f"{name} {seen:.1f}")
    return ", ".join(line)


def draw(runs, out: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 3.6))
    for run, ascending in runs:
        thinned = [percentile(ascending, per_mille) for per_mille in range(1, 1001)]
        axes.step(thinned, [n / 1000 for n in range(1, 1001)], where="post", label=run.name)
    axes.set_xlabel("from publishing to arrival, ms")
    axes.set_ylabel("share of arrivals")
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    # Without a date and with fixed names of its parts, the same runs give the same bytes.
    plt.rcParams["svg.hashsalt"] = "intentcast"
    figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="directories that `intentcast-sim run --out` wrote")
    parser.add_argument("--out", type=Path, default=Path("latency.svg"), help="the figure")
    parser.add_argument("--table", action="store_true", help="print percentiles and draw nothing")
    arguments = parser.parse_args()
    runs = []
    for run in arguments.runs:
        ascending = latencies_ms(run)
        if len(ascending) == 0:
            raise SystemExit(f"{run}: nothing arrived")
        print(check(run, ascending))
        runs.append((run, ascending))
    if not arguments.table:
        draw(runs, arguments.out)
        print(arguments.out)


if __name__ == "__main__":
    main()
