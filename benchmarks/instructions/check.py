#!/usr/bin/env python3
"""Counts the instructions of fixed workloads and holds them against those that were recorded.

usage: check.py PROGRAM [options]

  PROGRAM          the built benchmarks/instructions
  --record         writes down what it counts, for the compiler that built PROGRAM, and checks nothing
  --only NAME      one workload; may be given more than once
  --tolerance P    by how many percent a count may differ, either way (3)
  --expected FILE  where the counts are recorded (expected.json beside this file)

Each workload runs under callgrind, which counts what the calling thread does in the measured part and nothing else. So a
number is that of the code and the compiler, and not of the machine: no load, no frequency, no cache is in it. Nor is
whether the code waits for memory: that is what the other benchmarks are for.

A count below the tolerance fails too: it is recorded, or the next slip up to the old number would not be noticed. The last
line is `N passed, N failed`; the exit status says the same.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SECTION = "strata_measured_section"

# The C library chooses its memcpy, memcmp and the like by what the processor has; valgrind shows its programs one and the same
# processor wherever there is AVX2, and these settings take away what would be chosen there and not on an older one.
TUNABLES = "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM"
ENVIRONMENT = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "GLIBC_TUNABLES": TUNABLES}

RUN_SECONDS_MAX = 300


def output_of(command):
    ran = subprocess.run(
        command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_SECONDS_MAX
    )
    if ran.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def count(program, workload):
    """The instructions of the measured part of one workload."""
    with tempfile.TemporaryDirectory() as folder:
        counts = pathlib.Path(folder) / "counts"
        output_of(
            ["valgrind", "--tool=callgrind", f"--toggle-collect={SECTION}", f"--callgrind-out-file={counts}", program, workload]
        )
        found = re.search(r"^totals: (\d+)$", counts.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None or int(found[1]) == 0:
        raise RuntimeError(f"callgrind has counted nothing in {workload}: is {SECTION} still called so?")
    return int(found[1])


def count_all(program, names):
    """Name and count, or what went wrong, in their order. Two at a time on two cores: a count is the same beside others."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        jobs = [pool.submit(count, program, name) for name in names]
        for name, job in zip(names, jobs):
            try:
                yield name, job.result(), None
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as wrong:
                yield name, None, str(wrong)


def made_with():
    valgrind = output_of(["valgrind", "--version"]).strip()
    return f"{valgrind}, {' '.join(platform.libc_ver())}, {platform.machine()}"


def judge(name, here, recorded, tolerance):
    """What to say of a count, and whether it passes."""
    if recorded is None:
        return "no number is recorded: see --record", False
    percent = 100 * (here - recorded) / recorded
    if abs(percent) <= tolerance:
        return f"{percent:+.2f} %", True
    if percent > 0:
        return f"{percent:+.2f} %: MORE than {recorded:,}. Where that is the price of something, record it and say of what", False
    return f"{percent:+.2f} %: less than {recorded:,}. Well done; record it, so that it stays", False


def read_about(program):
    """What the program says of itself where it is counted: its compiler, and the ways that it takes by what the processor has."""
    lines = output_of(["valgrind", "-q", "--tool=none", program, "--about"]).splitlines()
    return dict(line.split(" ", 1) for line in lines)


def record(path, all_recorded, about, names, program):
    compiler = about["compiler"]
    entry = {"crc32c": about["crc32c"], "made_with": made_with(), "instructions": {}}
    for name, here, wrong in count_all(program, names):
        if wrong is not None:
            sys.exit(f"check.py: {wrong}")
        print(f"{name:<22} {here:>14,}", flush=True)
        entry["instructions"][name] = here
    all_recorded[compiler] = entry
    path.write_text(json.dumps(all_recorded, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(f"recorded for {compiler} in {path}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("--record", action="store_true")
    options.add_argument("--only", action="append")
    options.add_argument("--tolerance", type=float, default=3)
    options.add_argument("--expected", type=pathlib.Path, default=HERE / "expected.json")
    asked = options.parse_args()
    program = asked.program.resolve()

    operations = {name: int(number) for name, number in (line.split() for line in output_of([program, "--list"]).splitlines())}
    about = read_about(program)
    all_recorded = json.loads(asked.expected.read_text(encoding="utf-8")) if asked.expected.exists() else {}
    if asked.record:
        if asked.only:
            sys.exit("check.py: --record records all workloads")
        return record(asked.expected, all_recorded, about, list(operations), program)

    names = [name for name in operations if not asked.only or name in asked.only]
    recorded = all_recorded.get(about["compiler"])
    again = f"python3 {os.path.relpath(__file__)} {os.path.relpath(program)} --record"
    if recorded is None or not names:
        missing = f"no counts of {about['compiler']} are recorded. To record them: {again}"
        print(f"check.py: {missing if names else 'no workload is called so'}\n0 passed, {max(len(names), 1)} failed")
        sys.exit(1)

    passed = failed = 0
    if about["crc32c"] != recorded["crc32c"]:
        failed += 1
        print(f"FAILED  checksums are computed {about['crc32c']} here, and were {recorded['crc32c']}: the counts differ by that")
    for name, here, wrong in count_all(program, names):
        what, good = (wrong, False) if wrong else judge(name, here, recorded["instructions"].get(name), asked.tolerance)
        passed, failed = passed + good, failed + (not good)
        shown = f"{here:>14,} {here / operations[name]:>10,.1f} each" if here else " " * 30
        print(f"{'ok    ' if good else 'FAILED'}  {name:<20}{shown}   {what}", flush=True)
    if not asked.only:
        for name in sorted(set(recorded["instructions"]) - set(operations)):
            failed += 1
            print(f"FAILED  {name:<20} is recorded, and is a workload no more: record anew")
    if failed:
        print(f"here: {made_with()}; recorded: {recorded['made_with']}. To record what was counted: {again}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
