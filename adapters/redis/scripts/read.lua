-- Reads many ranges, each from one state of its Timeline.
--
-- KEYS    for each range, the stream of its Timeline, in a Cluster each followed by its state and overlay
-- ARGV    1: the number of keys of each range
--         then four for each range: `after`, `before` (both exclusive; `+` for no `before`), limit, 1 if newest first
-- answer  for each range one of
--           { state, rows, versions, 1 }  rows as XRANGE gives them; what the overlay holds of each, or false; 1 if
--                                         bytes, not the limit, ended it
--           false                         nothing was ever written
--           1                             the state is not up to date: apply-retention.lua comes first
--           2                             the other ranges have filled the answer: read it again
-- caller  Reader in read.ts
--include read-state.lua
-- Bytes of bodies of one answer, about.
local MAX_BYTES = 8 * 1024 * 1024
-- Fewer rows cannot hold more bytes than that unless bodies are large.
local UNCOUNTED_ROWS = MAX_BYTES / LARGE_BODY_BYTES
-- Rows fetched at once where bodies may be large.
local LARGE_ROWS_AT_ONCE = 8
local READ_AGAIN = 2

local rowsRead, bytesRead = 0, 0

local function fetchRows(keys, from, to, count, reverse)
  if reverse == '1' then return redis.call('XREVRANGE', keys.stream, to, from, 'COUNT', count) end
  return redis.call('XRANGE', keys.stream, from, to, 'COUNT', count)
end

local function versionsOf(keys, rows)
  local seqIds, versions = {}, {}
  for i, row in ipairs(rows) do seqIds[i] = string.sub(row[1], 3) end
  for i = 1, #seqIds, 1000 do
    local some = redis.call('HMGET', keys.overlay, unpack(seqIds, i, math.min(i + 999, #seqIds)))
    for _, version in ipairs(some) do versions[#versions + 1] = version end
  end
  return versions
end

local function readSmall(keys, state, text, from, to, limit, reverse)
  local rows = fetchRows(keys, from, to, limit, reverse)
  rowsRead = rowsRead + #rows
  if rowsRead > UNCOUNTED_ROWS then
    for _, row in ipairs(rows) do bytesRead = bytesRead + #row[2][2] end
  end
  if not hasFlag(state, 'u') or #rows == 0 then return { text, rows } end
  return { text, rows, versionsOf(keys, rows) }
end

local function readLarge(keys, state, text, from, to, limit, reverse)
  local rows, versions, left = {}, hasFlag(state, 'u') and {}, tonumber(limit)
  while left > 0 do
    local count = math.min(left, LARGE_ROWS_AT_ONCE)
    local some = fetchRows(keys, from, to, count, reverse)
    local someVersions = versions and #some > 0 and versionsOf(keys, some)
    for i, row in ipairs(some) do
      rows[#rows + 1] = row
      bytesRead = bytesRead + #row[2][2]
      if versions then
        versions[#versions + 1] = someVersions[i]
        if someVersions[i] then bytesRead = bytesRead + #someVersions[i] end
      end
      if bytesRead >= MAX_BYTES then return { text, rows, versions, 1 } end
    end
    if #some < count then break end
    left = left - count
    local edge = '(' .. some[#some][1]
    if reverse == '1' then to = edge else from = edge end
  end
  return { text, rows, versions }
end

local function readRange(keys, after, before, limit, reverse)
  if bytesRead >= MAX_BYTES then return READ_AGAIN end
  local state, text = readState(keys)
  if not state then return text end
  local from = '(0-' .. (less(after, state.floor) and state.floor or after)
  local to = before == '+' and before or '(0-' .. before
  if hasFlag(state, 'l') then return readLarge(keys, state, text, from, to, limit, reverse) end
  return readSmall(keys, state, text, from, to, limit, reverse)
end

local answers = {}
for i = 2, #ARGV, 4 do
  local keys = keysOf(KEYS[(i - 2) / 4 * tonumber(ARGV[1]) + 1])
  answers[#answers + 1] = readRange(keys, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return answers
