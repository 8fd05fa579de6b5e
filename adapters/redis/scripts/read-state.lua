-- Reads the state of a Timeline for a script that writes nothing.
--include load-state.lua
local APPLY_RETENTION = 1

-- Returns the state and its text. If there is none that is up to date, returns nil and the answer of the script: false
-- if nothing was ever written, else APPLY_RETENTION.
local function readState(keys)
  local text = redis.call('GET', keys.state)
  if not text then return nil, redis.call('EXISTS', keys.stream) == 1 and APPLY_RETENTION end
  local state = parseState(text)
  checkStream(keys, state)
  if state.changed then return nil, APPLY_RETENTION end
  return state, text
end
