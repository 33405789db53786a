"""From rows to an ELF."""

import os
import subprocess

from .layout import SOURCES, encode
from .machine import DEFAULTS

COMPILER = "riscv64-linux-gnu-gcc"
# Nothing in the runtime shall touch FP state, which rows are about.
FLAGS = ["-O2", "-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-mcmodel=medany", "-ffreestanding", "-fno-pic",
         "-fno-stack-protector", "-fno-tree-loop-distribute-patterns", "-nostdlib", "-static", "-Wall", "-Werror",
         "-Wl,--no-warn-rwx-segments", "-Wl,--build-id=none"]


def build(rows, code, path, verbose=False):
    """Writes the ELF `path`; what it was made of stays beside it."""
    code_path, rows_path = path + ".code", path + ".rows"
    with open(code_path, "wb") as file:
        file.write(code.data)
    with open(rows_path, "wb") as file:
        file.write(encode(rows, DEFAULTS, verbose))
    source = [os.path.join(SOURCES, name) for name in ("start.S", "matrix.c", "tables.S")]
    subprocess.run([COMPILER, *FLAGS, '-DCODE="%s"' % code_path, '-DROWS="%s"' % rows_path,
                    "-T", os.path.join(SOURCES, "link.ld"), "-o", path, *source], check=True)
