#!/usr/bin/env python3
"""Holds the tree to the plan of the house (include/strata/README.md). usage: house.py <root of the checkout>

Prints each breach as file:line: what is wrong, and exits 1 when there is one.
"""

import pathlib
import re
import sys

# Floors from the ground up. A folder includes folders of lower floors, and of its own floor only itself.
FLOORS = [
    {"core"},
    {"environment"},
    {"memtable", "wal", "sstable", "compaction"},
    {"engine"},
    {"codec", "json", "index"},
    {"primitive"},
    {"store"},
    {"replication"},
    {"server"},
]
PURE = {"codec", "json", "index"}  # no files, no store: of the floors below they see core only
GROUND = ["version", "config", "fwd"]  # below all floors; each may include those before it
LEVEL = {folder: level for level, folders in enumerate(FLOORS) for folder in folders}

TOP_LEVEL = {
    "include", "single_include", "examples", "tests", "benchmarks", "CMakeLists.txt", "meson.build", "README.md", "LICENSE",
}  # fmt: skip
BUILD_OUTPUT = re.compile(r"build.*|quickstart(\.data)?|__pycache__")

LINES_MAX = 600

# Slow to compile, or missing from one of the oldest supported compilers.
FORBIDDEN_HEADERS = {
    "iostream", "istream", "ostream", "sstream", "fstream", "iomanip", "locale", "regex", "future", "random", "ranges",
    "filesystem", "functional", "format", "print", "expected", "source_location", "generator",
}  # fmt: skip
# What touches the outside: for the environment only, so that another environment replaces all of it.
OUTSIDE_HEADERS = {
    "mutex", "shared_mutex", "thread", "condition_variable", "semaphore", "latch", "barrier", "stop_token", "csignal",
}  # fmt: skip
INTRINSICS = re.compile(r"\w*intrin\.h|arm_\w+\.h|cpuid\.h")  # instructions, not the outside
OUTSIDE_NAMES = re.compile(
    r"\bstd::(?:this_thread\b|\w*mutex\b|j?thread\b|condition_variable\w*|getenv\b)|_clock::now\b|\b(?:std::)?f(?:open|read|write)\s*\("
)
OUTSIDE_FOLDERS = {"environment", "server"}  # the server owns its sockets

# (pattern, where it is allowed, what is wrong)
FORBIDDEN_CODE = [
    (re.compile(r"\busing\s+namespace\b"), (), "using namespace"),
    (re.compile(r"\breinterpret_cast\b"), ("core/coding.hpp",), "reinterpret_cast outside core/coding.hpp"),
    (re.compile(r"\bnamespace\s*\{"), (), "an unnamed namespace: each translation unit would have its own"),
    (re.compile(r"^static\b"), (), "static at namespace scope: each translation unit would have its own"),
    (re.compile(r"(?<!operator )\bnew\b(?! \(std::nothrow\))"), (), "a new expression (in place: std::construct_at)"),
    (re.compile(r"(?<!operator )(?<!= )\bdelete\b"), (), "a delete expression"),
    (re.compile(r"\b(?:min|max)\s*\("), (), "min( or max(: a macro of that name would bite; write (std::min)(a, b)"),
    (re.compile(r"\bNDEBUG\b|\b__has_include\b"), (), "a meaning that hangs on NDEBUG or __has_include"),
    (re.compile(r"^\s*#\s*undef\b"), (), "#undef"),
    (re.compile(r"/\*"), (), "a /* */ comment"),
]
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|\bfor now\b")
VAGUE_NAME = re.compile(r"(?:^|_)(?:manager|helpers?|utils?|impl\d*|misc|common)(?:_|$)")

# Comments, strings and characters, and the raw strings that may run over lines.
NOT_CODE = re.compile(
    r"""R"([^()\\\s]{0,16})\(.*?\)\1"|//[^\n]*|"(?:[^"\\\n]|\\.)*"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'""", re.DOTALL
)

breaches = []


