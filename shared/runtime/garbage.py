"""When the garbage collector looks for cycles: rarely, and rather when nobody is being answered."""

import gc

GARBAGE_OBJECTS = 50_000
EARLY_OBJECTS = 10_000
"""So many new ones are worth a look before they must be."""


def collect_rarely() -> None:
    """Let the garbage collector look for cycles once in 50,000 new objects, and never at what was imported.

    A request leaves no cycles: to look for them took a twentieth of a worker's time, and while an API looks
    at all that it has in hand nobody is answered.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)


def collect_early() -> None:
    """Look at the new objects now, if they are many: a thousand requests in hand take 30 ms to look at."""
    if gc.get_count()[0] >= EARLY_OBJECTS:
        gc.collect(0)
