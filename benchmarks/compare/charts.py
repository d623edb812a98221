#!/usr/bin/env python3
"""Draws what `compare --json` has measured.

usage: charts.py NUMBERS.json FOLDER

Writes throughput.svg, latency.svg and bytes.svg into FOLDER. The same numbers give the same bytes.
"""

import argparse
import html
import json
import math
import pathlib
import statistics
import sys

# Rows of more-is-better, as --json calls them, and what stands beside their bars.
THROUGHPUT = [
    ("fillseq", "fillseq"),
    ("fillrandom", "fillrandom"),
    ("overwrite", "overwrite"),
    ("fillsync", "fillsync, 1 thread"),
    ("fillsync16", "fillsync, 16 threads"),
    ("readrandom", "readrandom"),
    ("readmissing", "readmissing"),
    ("scan", "scan, entries"),
    ("seek", "seek + 10 next"),
    ("readwhilewriting", "readwhilewriting, reads"),
    ("readwhilewriting_writes", "readwhilewriting, writes"),
    ("ycsb-a", "YCSB A, half updates"),
    ("ycsb-b", "YCSB B, 5 % updates"),
    ("ycsb-c", "YCSB C, reads only"),
    ("ycsb-d", "YCSB D, reads of latest"),
    ("ycsb-e", "YCSB E, short scans"),
    ("ycsb-f", "YCSB F, read-modify-write"),
]  # fmt: skip
LATENCIES = [("fillrandom", "fillrandom: each put"), ("overwrite", "overwrite: each put")]
QUANTILES = [("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"), ("max", "max")]
# Title, unit, the number, and one that goes beyond it or None, with what the two are.
BYTES = [
    ("On disk after the load", "MiB", "disk_settled", "disk_peak", "settled, peak"),
    ("Write amplification of the load", "×", "write_amplification", None, ""),
    ("Memory at its peak", "MiB", "memory_private", "memory_peak", "private, with mapped files"),
]  # fmt: skip

# Of middle lightness, to be seen on white and on black.
COLOURS = {
    "strata": "#2f74e0",
    "strata-bytes": "#7fb0f5",
    "strata-unsynced": "#1f9bb3",
    "rocksdb": "#d9822b",
    "leveldb": "#3f9d5a",
    "lmdb": "#9469d6",
    "sqlite": "#8b949e",
}
STYLE = (
    "text{font:11px sans-serif;fill:#333}.title{font-weight:bold;font-size:13px}.note{fill:#666;font-size:10px}"
    ".value{paint-order:stroke;stroke:#fff;stroke-width:2px}.ours{font-weight:bold}"
    ".card{fill:#fff;stroke:#ddd}.grid{stroke:#e4e4e4}.mark{stroke:#555}"
    "@media (prefers-color-scheme:dark){text{fill:#d5dae0}.note{fill:#9aa3ad}.value{stroke:#0d1117}"
    ".card{fill:#0d1117;stroke:#30363d}.grid{stroke:#262c34}.mark{stroke:#aab2bb}}"
)
WIDTH = 860
MARGIN = 16
RATIO_SHOWN_MAX = 5.0  # a longer bar is cut, and an ellipsis put beside it


def shown(value):
    """Three digits, in thousands and millions where it is that many."""
    for limit, factor, suffix in ((1e6, 1e6, " M"), (1e4, 1e3, " K")):
        if value >= limit:
            return f"{value / factor:.{0 if value / factor >= 100 else 1 if value / factor >= 10 else 2}f}{suffix}"
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def time_shown(us):
    for limit, factor, unit in ((1e6, 1e6, "s"), (1e3, 1e3, "ms")):
        if us >= limit:
            return f"{us / factor:g} {unit}"
    return f"{us:g} µs"


