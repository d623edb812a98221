#!/usr/bin/env python3
"""What including Strata costs the compiler, held against its budget.

usage: compile_time.py [--runs N] [--compilers g++,clang++] [--parts json,growth,mistakes] [--include DIR] [--svg FILE]
                       [--keep DIR]

Beside it stands a program that uses nlohmann/json's single header (Debian: nlohmann-json3-dev). Times are seconds of user
CPU, medians of N runs (3) that take turns, so that a busy machine is busy for all of them. --include measures another
tree, such as single_include. --parts does some of it only. --svg draws how time, memory and code grow with a schema. --keep leaves the programs and
their objects in DIR. Exits 1 when something misses the budget, 2 when something does not compile that should.
"""

import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

SIZES = [0, 1, 10, 25, 50]  # collections of a schema
FIELDS = 20
LINES = 10  # of a compiler's output: what a person sees without scrolling

BUDGET_SYNTAX = 1.0  # times nlohmann/json
BUDGET_OPTIMISED = 1.5
BUDGET_LINES = 1.2
BUDGET_TWO_STORES = 2.0  # times one store; must stay below
BUDGET_MS = 100.0  # a collection, over an empty schema; must stay below
BUDGET_MIB = 4.0
BUDGET_KIB = 20.0

JSON = """\
#include <nlohmann/json.hpp>

int main(int, char** words) {
  nlohmann::json value = nlohmann::json::parse(words[1]);
  value["name"] = "Ada";
  value["list"].push_back(36);
  return static_cast<int>(value.dump().size());
}
"""

ONE_STORE = """\
#include <strata/strata.hpp>

inline constexpr strata::kv<std::string, std::string> texts{"texts"};

int main() {
  auto db = strata::store<>::open("data").value();
  db[texts].put("key", "value").value();
  return static_cast<int>(db[texts].get("key").value()->size());
}
"""

TWO_STORES = """\
#include <strata/strata.hpp>

inline constexpr strata::kv<std::string, std::string> texts{"texts"};

int main() {
  auto db = strata::store<>::open("data").value();
  db[texts].put("key", "value").value();
  auto other = strata::store<strata::compaction::tiered>::open("other").value();
  other[texts].put("key", "value").value();
  return static_cast<int>(db[texts].get("key").value()->size() + other[texts].get("key").value()->size());
}
"""

FIELD_TYPES = [
    "std::string", "int", "double", "bool", "std::uint64_t", "std::vector<std::string>", "std::optional<std::int64_t>",
    "float", "std::array<int, 3>", "std::vector<double>",
]  # fmt: skip


def schema_program(collections, mistake=None):
    """Collections of structs of FIELDS fields, each put and read once. A mistake is put into it on purpose."""
    lines = ["#include <strata/strata.hpp>", "", "#include <array>", "#include <optional>", "#include <string>", "#include <vector>", ""]
    for c in range(collections):
        lines.append(f"struct record_{c} {{")
        for f in range(FIELDS):
            # Each struct has an order of its own: none is compiled for another one.
            kind = FIELD_TYPES[(f * (1 + c % 3) + c) % len(FIELD_TYPES)]
            if mistake == "a pointer as a field" and c == collections // 2 and f == FIELDS // 2:
                kind = "int*"
            lines.append(f"  {kind} field_{c}_{f}{{}};")
        lines.append("};")
        lines.append(f'inline constexpr strata::kv<std::uint64_t, record_{c}> table_{c}{{"table_{c}"}};')
    lines.append('inline constexpr strata::kv<std::string, double> other_type{"other_type"};')
    lines.append('inline constexpr strata::kv<std::uint64_t, record_0> other_name{"other_name"};' if collections else "")
    schema = ", ".join(f"table_{c}" for c in range(collections))
    lines.append(f"using database = strata::store<strata::schema<{schema}>>;")
    lines.append("")
    for c in range(collections):
        lines.append(f"std::size_t use_{c}(database& db, std::uint64_t key) {{")
        lines.append(f"  db[table_{c}].put(key, record_{c}{{}}).value();")
        lines.append(f"  return db[table_{c}].get(key).value().has_value() ? 1 : 0;")
        lines.append("}")
    lines.append("int main(int count, char**) {")
    lines.append('  auto db = database::open("data").value();')
    lines.append("  [[maybe_unused]] const auto key = static_cast<std::uint64_t>(count);")
    lines.append("  std::size_t found = db.last_sequence();")
    lines += [f"  found += use_{c}(db, key);" for c in range(collections)]
    if mistake == "a collection of a type that the schema has not":
        lines.append('  found += db[other_type].get("key").value().has_value() ? 1 : 0;')
    if mistake == "a collection of a name that the schema has not":
        lines.append("  found += db[other_name].get(key).value().has_value() ? 1 : 0;")
    lines += ["  return static_cast<int>(found);", "}", ""]
    return "\n".join(lines)


