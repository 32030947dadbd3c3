"""The terminal of `recuro dev`: whole lines, each with the name of the process that wrote it."""

import os
import sys

COLOURS = (36, 33, 35, 32, 34, 31)
_PLAIN = 0


class Console:
    """Writes whole lines to standard output, coloured only on a terminal that wants it."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._width = max(map(len, names), default=0)
        self._colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def say(self, name: str, text: str) -> None:
        """Write a line of that process, or of the supervisor when the name is not a process's."""
        colour = self._colours.get(name, _PLAIN) if self._coloured else _PLAIN
        prefix = f"{name:<{self._width}} |"
        self.write(f"\x1b[{colour}m{prefix}\x1b[0m {text}" if colour else f"{prefix} {text}")

    def write(self, text: str) -> None:
        """Write the text; if nobody reads any more, ignore that: stopping in order matters more."""
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except OSError:  # a closed pipe, or a terminal that has gone
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, sys.stdout.fileno())
            os.close(silence)
