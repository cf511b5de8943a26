"""Medians, ratios, verdicts; and the tables made of them."""
import statistics

from broker import PEERS

BROKERS = ("tambo", *PEERS)
# Each would be a broken promise; the generator counts them.
FLAWS = ("lost", "duplicated", "misordered", "foreign", "refused")


SCALES = {
    "s": ((1, "s"), (1e-3, "ms"), (1e-6, "us")),
    "us": ((1e6, "s"), (1e3, "ms"), (1, "us")),
    "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")),
    "msg/s": ((1e6, "M msg/s"), (1e3, "k msg/s"), (1, "msg/s")),
    "/s": ((1e6, "M/s"), (1e3, "k/s"), (1, "/s")),
    "B/s": ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1, "B/s")),
}


def quantity(value, unit):
    """Three digits: 1234567 "msg/s" as 1.23 M msg/s."""
    if value is None:
        return "-"
    scales = SCALES[unit]
    factor, name = next((scale for scale in scales if abs(value) >= scale[0]), scales[-1])
    digits = f"{value / factor:.0f}" if abs(value / factor) >= 100 else f"{value / factor:.3g}"
    return f"{digits} {name}"


def runs_of(runs, row, broker):
    return [run for run in runs if run["row"] == row.name and run["broker"] == broker]


def median(runs, row, broker, key):
    values = [run["result"][key] for run in runs_of(runs, row, broker) if key in run["result"]]
    return statistics.median(values) if values else None


class Line:
    """One metric of one row over all brokers."""

    def __init__(self, runs, row, metric):
        self.row, self.metric = row, metric
        self.values = {broker: median(runs, row, broker, metric.key) for broker in BROKERS}
        peers = [self.values[name] for name in metric.against or PEERS if self.values[name] is not None]
        self.failed = [broker for broker in BROKERS if any("failed" in run for run in runs_of(runs, row, broker))]
        self.best = (min if metric.lower else max)(peers) if peers else None

    def cell(self, broker):
        value = self.values[broker]
        return "failed" if value is None and broker in self.failed else quantity(value, self.metric.unit)

    @property
    def ratio(self):
        ours = self.values["tambo"]
        return ours / self.best if ours is not None and self.best else None

    @property
    def target(self):
        metric, sign = self.metric, "≤" if self.metric.lower else "≥"
        if metric.limit is not None:
            return f"{sign} {quantity(metric.limit, metric.unit)}"
        return f"{sign} {metric.times:g} x {metric.against[0] if metric.against else 'best'}" if metric.times else ""

    @property
    def goal(self):
        """The value aimed at; None when there is none."""
        if self.metric.limit is not None:
            return self.metric.limit
        return self.metric.times * self.best if self.metric.times and self.best is not None else None

    @property
    def verdict(self):
        ours = self.values["tambo"]
        if ours is None or self.goal is None:
            return ""
        return "met" if (ours <= self.goal if self.metric.lower else ours >= self.goal) else "missed"


def lines_of(runs, rows):
    return [Line(runs, row, metric) for row in rows for metric in row.metrics if runs_of(runs, row, "tambo")]


# ---- tables ---------------------------------------------------------------------------------------------------


def table(head, body):
    """Markdown that is readable as it is."""
    widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]

    def line(cells):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"
    return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, body)])


def brokers_of(rows):
    """A column for each that some row is measured with."""
    return [name for name in BROKERS if name == "tambo" or any(name in row.peers for row in rows)]


def main_table(lines, brokers):
    body, last, tiers = [], None, any(line.row.tier for line in lines)
    for line in lines:
        ratio, first = line.ratio, line.row is not last
        body.append([line.row.title if first else "", *([line.row.tier if first else ""] if tiers else []),
                     line.metric.title, *map(line.cell, brokers),
                     f"{ratio:.2f}" if ratio is not None else "-", line.target, line.verdict])
        last = line.row
    return table(["scenario", *(["tier"] if tiers else []), "", *brokers, "ratio", "target", ""], body)


def cpu_table(runs, rows):
    """Less disturbed by whatever else the machine does than the rates are."""
    body, brokers = [], brokers_of(rows)
    whose = "both sides'" if rows[0].protocol in ("zmtp", "rpc") else "broker's"
    for row in rows:
        values = [median(runs, row, name, "broker_cpu_s_per_million") for name in brokers]
        peers = [value for value in values[1:] if value]
        if values[0] is not None:
            ratio = f"{min(peers) / values[0]:.2f}" if peers and values[0] > 0 else "-"
            body.append([row.title, *("-" if value is None else f"{value:.3f} s" for value in values), ratio])
    return table([f"{whose} CPU time a million", *brokers, "best peer / tambo"], body) if body else ""


def flaws_of(run):
    result = run["result"]
    found = [f"{result[key]} {key}" for key in FLAWS if result.get(key)]
    return run.get("failed") or ", ".join(found) or result.get("complaint", "")


def note_lines(runs, rows):
    """What went wrong, and how often."""
    notes = []
    for row in rows:
        for broker in BROKERS:
            mine = runs_of(runs, row, broker)
            texts = [flaws_of(run) for run in mine]
            for text in dict.fromkeys(filter(None, texts)):
                notes.append(f"- `{row.name}`, {broker}, {texts.count(text)} of {len(mine)} runs: {text}")
    return notes or ["- No message was lost, duplicated or out of order; no run failed."]


def report(facts, tables):
    """`tables`: (heading, runs, rows)."""
    parts = ["# Side by side", "\n".join(f"- {name}: {text}" for name, text in facts.items())]
    for heading, runs, rows in tables:
        parts += [f"## {heading}", main_table(lines_of(runs, rows), brokers_of(rows)), cpu_table(runs, rows),
                  "\n".join(note_lines(runs, rows))]
    return "\n\n".join(part for part in parts if part) + "\n"
