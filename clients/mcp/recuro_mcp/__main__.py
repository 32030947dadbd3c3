"""`python -m recuro_mcp`: where the command itself is not on the path of the host."""

from recuro_mcp.main import main

main()