MISTAKES = [
    "a collection of a type that the schema has not",
    "a collection of a name that the schema has not",
    "a pointer as a field",
]  # fmt: skip
OUR_LINE = re.compile(r"strata: |strata_this_collection_is_not_in_the_schema_of_the_store")


class Compiler:
    def __init__(self, name, include, folder):
        self.name = name
        self.command = [name, "-std=c++20", "-w", f"-I{include}"]
        self.folder = folder
        self.environment = {**os.environ, "LC_ALL": "C"}

    def run(self, arguments, output=subprocess.DEVNULL):
        """User CPU seconds and peak memory in MiB, the processes that the compiler starts included."""
        process = subprocess.Popen([*self.command, *arguments], stdout=output, stderr=subprocess.PIPE, text=True, env=self.environment)
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        if process.returncode != 0:
            sys.stderr.write(said[:4000])
            print(f"{self.name} {' '.join(map(str, arguments))}: does not compile", file=sys.stderr)
            sys.exit(2)
        return used.ru_utime, used.ru_maxrss / 1024

    def syntax(self, source):
        return self.run(["-fsyntax-only", source])

    def optimised(self, source):
        return self.run(["-O2", "-c", source, "-o", self.object_of(source)])

    def object_of(self, source):
        return self.folder / f"{source.stem}.{self.name.replace('/', '_')}.o"

    def code_kib(self, source):
        """Code and constants of the object, as `size` has them."""
        report = subprocess.run(["size", self.object_of(source)], capture_output=True, text=True, check=True).stdout
        return int(report.splitlines()[1].split()[0]) / 1024

    def preprocessed_lines(self, source):
        report = subprocess.run([*self.command, "-E", source], capture_output=True, check=True).stdout
        return report.count(b"\n")

    def complaint(self, source):
        """What it says of a program that must not compile, and whether it refused it."""
        done = subprocess.run([*self.command, "-fsyntax-only", source], capture_output=True, text=True, env=self.environment)
        return done.returncode != 0, done.stderr.splitlines()


class Programs:
    def __init__(self, folder):
        self.folder = folder

    def write(self, name, text):
        path = self.folder / f"{name}.cpp"
        path.write_text(text, encoding="utf-8")
        return path


def medians(runs, jobs):
    """jobs: name -> function that gives a tuple. Each in turn, `runs` times; the medians, name -> tuple."""
    taken = {name: [] for name in jobs}
    for run in range(runs):
        for name, job in jobs.items():
            shown = " ".join(map(str, name))
            print(f"  run {run + 1}/{runs}: {shown:<50}", end="\r", file=sys.stderr, flush=True)
            taken[name].append(job())
    print(" " * 80, end="\r", file=sys.stderr)
    return {name: tuple(statistics.median(column) for column in zip(*rows)) for name, rows in taken.items()}


class Table:
    """Rows of one thing that is held against the budget, and whether all of them keep to it."""

    def __init__(self):
        self.missed = 0
        print(f"{'':<50} {'compiler':>9} {'measured':>24} {'budget':>10}")

    def show(self, what, compiler, measured, budget="", kept=None):
        verdict = "" if kept is None else "pass" if kept else "MISS"
        self.missed += kept is False
        print(f"{what:<50} {compiler:>9} {measured:>24} {budget:>10} {verdict}")


