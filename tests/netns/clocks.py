# SPDX-License-Identifier: GPL-2.0-or-later
"""A system clock that can be set for a synprintd alone (stepped_clock.c)."""
import mmap
import struct


class Clock:
    def __init__(self, lab_):
        self.preload, self.path = lab_.preload("stepped_clock"), lab_.dir / "clock"
        self.path.write_bytes(bytes(8))
        with self.path.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 8)
        self.off_s = 0

    def wrapper(self):
        """What runs synprintd with this clock."""
        return ["env", self.preload, f"STEPPED_CLOCK={self.path}"]

    def step(self, seconds):
        self.off_s += seconds
        struct.pack_into("q", self.memory, 0, self.off_s)
