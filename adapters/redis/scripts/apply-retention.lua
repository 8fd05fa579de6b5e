#!lua flags=allow-oom
-- Makes the state of Timelines agree with their data: rebuilds a lost one, moves the floor over what has expired or was
-- trimmed, and removes the entries below the floor, in steps. Runs without memory left, since it frees some.
--
-- KEYS    the stream of each Timeline, in a Cluster each followed by its state and overlay
-- ARGV    1: the suffix of a new epoch
--         2: entries of this time and before have expired; '' without a TTL
--         3: the latest time that is not of the future
--         4: the time that replaces one of the future
--         5: the number of keys of each Timeline
--         6, 7: of a trim `through` or `keepLast`, and the number
-- answer  for each Timeline the sum of 1, there is more to remove; 2, the overlay holds versions of entries that are
--         gone; 4, entries were removed; or `!` and an error
-- caller  Retention in retention.ts
--include load-state.lua
--include expiry.lua
-- Entries removed in one step: no other client is served meanwhile.
local STEP = 5000
-- The same where bodies may be large: freeing them takes longer.
local LARGE_STEP = 200
-- The cost of finding out what has expired, in entries removed.
local SEARCH_COST = 100

local epochSuffix, cutoff, replId = ARGV[1], tonumber(ARGV[2]), replicationId()
local latest, now, stride, trimBy, trimArgument = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local work = 0

-- Removes whole nodes of the stream first. Returns whether there is more to remove, and how many entries were.
local function removeEntries(keys, state)
  local step = hasFlag(state, 'l') and LARGE_STEP or STEP
  local removed = redis.call('XTRIM', keys.stream, 'MINID', '~', '0-' .. state.first, 'LIMIT', step)
  local more = removed > step - math.min(1000, step / 2)
  if not more then removed = removed + redis.call('XTRIM', keys.stream, 'MINID', '=', '0-' .. state.first) end
  work = work + removed * (STEP / step)
  if hasFlag(state, 'u') and isEmpty(state) then
    redis.call('UNLINK', keys.overlay)
    setFlag(state, 'u', false)
    setFlag(state, 'p', false)
  end
  return more, removed
end

local function trimThrough(keys, state, seqId)
  local row = redis.call('XREVRANGE', keys.stream, '0-' .. seqId, '(0-' .. state.floor, 'COUNT', 1)[1]
  if not row then return end
  -- The floor has to be an entry that was there, or readers would be told of a loss where none was.
  local floor = entryIdOf(row)
  local nextRow = redis.call('XRANGE', keys.stream, '(0-' .. floor, '+', 'COUNT', 1)[1]
  if nextRow then raiseFloor(keys, state, floor, entryIdOf(nextRow)) else raiseFloor(keys, state, floor) end
end

local function keepLast(keys, state, count)
  local length = redis.call('XLEN', keys.stream)
  if length <= tonumber(count) then return end
  local last = tonumber(state.last)
  -- Without gaps in the SeqIds, the one to trim through is known.
  if not isEmpty(state) and last < 2 ^ 53 and length == last - tonumber(state.floor) then
    return trimThrough(keys, state, string.format('%.0f', last - tonumber(count)))
  end
  redis.call('XTRIM', keys.stream, 'MAXLEN', '=', successor(count))
  local rows = redis.call('XRANGE', keys.stream, '-', '+', 'COUNT', 2)
  local floor = entryIdOf(rows[1])
  if not less(state.floor, floor) then return end
  if rows[2] then raiseFloor(keys, state, floor, entryIdOf(rows[2])) else raiseFloor(keys, state, floor) end
end

local function applyRetention(keys)
  if work >= STEP then return 1 end
  local state = loadState(keys, epochSuffix, replId)
  if not state then return 0 end
  if cutoff and expire(keys, state, cutoff, latest, now) then work = work + SEARCH_COST end
  if trimBy == 'through' then trimThrough(keys, state, trimArgument) end
  if trimBy == 'keepLast' then keepLast(keys, state, trimArgument) end
  local more, removed = removeEntries(keys, state)
  saveState(keys, state)
  return (more and 1 or 0) + (hasFlag(state, 'p') and 2 or 0) + (removed > 0 and 4 or 0)
end

local answers = {}
for i = 1, #KEYS, stride do
  local ok, answer = pcall(applyRetention, keysOf(KEYS[i]))
  -- Among many, one that fails must not keep the others from it.
  answers[#answers + 1] = ok and answer or '!' .. errorMessage(answer)
end
return answers