class Numbers:
    def __init__(self, measured):
        self.rounds = measured["rounds"]
        self.stores = list(self.rounds[0])
        self.peers = [store for store in self.stores if not store.startswith("strata")]
        versions = ", ".join(f"{store} {measured['versions'][store]}" for store in self.stores)
        many = f"{len(self.rounds)} rounds" if len(self.rounds) > 1 else "1 round"
        sizes = f"{measured['entries']:,} entries of {measured['key_bytes']} + {measured['value_bytes']} B"
        caches = f"write buffer {measured['write_buffer_bytes'] >> 20} MiB, cache {measured['cache_bytes'] >> 20} MiB"
        memory = f", memory {measured['memory_bytes'] >> 20} MiB with the page cache" if measured["memory_bytes"] else ""
        self.notes = [f"{sizes}, {caches}{memory}, {many}; {versions}", measured["machine"]]

    def median(self, store, key):
        """Over the rounds that have it; None where none has."""
        values = [each[store][key] for each in self.rounds if key in each[store]]
        return statistics.median(values) if values else None

    def ratio(self, store, key):
        """To the best peer of the same round, then the median."""
        ratios = []
        for each in self.rounds:
            best = max((each[peer][key] for peer in self.peers if key in each[peer]), default=0)
            if best > 0 and key in each[store]:
                ratios.append(each[store][key] / best)
        return statistics.median(ratios) if ratios else None


class Drawing:
    def __init__(self, height, label):
        self.out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
            f'aria-label="{html.escape(label)}">',
            f"<style>{STYLE}</style>",
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6" class="card"/>',
        ]

    def text(self, x, y, text, kind="", anchor="start"):
        kind = f' class="{kind}"' if kind else ""
        anchor = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.out.append(f'<text x="{x:.1f}" y="{y:.1f}"{kind}{anchor}>{html.escape(text)}</text>')

    def line(self, x1, y1, x2, y2, kind):
        self.out.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>')

    def bar(self, x, y, width, height, colour, opacity=1.0):
        faint = f' opacity="{opacity:g}"' if opacity != 1 else ""
        self.out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" fill="{colour}"{faint}/>')

    def legend(self, stores, y, x=MARGIN):
        for store in stores:
            self.bar(x, y - 9, 10, 10, COLOURS[store])
            self.text(x + 15, y, store)
            x += 90

    def notes(self, notes, y):
        for number, note in enumerate(notes):
            self.text(MARGIN, y + 14 * number, note, "note")

    def write(self, path):
        path.write_text("\n".join([*self.out, "</svg>"]) + "\n", encoding="utf-8")


def draw_throughput(numbers, path):
    rows = [(key, label) for key, label in THROUGHPUT if any(numbers.ratio(store, key) for store in numbers.stores)]
    left, right, top, bar, gap = 172, 108, 74, 10, 10
    ratios = [numbers.ratio(store, key) or 0 for key, _ in rows for store in numbers.stores]
    most = min(max([1.0, *ratios]), RATIO_SHOWN_MAX)
    drawn = {key: [store for store in numbers.stores if numbers.ratio(store, key)] for key, _ in rows}
    bottom = top + sum(len(stores) * bar + gap for stores in drawn.values())
    drawing = Drawing(bottom + 58, "Operations a second of each store in each workload, relative to the best peer")

    def x(ratio):
        return left + ratio / most * (WIDTH - left - right)

    drawing.text(MARGIN, 24, "Operations a second, relative to the best peer", "title")
    drawing.legend(numbers.stores, 44)
    for tick in range(int(most * 2) + 1):
        drawing.line(x(tick / 2), top - 8, x(tick / 2), bottom, "mark" if tick == 2 else "grid")
        if tick % 2 == 0:
            drawing.text(x(tick / 2), top - 12, "best peer" if tick == 2 else f"{tick // 2} ×", "note", "middle")
    y = top
    for key, label in rows:
        drawing.text(left - 8, y + len(drawn[key]) * bar / 2 + 4, label, anchor="end")
        for store in drawn[key]:
            ratio = numbers.ratio(store, key)
            drawing.bar(x(0), y, x(min(ratio, most)) - x(0), bar - 1.5, COLOURS[store])
            said = shown(numbers.median(store, key))
            ours = store not in numbers.peers
            if ours:
                said += f", {ratio:.2f} ×"
            if ratio > most:
                said = "… " + said
            drawing.text(x(min(ratio, most)) + 4, y + 8, said, "note value ours" if ours else "note value")
            y += bar
        y += gap
    drawing.notes(numbers.notes, bottom + 20)
    drawing.text(WIDTH - MARGIN, 24, "longer is better", "note", "end")
    drawing.write(path)


