"""`python -m scripts.openapi`: renew docs/openapi.json, unless that breaks clients of the one before."""

import argparse
import json
import sys
from pathlib import Path

from scripts.openapi_breaks import breaks
from services.api.openapi.document import document

FROZEN = Path(__file__).parents[1] / "docs" / "openapi.json"


def text() -> str:
    """The document of this code, as the file has it."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """1, and nothing written, if it breaks clients and `--breaking` was not given."""
    parser = argparse.ArgumentParser(prog="python -m scripts.openapi", description=__doc__)
    parser.add_argument("--breaking", action="store_true", help="write it all the same")
    arguments = parser.parse_args()
    found = breaks(json.loads(FROZEN.read_text()), document()) if FROZEN.exists() else []
    for sentence in found:
        print(f"breaks clients: {sentence}")
    if found and not arguments.breaking:
        print("Nothing was written; --breaking writes it, and CHANGELOG.md has to say it.")
        return 1
    FROZEN.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
