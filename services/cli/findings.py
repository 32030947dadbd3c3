"""What the doctor finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report, and whether Recuro can work with what it says."""

    good: bool
    text: str
