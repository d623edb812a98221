#!/usr/bin/env python3
"""The program in README.md compiles, with warnings as errors: what people read first must be true.

usage: readme.py ROOT COMPILER
"""
import pathlib
import re
import subprocess
import sys
import tempfile

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Werror"]


def main():
    root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2]
    text = (root / "README.md").read_text()
    blocks = re.findall(r"```cpp\n(.*?)```", text, re.S)
    programs = [block for block in blocks if "int main" in block]
    if not programs:
        sys.exit("README.md: no program in it")
    # The other blocks are declarations that build on the header alone.
    sources = programs + ["#include <strata/strata.hpp>\n" + block for block in blocks if block not in programs]
    failed = 0
    for number, source in enumerate(sources, 1):
        with tempfile.NamedTemporaryFile("w", suffix=".cpp") as file:
            file.write("#include <cstdio>\n" + source)
            file.flush()
            done = subprocess.run([compiler, *FLAGS, f"-I{root / 'include'}", file.name], capture_output=True, text=True)
        if done.returncode != 0:
            failed += 1
            print(f"README.md: block {number} does not compile:\n{done.stderr[:3000]}")
    print(f"{len(sources)} blocks of README.md compiled, {failed} failed")
    sys.exit(1 if failed else 0)


main()