def against_json(compilers, programs, runs, table):
    sources = {
        "json": programs.write("json", JSON),
        "one": programs.write("one_store", ONE_STORE),
        "two": programs.write("two_stores", TWO_STORES),
    }
    jobs = {}
    for compiler in compilers:
        for name, source in sources.items():
            jobs[compiler.name, "syntax", name] = lambda c=compiler, s=source: c.syntax(s)
            jobs[compiler.name, "optimised", name] = lambda c=compiler, s=source: c.optimised(s)
    taken = medians(runs, jobs)
    for compiler in compilers:
        name = compiler.name

        def compare(what, step, one, other, budget, may_equal):
            ours, theirs = taken[name, step, one][0], taken[name, step, other][0]
            ratio = ours / theirs
            kept = ratio <= budget if may_equal else ratio < budget
            limit = f"{'≤' if may_equal else '<'} {budget:.1f} ×"
            table.show(what, name, f"{ours:.2f} s, {ratio:.2f} × {theirs:.2f} s", limit, kept)

        compare("include, a store, put, get: -fsyntax-only", "syntax", "one", "json", BUDGET_SYNTAX, True)
        compare("the same: -O2 -c", "optimised", "one", "json", BUDGET_OPTIMISED, True)
        lines, json_lines = compiler.preprocessed_lines(sources["one"]), compiler.preprocessed_lines(sources["json"])
        ratio = lines / json_lines
        table.show("the same: preprocessed lines", name, f"{lines}, {ratio:.2f} × {json_lines}", f"≤ {BUDGET_LINES:.1f} ×", ratio <= BUDGET_LINES)
        ours, theirs = taken[name, "optimised", "one"][1], taken[name, "optimised", "json"][1]
        table.show("the same: compiler memory at -O2", name, f"{ours:.0f} MiB, json {theirs:.0f} MiB")
        ours, theirs = compiler.code_kib(sources["one"]), compiler.code_kib(sources["json"])
        table.show("the same: code", name, f"{ours:.0f} KiB, json {theirs:.0f} KiB")
        compare("two stores: -O2 -c", "optimised", "two", "one", BUDGET_TWO_STORES, False)


def growth(compilers, programs, runs, table):
    """(compiler, collections) -> (seconds, MiB, KiB)."""
    sources = {size: programs.write(f"schema_{size}", schema_program(size)) for size in SIZES}
    jobs = {}
    for compiler in compilers:
        for size, source in sources.items():
            jobs[compiler.name, size] = lambda c=compiler, s=source: c.optimised(s)
    taken = medians(runs, jobs)
    grown = {}
    for compiler in compilers:
        for size, source in sources.items():
            seconds, mib = taken[compiler.name, size]
            grown[compiler.name, size] = (seconds, mib, compiler.code_kib(source))
            table.show(
                f"schema of {size} collections of {FIELDS} fields", compiler.name,
                "{:.2f} s, {:.0f} MiB, {:.0f} KiB".format(*grown[compiler.name, size]))  # fmt: skip
        empty, full = grown[compiler.name, SIZES[0]], grown[compiler.name, SIZES[-1]]
        seconds, mib, kib = ((after - before) / SIZES[-1] for before, after in zip(empty, full))
        table.show("  a collection: time", compiler.name, f"{seconds * 1000:.0f} ms", f"< {BUDGET_MS:.0f} ms", seconds * 1000 < BUDGET_MS)
        table.show("  a collection: compiler memory", compiler.name, f"{mib:.1f} MiB", f"< {BUDGET_MIB:.0f} MiB", mib < BUDGET_MIB)
        table.show("  a collection: code", compiler.name, f"{kib:.1f} KiB", f"< {BUDGET_KIB:.0f} KiB", kib < BUDGET_KIB)
    return grown


def mistakes(compilers, programs, table):
    for number, mistake in enumerate(MISTAKES):
        source = programs.write(f"mistake_{number}", schema_program(SIZES[-1], mistake))
        for compiler in compilers:
            refused, said = compiler.complaint(source)
            at = next((i for i, line in enumerate(said, 1) if OUR_LINE.search(line)), None)
            shown = "compiles" if not refused else f"line {at} of {len(said)}" if at else f"not in {len(said)} lines"
            table.show(mistake, compiler.name, shown, f"line ≤ {LINES}", refused and at is not None and at <= LINES)


# ---- the drawing ----------------------------------------------------------------------------------------------------

COLOURS = ["#2563a8", "#c2571a", "#3f7d3a"]
PANELS = [("time", "s", BUDGET_MS / 1000), ("compiler memory", "MiB", BUDGET_MIB), ("code", "KiB", BUDGET_KIB)]
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 300, 220, 48, 46, 14, 40


