"""The bridge from standard input and output to the MCP gateway of Recuro; it needs nothing but Python."""

VERSION = "0.1.0"
