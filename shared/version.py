"""Which Recuro this is."""

from importlib.metadata import version

VERSION = version("recuro")
