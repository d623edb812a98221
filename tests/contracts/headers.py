#!/usr/bin/env python3
"""Every header compiles alone, included twice, without a warning.

usage: headers.py <root> <compiler>                        each alone
       headers.py <root> <compiler> --together flags...    all of them at once, with more flags
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

FLAGS = "-std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror".split()


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1]).resolve()
    together = sys.argv[3:4] == ["--together"]
    command = [sys.argv[2], *FLAGS, *sys.argv[4:], f"-I{root / 'include'}", "-x", "c++", "-"]

    def compiles(name):
        source = "".join(f"#include <{included}>\n" for included in (names if together else [name, name]))
        return subprocess.run(command, input=source, capture_output=True, text=True)

    def is_there(header):
        return subprocess.run(command, input=f"#include <{header}>\n", capture_output=True, text=True).returncode == 0

    names = sorted(path.relative_to(root / "include").as_posix() for path in root.glob("include/strata/**/*.hpp"))
    without_zstd = not is_there("zstd.h")
    left_out = [name for name in names if without_zstd and "zstd" in name]
    names = [name for name in names if name not in left_out]
    for name in left_out:
        print(f"{name}: left out, there is no zstd.h")
    if together:
        run = compiles(None)
        print(run.stderr or f"{len(names)} headers compile together")
        sys.exit(1 if run.returncode != 0 or run.stderr else 0)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, run in zip(names, pool.map(compiles, names)):
            if run.returncode != 0 or run.stderr:
                failed += 1
                print(f"{name} does not compile alone:\n{run.stderr}")
    print(f"{len(names) - failed} headers compile alone, {failed} do not")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
