"""The comparison as an SVG: bars on a log axis, each metric relative to its best peer, longer is better."""
import math
from xml.sax.saxutils import escape

from report import BROKERS, quantity

COLOURS = {"tambo": "#0072b2", "mosquitto": "#9a9a9a", "nats-server": "#e69f00", "rabbitmq-server": "#ff6600",
           "libzmq": "#d55e00", "nng": "#009e73", "libtirpc": "#cc79a7", "raw": "#bbbbbb"}
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 980, 330, 130, 84, 40
BAR, GAP, LABEL = 11, 14, 70
STYLE = ("text{font:12px system-ui,sans-serif;fill:#222}.title{font-size:18px;font-weight:600}.quiet{fill:#666}"
         ".value{font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:3px}.right{text-anchor:end}.middle{text-anchor:middle}")


def standing(line, value):
    """How many times the best peer; for what should be small, how many times less."""
    if not value or not line.best:
        return None
    return line.best / value if line.metric.lower else value / line.best


class Axis:
    def __init__(self, standings):
        self.low = math.floor(math.log10(min(standings + [0.5])) * 2) / 2
        self.high = math.ceil(math.log10(max(standings + [10])) * 2) / 2

    def x(self, standing_):
        return LEFT + (math.log10(standing_) - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT)

    def ticks(self):
        steps = (mantissa * 10.0 ** power for power in range(-4, 5) for mantissa in (1, 2, 5))
        return [tick for tick in steps if self.low - 1e-9 <= math.log10(tick) <= self.high + 1e-9]


def text(x, y, words, classes=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}">{escape(words)}</text>'


def grid(axis, bottom):
    parts = []
    for tick in axis.ticks():
        x, strong = axis.x(tick), tick == 1
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{bottom}" '
                     f'stroke="{"#888" if strong else "#e4e4e4"}"/>')
        parts.append(text(x, bottom + 16, f"{tick:g}", "quiet middle"))
    parts.append(text(axis.x(1), bottom + 32, "times the best peer (log scale)", "quiet middle"))
    return parts


def bars(axis, line, y):
    """Returns the parts and the y below them."""
    parts, labels, top, goal = [], [], y, standing(line, line.goal)
    for name in BROKERS:
        value = standing(line, line.values[name])
        if value is None:
            continue
        x = axis.x(10 ** axis.low)
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="{max(axis.x(value) - x, 1):.1f}" height="{BAR - 1}" '
                     f'fill="{COLOURS[name]}"/>')
        end = axis.x(value)
        if name == "tambo" and goal and 0 < axis.x(goal) - end < LABEL:
            end = axis.x(goal)  # the mark stays visible
        labels.append(text(end + 5, y + BAR - 2, quantity(line.values[name], line.metric.unit), "value"))
        y += BAR
    if goal is not None:
        parts.append(f'<path d="M{axis.x(goal):.1f} {top - 3}v{BAR + 5}" stroke="#d00" stroke-width="2"/>')
    labels.append(text(LEFT - 12, (top + y) / 2 + 4, f"{line.row.short or line.row.title}: {line.metric.title}", "right"))
    return parts + labels, y


def legend(lines):
    parts, x = [], LEFT
    for name in (name for name in BROKERS if any(line.values[name] for line in lines)):
        parts += [f'<rect x="{x}" y="48" width="12" height="12" fill="{COLOURS[name]}"/>', text(x + 18, 58, name)]
        x += 110
    return parts + [f'<path d="M{x + 4} 46v16" stroke="#d00" stroke-width="2"/>', text(x + 14, 58, "target")]


def plot(heading, lines):
    lines = [line for line in lines if standing(line, line.values["tambo"])]
    seen = [standing(line, value) for line in lines for value in [*line.values.values(), line.goal]]
    axis = Axis([value for value in seen if value])
    y, body = TOP, []
    for line in lines:
        parts, y = bars(axis, line, y)
        body += parts
        y += GAP
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + BOTTOM}" width="{WIDTH}">',
                      f"<style>{STYLE}</style>", f'<rect width="{WIDTH}" height="{y + BOTTOM}" fill="#fff"/>',
                      text(16, 30, heading, "title"), *legend(lines), *grid(axis, y), *body, "</svg>"]) + "\n"
