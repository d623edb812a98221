#!/usr/bin/env python3
"""Structs that no other file can name are stored by a program that is not optimised. usage: unoptimised.py <root> <compiler>

Names of fields are read from an object that is declared and never defined: a compiler that emits a reference to it, as
some do only without optimisation, gives a program that does not link.
"""

import pathlib
import subprocess
import sys
import tempfile

PROGRAM = """
#include <strata/codec/evolution.hpp>
#include <strata/codec/value.hpp>

namespace {
struct unnamed {
  std::string name;
  int age = 0;
};
}  // namespace

int main() {
  struct local {
    int left = 0;
    int right = 0;
  };
  const bool described =
      strata::check_evolution<unnamed>(strata::schema_description<unnamed>()).has_value() &&
      strata::check_evolution<local>(strata::schema_description<local>()).has_value();
  const bool named = strata::field_name<unnamed, 1>() == "age" && strata::field_name<local, 1>() == "right";
  return described && named ? 0 : 1;
}
"""


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1]).resolve()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "program"
        for flags in (["-O0"], ["-O0", "-fsanitize=undefined"]):
            command = [sys.argv[2], "-std=c++20", *flags, f"-I{root / 'include'}", "-x", "c++", "-", "-o", str(program)]
            run = subprocess.run(command, input=PROGRAM, capture_output=True, text=True)
            if run.returncode == 0:
                run = subprocess.run([program], capture_output=True, text=True)
            if run.returncode != 0:
                failed += 1
                print(f"{' '.join(flags)}: {run.stderr or 'the program fails'}")
    print("unoptimised programs work" if not failed else f"{failed} do not")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
