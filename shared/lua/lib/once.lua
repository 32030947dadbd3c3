-- The end of a script whose calls may carry an idempotency key. Its body is the function `work` before this; what that
-- refused (`return answer, REFUSED`) is no effect, and is not remembered.
--
-- Without an idempotency key (KEYS[3] and more, see `remembered.lua`) the body's own answer is returned, else { 1, answer of then }, { 0, answer of now }, or { -1 } if the key
-- was used for something else.

if not KEYS[3] then return (work()) end

local KEPT = 24 * 3600 * 1000
local before = remembered()
if before then return before end

local answer, refused = work()
if not refused then remember(answer, KEPT) end
return { 0, answer }