def draw_latency(numbers, path):
    panels = [(row, title) for row, title in LATENCIES if any(numbers.median(store, f"{row}_p50") for store in numbers.stores)]
    if not panels:
        return
    height, top, left = 250, 74, 58
    values = [numbers.median(store, f"{row}_{quantile}") for row, _ in panels for store in numbers.stores for quantile, _ in QUANTILES]
    values = [value for value in values if value]
    lowest, highest = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    drawing = Drawing(top + height + 74, "Latency of puts: median, 99 %, 99.9 % and the longest, for each store")
    drawing.text(MARGIN, 24, "Latency of a put, logarithmic", "title")
    drawing.text(WIDTH - MARGIN, 24, "lower is better", "note", "end")
    drawing.legend(numbers.stores, 44)
    panel_width = (WIDTH - MARGIN) / len(panels)

    def y(us):
        return top + height - (math.log10(us) - lowest) / max(highest - lowest, 1) * height

    for number, (row, title) in enumerate(panels):
        begin = number * panel_width + left
        step = (panel_width - left) / len(QUANTILES)
        for decade in range(lowest, highest + 1):
            drawing.line(begin, y(10.0**decade), begin + panel_width - left, y(10.0**decade), "grid")
            drawing.text(begin - 6, y(10.0**decade) + 4, time_shown(10.0**decade), "note", "end")
        drawing.text(begin, top - 10, title)
        stores = [store for store in numbers.stores if numbers.median(store, f"{row}_p50")]
        bar = (step - 14) / max(len(stores), 1)
        for place, (quantile, label) in enumerate(QUANTILES):
            at = begin + place * step + 7
            drawing.text(at + (step - 14) / 2, top + height + 16, label, anchor="middle")
            for store in stores:
                us = numbers.median(store, f"{row}_{quantile}")
                if us:
                    drawing.bar(at, y(us), bar - 1.5, top + height - y(us), COLOURS[store])
                at += bar
    drawing.notes(numbers.notes, top + height + 42)
    drawing.write(path)


def draw_bytes(numbers, path):
    top, bar, step, left = 66, 14, 22, 62
    panel_width = (WIDTH - MARGIN) / len(BYTES)
    bottom = top + len(numbers.stores) * step
    drawing = Drawing(bottom + 52, "Bytes on disk, write amplification and memory of each store")
    for number, (title, unit, key, beyond, legend) in enumerate(BYTES):
        begin = number * panel_width + MARGIN
        drawing.text(begin, 24, f"{title}, {unit}", "title")
        drawing.text(begin, 42, f"strong and pale: {legend}" if beyond else "written by the process over what was put", "note")
        values = {store: (numbers.median(store, key), numbers.median(store, beyond) if beyond else None) for store in numbers.stores}
        most = max([value for pair in values.values() for value in pair if value], default=1)
        room = panel_width - left - MARGIN - (72 if beyond else 40)
        for place, (store, (value, peak)) in enumerate(values.items()):
            y = top + place * step
            drawing.text(begin, y + 11, store)
            if value is None:
                continue
            at = begin + left
            # What is looked at now and then may have missed the peak.
            longest = max(value, peak or 0)
            if beyond:
                drawing.bar(at, y, longest / most * room, bar, COLOURS[store], 0.4)
            drawing.bar(at, y, value / most * room, bar, COLOURS[store])
            said = f"{shown(value)}, {shown(longest)}" if beyond else shown(value)
            drawing.text(at + longest / most * room + 4, y + 11, said, "note")
    drawing.notes(numbers.notes, bottom + 20)
    drawing.write(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    given = parser.parse_args()
    numbers = Numbers(json.loads(given.numbers.read_text(encoding="utf-8")))
    if not numbers.peers:
        sys.exit(f"{given.numbers} has no peer to compare with")
    given.folder.mkdir(parents=True, exist_ok=True)
    draw_throughput(numbers, given.folder / "throughput.svg")
    draw_latency(numbers, given.folder / "latency.svg")
    draw_bytes(numbers, given.folder / "bytes.svg")


if __name__ == "__main__":
    main()