def breach(path, line, what):
    breaches.append(f"{path}:{line}: {what}")


def code_of(text):
    """The text with comments and the insides of literals blanked, line by line the same."""

    def blank(match):
        return "".join("\n" if c == "\n" else " " for c in match[0])

    return NOT_CODE.sub(blank, text)


def check_include(path, line, folder, name, target):
    """One #include of the library in folder (None: directly in include/strata)."""
    parts = target.split("/")[1:]
    base = parts[-1].removesuffix(".hpp")
    if len(parts) == 1 and base in GROUND:
        if folder is None and name in GROUND and GROUND.index(base) >= GROUND.index(name):
            breach(path, line, f"{name}.hpp stands below {base}.hpp")
        return
    if folder is None:
        if name in GROUND:
            breach(path, line, f"{name}.hpp stands below all floors and includes <{target}>")
        elif len(parts) == 1 and base == name:
            breach(path, line, "a door includes itself")
        return
    if len(parts) == 1:
        breach(path, line, f"a door is included from a floor: <{target}>")
        return
    other = parts[0]
    if other == folder:
        return
    if other not in LEVEL:
        breach(path, line, f"{other}/ is no folder of the house")
    elif LEVEL[other] == LEVEL[folder]:
        breach(path, line, f"{folder}/ includes its neighbour {other}/")
    elif LEVEL[other] > LEVEL[folder]:
        breach(path, line, f"{folder}/ includes {other}/, which stands above it")
    elif folder in PURE and other != "core":
        breach(path, line, f"{folder}/ is pure: of the floors below it may include core/ only, not {other}/")


def check_standard_include(path, line, relative, folder, header):
    if header in FORBIDDEN_HEADERS:
        breach(path, line, f"<{header}> stays out of the library")
    elif header in OUTSIDE_HEADERS and folder != "environment":
        breach(path, line, f"<{header}> is for environment/ only")
    elif header == "zstd.h":
        if "zstd" not in relative.stem:
            breach(path, line, "<zstd.h> is for the opt-in door only")
    elif (header.endswith(".h") or "/" in header) and not INTRINSICS.fullmatch(header):
        if folder not in OUTSIDE_FOLDERS:
            breach(path, line, f"<{header}>: only {' and '.join(sorted(OUTSIDE_FOLDERS))} touch the operating system")


def check_header(root, path, include_graph):
    shown = path.relative_to(root)
    relative = path.relative_to(root / "include/strata")
    folder = relative.parts[0] if len(relative.parts) > 1 else None
    name = relative.stem
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    code = code_of(text).split("\n")
    included = include_graph.setdefault(f"strata/{relative.as_posix()}", [])

    if folder is not None and folder not in LEVEL:
        breach(shown, 1, f"{folder}/ is no folder of the house")
        return
    if len(lines) - 1 > LINES_MAX:
        breach(shown, 1, f"{len(lines) - 1} lines; a header is a room of at most {LINES_MAX}")
    if not lines[0].startswith("// "):
        breach(shown, 1, "a header opens with a comment that says what it is")
    if VAGUE_NAME.search(name):
        breach(shown, 1, f"the name {name} does not say what the header is for")

    guard = "STRATA_" + re.sub(r"\W", "_", relative.as_posix()).upper()
    guards = 0
    macros_allowed = folder is None and name in ("version", "config")
    for number, (line, bare) in enumerate(zip(lines, code), 1):
        define = re.match(r"\s*#\s*define\s+(\w+)(.*)", bare)
        include = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line) if "#" in bare else None
        if define and define[1] == guard and not define[2].strip():
            guards += 1
        elif define and not macros_allowed:
            breach(shown, number, f"the macro {define[1]}: every macro lives in config.hpp (or is the guard {guard})")
        elif define and not define[1].startswith("STRATA_"):
            breach(shown, number, f"the macro {define[1]} does not begin with STRATA_")
        if include and include[1].startswith("strata/"):
            included.append(include[1])
            check_include(shown, number, folder, name, include[1])
        elif include:
            check_standard_include(shown, number, relative, folder, include[1])
        else:
            for pattern, allowed, what in FORBIDDEN_CODE:
                if pattern.search(bare) and relative.as_posix() not in allowed:
                    breach(shown, number, what)
            if folder not in OUTSIDE_FOLDERS and OUTSIDE_NAMES.search(bare):
                breach(shown, number, f"{OUTSIDE_NAMES.search(bare)[0]}: only the environment touches the outside")
        if UNFINISHED.search(line):
            breach(shown, number, f"unfinished: {UNFINISHED.search(line)[0]}")
        if line != line.rstrip() or "\t" in line:
            breach(shown, number, "a tab, or blanks at the end of the line")
    if guards != 1:
        breach(shown, 1, f"the include guard must be {guard}")
    if folder is None and name not in GROUND:
        kept = [line for line in code if line.strip() and not line.lstrip().startswith("#")]
        if kept:
            breach(shown, 1, "a door only includes")


