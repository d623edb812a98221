#!/usr/bin/env python3
"""Writes single_include/strata/: each door of include/strata/ as one file that needs nothing but the standard library.

usage: amalgamate.py           writes the files
       amalgamate.py --check   writes nothing; exits 1 and names each file that is not what would be written

What is written depends on nothing but the headers, to the byte. `strata.hpp` holds all that it reaches; each other door
includes <strata/strata.hpp> and holds what that does not. Headers follow one another as their includes ask for them,
each in its own include guard, so that two doors may hold the same header. Standard headers are gathered at the top;
those that stand under a condition stay where they are.

What a header must keep to for this to work (anything else is an error here): one include guard around everything but
comments; includes of the library as <strata/...>, under no condition, before the first line of code.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"
OUTPUT = ROOT / "single_include" / "strata"
MAIN_DOOR = "strata/strata.hpp"
NOT_DOORS = {"strata/version.hpp", "strata/config.hpp", "strata/fwd.hpp"}

INCLUDE_LINE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
OPENS = re.compile(r"\s*#\s*if")
CLOSES = re.compile(r"\s*#\s*endif\b")
# What may hide the beginning of a raw string on a line, and that beginning itself.
TOKEN = re.compile(r"""//.*|R"([^()\\\s]{0,16})\(|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)'""")
RULE = "// " + "-" * 117


def fail(name, number, what):
    sys.exit(f"amalgamate.py: include/{name}:{number}: {what}")


def is_comment(line):
    return line.lstrip().startswith("//")


def raw_string_after(line, end):
    """What closes the raw string that is open after `line`, or None; `end` is the same before it."""
    at = 0
    while True:
        if end is not None:
            close = line.find(end, at)
            if close < 0:
                return end
            at, end = close + len(end), None
        token = TOKEN.search(line, at)
        if token is None:
            return None
        at = token.end()
        if token[1] is not None:
            end = f'){token[1]}"'


class Header:
    """One header taken apart."""

    def __init__(self, name):
        self.name = name
        self.comment = []  # what stands above the guard
        self.body = []  # what stands inside the guard, without the includes below
        self.standard = []  # <...> under no condition
        self.strata = []  # <strata/...>

        lines = (INCLUDE / name).read_text(encoding="utf-8").rstrip("\n").split("\n")
        start = 0
        while start < len(lines) and (not lines[start].strip() or is_comment(lines[start])):
            start += 1
        guard = re.fullmatch(r"#ifndef (\w+)", lines[start]) if start < len(lines) else None
        if not guard or lines[start + 1 : start + 2] != [f"#define {guard[1]}"]:
            fail(name, start + 1, "an include guard (#ifndef, #define) must stand here")
        if not CLOSES.match(lines[-1]):
            fail(name, len(lines), "the #endif of the include guard must be the last line")
        self.guard = guard[1]
        self.comment = "\n".join(lines[:start]).strip("\n").split("\n")
        self.read_body(lines, start + 2)

    def read_body(self, lines, first):
        depth = 0
        code_seen = False
        raw_end = None
        for number, line in enumerate(lines[first:-1], first + 1):
            in_raw_string = raw_end is not None
            raw_end = raw_string_after(line, raw_end)
            if in_raw_string:
                self.body.append(line)
                continue
            included = INCLUDE_LINE.match(line)
            if included and included[1] == '"':
                fail(self.name, number, "headers are included with <>")
            if included and included[2].startswith("strata/"):
                if depth != 0 or code_seen:
                    fail(self.name, number, "an include of the library stands under no condition and before all code")
                if not (INCLUDE / included[2]).is_file():
                    fail(self.name, number, f"there is no include/{included[2]}")
                self.strata.append(included[2])
            elif included and depth == 0:
                self.standard.append(included[2])
            elif line.strip():
                depth += bool(OPENS.match(line)) - bool(CLOSES.match(line))
                code_seen = code_seen or not (is_comment(line) or line.lstrip().startswith("#"))
                self.body.append(line)
            elif self.body and self.body[-1].strip():  # of the blank lines around an include one is left
                self.body.append(line)
        if depth != 0:
            fail(self.name, len(lines), "#if and #endif do not match")
        while self.body and not self.body[-1].strip():
            self.body.pop()

    def has_code(self):
        return any(line.strip() and not is_comment(line) for line in self.body)


