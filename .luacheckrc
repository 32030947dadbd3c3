-- For luacheck on the whole library as Redis gets it (`scripts/check_lua.py` assembles it).
std = "lua51"
read_globals = { "redis", "cjson", "cmsgpack" }
max_line_length = 150 -- comments stand beside what they are about
