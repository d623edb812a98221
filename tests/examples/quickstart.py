#!/usr/bin/env python3
"""The quickstart example, killed again and again. usage: quickstart.py <root> <compiler> [seed]

Builds the example, lets it index a tree of 1,500 files that changes all the time, and kills it (SIGKILL) at random moments,
until 25 kills met a running program. What holds after each: a file is in the index whole or not at all. What holds at the
end: the index equals, row by row, one that is built in a single go, and an independent count of words in Python. With no
seed it takes a new one, and prints it.
"""

import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

FILES = 1500
KILLS = 25
STARTS_MAX = 2000  # a machine on which no kill ever meets the program
WORD = re.compile(rb"[A-Za-z0-9_\x80-\xff]+")


def fail(message):
    sys.exit(f"quickstart.py: {message}")


class Tree:
    """Files of random words, and a random change to them at every step."""

    def __init__(self, folder, chance):
        self.folder, self.chance, self.made = folder, chance, 0
        self.paths = []
        for _ in range(FILES):
            self.add()

    def text(self):
        def word():
            length = self.chance.choice([1, 3, 6, 9, 70])
            return bytes(self.chance.choices(b"abcdefghXYZ_019\xc3\xa9", k=length))

        words = [word() for _ in range(40)]
        lines = self.chance.randrange(60)
        text = b"\n".join(b" ".join(self.chance.choices(words, k=self.chance.randrange(12))) for _ in range(lines))
        return text + self.chance.choice([b"", b"\n"])

    def add(self):
        path = self.folder / f"{self.made % 7}" / f"{self.made % 31}" / f"{self.made}.txt"
        self.made += 1
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.text())
        self.paths.append(path)

    def change(self):
        for path in self.chance.sample(self.paths, FILES // 5):
            match self.chance.randrange(6):
                case 0:
                    self.paths.remove(path)
                    path.unlink()
                    self.add()
                case 1:
                    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns + 1_000_000_000))
                case 2:
                    path.write_bytes(b"\0 binary now")
                case _:
                    path.write_bytes(self.text())
                    # A change within one tick of the clock that leaves the size is not to be seen from outside.
                    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns + self.chance.randrange(1, 1_000_000_000)))


def counted(tree):
    """What the index has to hold, in the words of --dump."""
    rows = {"file": {}, "place": set(), "words_of": set()}
    for path in tree.paths:
        text = path.read_bytes()
        if b"\0" in text[:8192]:
            continue
        name = os.fsencode(path.relative_to(tree.folder))
        words = {}
        for number, line in enumerate(text.split(b"\n"), 1):
            for word in WORD.findall(line):
                if len(word) <= 64:
                    words.setdefault(word.lower(), {})[number] = None
        lines = text.count(b"\n") + (bool(text) and not text.endswith(b"\n"))
        rows["file"][name] = b"%d %d" % (len(text), path.stat().st_mtime_ns), b"%d %d" % (lines, len(words))
        rows["words_of"].add(b" ".join([b"words_of", name, *sorted(words)]))
        for word, at in words.items():
            rows["place"].add(b" ".join([b"place", word, name, *(b"%d" % number for number in at)]))
    return rows


def check_whole(dump):
    """Of each file the index has its facts, its words and its places, or none of them."""
    files, lists, places = {}, {}, {}
    for row in dump:
        kind, *fields = row.split(b" ")
        if kind == b"file":
            files[fields[0]] = int(fields[-1])
        elif kind == b"words_of":
            lists[fields[0]] = set(fields[1:])
        elif kind == b"place":
            places.setdefault(fields[1], set()).add(fields[0])
    if files.keys() != lists.keys() or places.keys() - files.keys():
        fail("a file is in one collection and not in another")
    for name, words in files.items():
        if len(lists[name]) != words or places.get(name, set()) != lists[name]:
            fail(f"{name} is in the index in part")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    root, compiler = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    seed = int(sys.argv[3]) if len(sys.argv) == 4 else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as made:
        work = pathlib.Path(made)
        program = work / "program"
        source = root / "tests/examples/quickstart/with_dump.cpp"
        subprocess.run([compiler, "-std=c++20", "-O1", "-pthread", f"-I{root / 'include'}", source, "-o", program], check=True)
        run(work, program, chance)


def run(work, program, chance):
    tree = Tree(work / "tree", chance)
    killed, once = work / "killed", work / "once"
    killed.mkdir()
    once.mkdir()

    def start(folder, *arguments):
        return subprocess.Popen([program, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(folder, *arguments):
        process = start(folder, *arguments)
        out, err = process.communicate()
        if process.returncode != 0:
            fail(f"{arguments} in {folder.name} returned {process.returncode}: {err.decode()}")
        return out.splitlines()

    begin = time.monotonic()
    finish(once, tree.folder)
    seconds = time.monotonic() - begin

    kills = starts = completed = checked = 0
    while kills < KILLS:
        starts += 1
        if starts > STARTS_MAX:
            fail(f"only {kills} of {starts - 1} kills met a running program")
        process = start(killed, tree.folder)
        try:
            _, err = process.communicate(timeout=chance.uniform(0, seconds))
            if process.returncode != 0:
                fail(f"a start after a kill returned {process.returncode}: {err.decode()}")
            completed += 1
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += process.returncode == -signal.SIGKILL
        if (killed / "quickstart.data/CURRENT").exists():
            check_whole(finish(killed, "--dump"))
            checked += 1
        # Now and then everything from the start; else a tree that has changed, and sometimes the same again.
        what = chance.randrange(8)
        if what == 0:
            shutil.rmtree(killed / "quickstart.data", ignore_errors=True)
        elif what < 4:
            tree.change()

    finish(killed, tree.folder)
    shutil.rmtree(once / "quickstart.data")
    finish(once, tree.folder)
    index, expected = finish(killed, "--dump"), finish(once, "--dump")
    if index != expected:
        fail("the index differs from one that was built in a single go")
    check_whole(index)

    wanted = counted(tree)
    found = {kind: {row for row in index if row.startswith(kind.encode() + b" ")} for kind in wanted}
    if found["place"] != wanted["place"] or found["words_of"] != wanted["words_of"]:
        fail("the index holds other words or places than the files")
    facts = {row.split(b" ")[1]: row.split(b" ") for row in found["file"]}
    if {name: (of[2], of[-2] + b" " + of[-1]) for name, of in facts.items()} != {
        name: (sizes.split(b" ")[0], counts) for name, (sizes, counts) in wanted["file"].items()
    }:
        fail("the index holds other facts than the files")
    print(f"{kills} kills in {starts} starts, {completed} ran to their end; {checked} states checked; {len(index)} rows equal")


if __name__ == "__main__":
    main()