def reached_from(names, include_graph):
    reached = set()
    to_visit = list(names)
    while to_visit:
        name = to_visit.pop()
        if name not in reached:
            reached.add(name)
            to_visit += include_graph.get(name, [])
    return reached


def check_reached(include_graph, doors):
    """Every header is behind a door: the single files hold the whole library. But for the archetypes: they are there to be
    read, and for the tests to run."""
    for name in sorted(set(include_graph) - reached_from(doors, include_graph)):
        if name.endswith("/archetype.hpp"):
            continue
        breach(f"include/{name}", 1, "no door reaches this header")


def check_assertions(root, include_graph):
    """config.hpp declares what STRATA_ASSERT calls; a program that includes one header alone must also link."""
    texts = {name: (root / "include" / name).read_text(encoding="utf-8") for name in include_graph}
    defined = {name for name, text in texts.items() if re.search(r"inline void assertion_failed\(", text)}
    for name, text in sorted(texts.items()):
        if re.search(r"\bSTRATA_ASSERT\b", code_of(text)) and name != "strata/config.hpp":
            if not defined & reached_from([name], include_graph):
                breach(f"include/{name}", 1, f"uses STRATA_ASSERT and does not include <{'> or <'.join(sorted(defined))}>")


def check_test_cases(root):
    """An entry of ctest runs the cases of one source file: one that stands in a header is in none of them."""
    for path in sorted((root / "tests").rglob("*.hpp")):
        code = code_of(path.read_text(encoding="utf-8"))
        for case in re.finditer(r"\w*TEST_CASE", code):
            breach(path.relative_to(root), code.count("\n", 0, case.start()) + 1, "a TEST_CASE in a header is never run")


def check_tree(root):
    for path in sorted(root.iterdir()):
        if not path.name.startswith(".") and path.name not in TOP_LEVEL and not BUILD_OUTPUT.fullmatch(path.name):
            breach(path.name, 1, "the top level holds " + " ".join(sorted(TOP_LEVEL)) + " and nothing else")
    folders = [root / name for name in ("examples", "tests", "benchmarks", "single_include", "include/strata")]
    folders += [path for path in sorted((root / "include/strata").iterdir()) if path.is_dir()]
    for folder in folders:
        holds_files = folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))
        if holds_files and not (folder / "README.md").is_file():
            breach(folder.relative_to(root), 1, "has no README.md that says what lives in it")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1]).resolve()
    headers = sorted((root / "include/strata").rglob("*.hpp"))
    doors = [f"strata/{path.name}" for path in headers if path.parent.name == "strata" and path.stem not in GROUND]
    include_graph = {}
    for path in headers:
        check_header(root, path, include_graph)
    if "strata/strata.hpp" in doors:
        check_reached(include_graph, doors)
    check_assertions(root, include_graph)
    check_test_cases(root)
    check_tree(root)
    for line in breaches:
        print(line)
    print(f"{len(headers)} headers, {len(breaches)} breaches")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
