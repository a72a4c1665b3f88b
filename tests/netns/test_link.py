#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The setups of tests/vpnlab that need no VPN software; `make check-vpnlab` runs all of them."""
import os
from pathlib import Path

LAB = str(Path(__file__).resolve().parents[1] / "vpnlab" / "lab.py")
os.execv(LAB, [LAB, "--quick"])
