#!/usr/bin/env python3
"""What must not compile says why in one readable line. usage: compile_fail.py <root> <compiler> [case...]

A case is a file in compile_fail/ with one or more lines `// expect: text`. It passes when the compiler refuses it and
each text stands, word for word, in the first lines of what the compiler says. With cases named, it prints all they say.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

LINES = 10  # what a person sees without scrolling


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1]).resolve()
    command = [sys.argv[2], "-std=c++20", "-fsyntax-only", f"-I{root / 'include'}"]
    folder = root / "tests/contracts/compile_fail"
    cases = sorted(folder.glob("*.cpp"))
    chosen = [path for path in cases if path.stem in sys.argv[3:]]

    def check(path):
        """What is wrong with a case (empty: nothing), and what the compiler said."""
        expected = re.findall(r"^// expect: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        if not expected:
            return "has no line `// expect: text`", ""
        run = subprocess.run([*command, path], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
        said = "\n".join(run.stderr.splitlines()[:LINES])
        if run.returncode == 0:
            return "compiles, and must not", said
        missing = [text for text in expected if text not in said]
        return "".join(f"\n  not in the first {LINES} lines: {text}" for text in missing), said

    failed = 0
    chosen = chosen or cases
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, (wrong, said) in zip(chosen, pool.map(check, chosen)):
            failed += bool(wrong)
            if wrong or chosen is not cases:
                print(f"{path.relative_to(root)}: {wrong or 'as expected'}\n{said}\n")
    print(f"{len(chosen) - failed} refused as expected, {failed} not")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
