# SPDX-License-Identifier: GPL-2.0-or-later
"""conf/examples/cookbook.md as a program: the blocks of each recipe, files and commands, run as they
stand. Whoever runs them hands in how a file is written and how commands are run."""
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "conf/examples/cookbook.md"


def recipes():
    """{title: [(path or None, text)]}, the blocks in their order."""
    return {title: [((re.match(r"(?:#!.*\n)?# (/\S+)\n", text) or [None, None])[1], text)
                    for text in re.findall(r"^```\n(.*?)^```$", body, re.M | re.S)]
            for title, body in re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)}


def follow(title, write, run):
    """Does what the recipe says: write(path, text) for a file, run(text) for commands. Returns what the
    commands printed, a string for each block."""
    outputs = []
    for path, text in recipes()[title]:
        if path:
            write(path, text)
        else:
            outputs.append(run(text))
    return outputs
