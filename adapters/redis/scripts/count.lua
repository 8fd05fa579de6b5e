-- Counts the entries of ranges, each from one state of its Timeline, by the SeqIds and the overlay alone: a stream has
-- no command that counts, and reading entries would copy their bodies.
--
-- KEYS    for each range, the stream of its Timeline, in a Cluster each followed by its state and overlay
-- ARGV    1: the number of keys of each range
--         then three for each range: `after`, `before` (both exclusive; `+` for no `before`), the number to stop at
-- answer  for each range one of
--           { state, count, seqId }  the count; `seqId` only if entries behind it are left to count
--           false                    nothing was ever written
--           1                        the state is not up to date: apply-retention.lua comes first
--           2                        the other ranges have taken long enough: count it again
--           3                        SeqIds do not tell how many entries there are: read them
-- caller  Counter in count.ts
--include read-state.lua
local COUNT_AGAIN, READ_ENTRIES = 2, 3
-- Versions looked at in one call, about: no other client is served meanwhile.
local MAX_STEPS = 2000
-- The version of a deleted entry is no longer, as its body is empty.
local TOMBSTONE_BYTES = 24

local steps = 0

local function isDeleted(keys, seqId)
  steps = steps + 1
  local length = redis.call('HSTRLEN', keys.overlay, seqId)
  if length == 0 or length > TOMBSTONE_BYTES then return false end
  return string.sub(redis.call('HGET', keys.overlay, seqId), 1, 1) == 'd'
end

-- True if every SeqId above the floor has its entry, and no entry below it is left.
local function isWithoutGaps(keys, state, floor, last)
  if last >= 2 ^ 53 or redis.call('XLEN', keys.stream) ~= last - floor then return false end
  return floor == 0 or #redis.call('XRANGE', keys.stream, '-', '0-' .. state.floor, 'COUNT', 1) == 0
end

-- Few versions: the deleted ones of the range are subtracted.
local function countByVersions(keys, low, high, atMost)
  local count = high - low
  for _, seqId in ipairs(redis.call('HKEYS', keys.overlay)) do
    local number = tonumber(seqId)
    if number > low and number <= high and isDeleted(keys, seqId) then count = count - 1 end
  end
  return math.min(count, atMost)
end

-- Many versions: goes from SeqId to SeqId, up to a number of steps.
local function countBySeqIds(keys, low, high, atMost)
  local count = 0
  while low < high and count < atMost do
    if steps >= MAX_STEPS then return count, string.format('%.0f', low) end
    low = low + 1
    if not isDeleted(keys, string.format('%.0f', low)) then count = count + 1 end
  end
  return count
end

local function countRange(keys, after, before, atMost)
  if steps >= MAX_STEPS then return COUNT_AGAIN end
  local state, text = readState(keys)
  if not state then return text end
  local floor, last = tonumber(state.floor), tonumber(state.last)
  if not isWithoutGaps(keys, state, floor, last) then return READ_ENTRIES end
  local low = less(after, state.floor) and floor or tonumber(after)
  local high = before == '+' and last or math.min(last, tonumber(before) - 1)
  if low >= high then return { text, 0 } end
  if not hasFlag(state, 'u') then return { text, math.min(high - low, atMost) } end
  if redis.call('HLEN', keys.overlay) <= MAX_STEPS then return { text, countByVersions(keys, low, high, atMost) } end
  return { text, countBySeqIds(keys, low, high, atMost) }
end

local answers = {}
for i = 2, #ARGV, 3 do
  local keys = keysOf(KEYS[(i - 2) / 3 * tonumber(ARGV[1]) + 1])
  answers[#answers + 1] = countRange(keys, ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]))
end
return answers
