-- Idempotency keys of a Timeline: a hash of key, or its digest, to `time SeqId hash`, the time in base 36.

-- Appends with a key, on average, between two purges of a Timeline's keys.
local PURGE_EVERY = 32
-- Keys that one purge looks at, about. A small hash is scanned as a whole, whatever the number: keys are looked for in
-- it as seldom as its size asks for.
local PURGE_COUNT = 128
-- The most keys that Redis keeps in one piece by default.
local WHOLE_HASH = 512

-- Returns nothing for a key of a time `through` which keys are forgotten.
local function parseKnownKey(text, through)
  local at, seqId, hash = string.match(text, '^(%w+) (%d+) (.*)$')
  if at and tonumber(at, 36) > through then return seqId, hash end
end

-- Removes keys that are forgotten: of a small hash, which keeps the order of its keys, the oldest; else anywhere among
-- them: the more of them there are, the more each purge removes. `chance` is between 0 and 1; `count` is PURGE_COUNT
-- unless given.
local function purgeKeys(key, through, cursor, chance, count)
  local length = redis.call('HLEN', key)
  local isSmall = length <= WHOLE_HASH
  if isSmall and length * chance > PURGE_COUNT then return end
  local found = redis.call('HSCAN', key, cursor, 'COUNT', count or PURGE_COUNT)[2]
  local old = {}
  for i = 2, #found, 2 do
    local text = found[i]
    local at = tonumber(string.sub(text, 1, (string.find(text, ' ', 1, true) or 1) - 1), 36)
    if not at or at <= through then
      old[#old + 1] = found[i - 1]
    elseif isSmall then
      break
    end
  end
  for i = 1, #old, 1000 do redis.call('HDEL', key, unpack(old, i, math.min(i + 999, #old))) end
end
