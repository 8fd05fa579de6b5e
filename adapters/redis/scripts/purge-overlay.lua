#!lua flags=allow-oom
-- Removes the versions of entries that are gone, one step at a time.
--
-- KEYS    the stream of a Timeline, in a Cluster followed by its state and overlay
-- ARGV    1: the suffix of a new epoch
--         2: the cursor that the last step answered; `0` at first
--         3: the first entry that the first step answered; '' at first
-- answer  the cursor for the next step, `0` at the end, and the first entry, with a space between
-- caller  Retention in retention.ts
--include load-state.lua
-- Versions looked at in one step.
local STEP = 200
-- The same where bodies may be large.
local LARGE_STEP = 8

local keys = keysOf(KEYS[1])
local state = loadState(keys, ARGV[1], replicationId())
if not state or not hasFlag(state, 'p') then return '0 0' end
local first = ARGV[3] ~= '' and ARGV[3] or state.first
local found = redis.call('HSCAN', keys.overlay, ARGV[2], 'COUNT', hasFlag(state, 'l') and LARGE_STEP or STEP)
local cursor, versions = found[1], found[2]
local gone = {}
for i = 1, #versions, 2 do
  if less(versions[i], state.first) then gone[#gone + 1] = versions[i] end
end
for i = 1, #gone, 1000 do redis.call('HDEL', keys.overlay, unpack(gone, i, math.min(i + 999, #gone))) end
-- Entries that went since the first step may have left versions where it has passed.
if cursor == '0' and first == state.first then
  setFlag(state, 'p', false)
  if redis.call('EXISTS', keys.overlay) == 0 then setFlag(state, 'u', false) end
end
saveState(keys, state)
return cursor .. ' ' .. first