def round_step(top):
    """A step of 1, 2 or 5 times a power of ten that gives at most six lines."""
    step = 10.0 ** -2
    while True:
        for factor in (1, 2, 5):
            if top / (step * factor) <= 6:
                return step * factor
        step *= 10


def draw_panel(column, title, unit, budget, grown, names):
    series = {name: [(size, grown[name, size][column]) for size in SIZES] for name in names}
    limits = {name: points[0][1] + budget * SIZES[-1] for name, points in series.items()}
    top = max([value for points in series.values() for _, value in points] + list(limits.values())) * 1.05
    step = round_step(top)

    def x(collections):
        return LEFT + collections / SIZES[-1] * (WIDTH - LEFT - RIGHT)

    def y(value):
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    out = [f'<text x="{LEFT}" y="22" class="title">{title}, {unit}</text>']
    value = 0.0
    while value <= top:
        out.append(f'<line x1="{LEFT}" y1="{y(value):.1f}" x2="{WIDTH - RIGHT}" y2="{y(value):.1f}" class="grid"/>')
        out.append(f'<text x="{LEFT - 6}" y="{y(value) + 3.5:.1f}" text-anchor="end">{value:g}</text>')
        value = round(value + step, 6)
    for size in SIZES:
        if size != 1:
            out.append(f'<text x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{size}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">collections</text>')
    for name, colour in zip(names, COLOURS):
        points = series[name]
        out.append(
            f'<line x1="{x(0):.1f}" y1="{y(points[0][1]):.1f}" x2="{x(SIZES[-1]):.1f}" y2="{y(limits[name]):.1f}" '
            f'stroke="{colour}" stroke-dasharray="3 4" opacity="0.6"/>')  # fmt: skip
        path = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x(size):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}"/>' for size, value in points]
    return out


def draw(path, grown, names):
    total = WIDTH * len(PANELS)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {HEIGHT + 24}" width="{total}" height="{HEIGHT + 24}" role="img" '
        'aria-label="Compile time, compiler memory and code over the number of collections">',
        "<style>text{font:11px sans-serif;fill:#333}.title{font-weight:bold;font-size:13px}.grid{stroke:#ddd}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for column, (title, unit, budget) in enumerate(PANELS):
        out.append(f'<g transform="translate({column * WIDTH} 0)">')
        out += draw_panel(column, title, unit, budget, grown, names)
        out.append("</g>")
    at = LEFT
    for name, colour in zip(names, COLOURS):
        out.append(f'<line x1="{at}" y1="{HEIGHT + 10}" x2="{at + 20}" y2="{HEIGHT + 10}" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{at + 26}" y="{HEIGHT + 14}">{name}</text>')
        at += 100
    out.append(f'<text x="{at}" y="{HEIGHT + 14}">dashed: the budget, above an empty schema; structs of {FIELDS} fields, -O2</text>')
    out.append("</svg>")
    path.write_text("\n".join(out) + "\n", encoding="utf-8")


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--compilers", default="g++,clang++")
    parser.add_argument("--parts", default="json,growth,mistakes")
    parser.add_argument("--include", type=pathlib.Path, default=root / "include")
    parser.add_argument("--svg", type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path)
    given = parser.parse_args()
    names = [name for name in given.compilers.split(",") if shutil.which(name)]
    parts = given.parts.split(",")
    if unknown := set(parts) - {"json", "growth", "mistakes"}:
        sys.exit(f"unknown parts: {' '.join(sorted(unknown))}")
    if not names:
        sys.exit(f"none of these compilers is there: {given.compilers}")
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or pathlib.Path(temporary)
        compilers = [Compiler(name, given.include.resolve(), folder) for name in names]
        programs = Programs(folder)
        table = Table()
        grown = None
        if "json" in parts:
            against_json(compilers, programs, given.runs, table)
        if "growth" in parts:
            grown = growth(compilers, programs, given.runs, table)
        if "mistakes" in parts:
            mistakes(compilers, programs, table)
    if given.svg and grown:
        draw(given.svg, grown, names)
    print(f"\n{table.missed} over the budget")
    sys.exit(1 if table.missed else 0)


if __name__ == "__main__":
    main()