class House:
    """All headers, each read once."""

    def __init__(self):
        self.headers = {}
        top = INCLUDE / "strata"
        self.doors = [f"strata/{path.name}" for path in sorted(top.glob("*.hpp"))]
        self.doors = [door for door in self.doors if door not in NOT_DOORS]

    def header(self, name):
        if name not in self.headers:
            self.headers[name] = Header(name)
        return self.headers[name]

    def reached_from(self, door, known):
        """The headers that `door` needs, each after those it includes, without itself and what is in `known`."""
        order = []
        under_way = []

        def visit(name):
            if name in order or name in known:
                return
            if name in under_way:
                sys.exit("amalgamate.py: a circle of includes: " + " -> ".join([*under_way, name]))
            if name != door and name in self.doors:
                if name != MAIN_DOOR and under_way == [door]:
                    return  # one opt-in door includes another: it stays an include
                sys.exit(f"amalgamate.py: include/{under_way[-1]} includes the door {name}")
            under_way.append(name)
            for included in self.header(name).strata:
                visit(included)
            under_way.pop()
            order.append(name)

        visit(door)
        order.remove(door)
        return order

    def version(self):
        text = (INCLUDE / "strata/version.hpp").read_text(encoding="utf-8")
        return ".".join(re.findall(r"^#define STRATA_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)$", text, re.MULTILINE))

    def single(self, door):
        """The text of one generated file."""
        main_is_there = MAIN_DOOR in self.doors and door != MAIN_DOOR
        known = {MAIN_DOOR, *self.reached_from(MAIN_DOOR, set())} if main_is_there else set()
        names = self.reached_from(door, known)
        opened = self.header(door)

        standard = {include for name in [*names, door] for include in self.header(name).standard}
        other_doors = [name for name in opened.strata if name in self.doors and name != MAIN_DOOR]
        includes = sorted(f"#include <{include}>" for include in standard)
        if main_is_there:
            includes += ["", f"#include <{MAIN_DOOR}>"]
        includes += [f"#include <{name}>" for name in other_doors]

        licence = (ROOT / "LICENSE").read_text(encoding="utf-8").rstrip("\n").split("\n")
        lines = [
            f"// Strata {self.version()}: {door} in one file.",
            "//",
            "// Generated by single_include/amalgamate.py; edit include/ instead.",
            "//",
            *(f"// {line}".rstrip() for line in licence),
            RULE,
            *opened.comment,
            f"#ifndef {opened.guard}",
            f"#define {opened.guard}",
            "",
            *includes,
            "",
        ]
        for name in names:
            header = self.header(name)
            lines += [RULE, f"// {name}", "//", *header.comment, f"#ifndef {header.guard}", f"#define {header.guard}", ""]
            lines += [*header.body, "", "#endif", ""]
        if opened.has_code():
            lines += [RULE, f"// {door}", "", *opened.body, ""]
        lines.append("#endif")
        return "\n".join(lines) + "\n"


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    house = House()
    wanted = {OUTPUT / pathlib.Path(door).name: house.single(door).encode() for door in house.doors}
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_bytes() != text]
    left_over = [path for path in sorted(OUTPUT.glob("*")) if path not in wanted]

    if sys.argv[1:] == ["--check"]:
        for path in stale + left_over:
            print(f"stale: {path.relative_to(ROOT)}")
        if stale or left_over:
            sys.exit("run: python3 single_include/amalgamate.py")
        return
    OUTPUT.mkdir(exist_ok=True)
    for path in left_over:
        path.unlink()
        print(f"removed {path.relative_to(ROOT)}")
    for path in stale:
        path.write_bytes(wanted[path])
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
