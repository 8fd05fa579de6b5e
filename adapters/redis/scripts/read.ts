import { script } from './script.js';
import { LARGE, STATE_AND_LIFE } from './state.js';

/** Bytes of bodies of one answer, about. */
const MOST_BYTES = 8 * 2 ** 20;
/** Rows that cannot make more than that unless bodies are large. */
const ROWS = MOST_BYTES / LARGE;
/** Rows fetched at once where bodies may be large. */
const FEW = 8;

/**
 * Reads many ranges, each from one state of its Timeline. ARGV, after the number of keys declared for each: `after`,
 * `before` (exclusive, `+` for none), limit and direction of each range. Answers, for each, the state, the rows as
 * XRANGE gives them, what the overlay says of them, or `false`, and 1 if bytes, not the limit, ended it; `false` for a
 * Timeline never written to; 1 for one whose state has to be settled first; 2 for one that has to be asked for again,
 * as the others have filled the answer.
 */
export const READ = script(`${STATE_AND_LIFE}
local total, bytes = 0, 0

local function fetch(keys, from, to, count, reverse)
  if reverse == '1' then return redis.call('XREVRANGE', keys.stream, to, from, 'COUNT', count) end
  return redis.call('XRANGE', keys.stream, from, to, 'COUNT', count)
end

local function versionsOf(keys, rows)
  local ids, versions = {}, {}
  for i, row in ipairs(rows) do ids[i] = string.sub(row[1], 3) end
  for i = 1, #ids, 1000 do
    for _, found in ipairs(redis.call('HMGET', keys.overlay, unpack(ids, i, math.min(i + 999, #ids)))) do versions[#versions + 1] = found end
  end
  return versions
end

local function readSmall(keys, st, text, from, to, limit, reverse)
  local rows = fetch(keys, from, to, limit, reverse)
  total = total + #rows
  if total > ${ROWS} then
    for _, row in ipairs(rows) do bytes = bytes + #row[2][2] end
  end
  if not has(st, 'u') or #rows == 0 then return { text, rows } end
  return { text, rows, versionsOf(keys, rows) }
end

local function readLarge(keys, st, text, from, to, limit, reverse)
  local rows, versions, left = {}, has(st, 'u') and {}, tonumber(limit)
  while left > 0 do
    local count = math.min(left, ${FEW})
    local some = fetch(keys, from, to, count, reverse)
    local changed = versions and #some > 0 and versionsOf(keys, some)
    for i, row in ipairs(some) do
      rows[#rows + 1] = row
      bytes = bytes + #row[2][2]
      if versions then
        versions[#versions + 1] = changed[i]
        if changed[i] then bytes = bytes + #changed[i] end
      end
      if bytes >= ${MOST_BYTES} then return { text, rows, versions, 1 } end
    end
    if #some < count then break end
    left = left - count
    local edge = '(' .. some[#some][1]
    if reverse == '1' then to = edge else from = edge end
  end
  return { text, rows, versions }
end

local function read(keys, after, before, limit, reverse)
  if bytes >= ${MOST_BYTES} then return 2 end
  local text = redis.call('GET', keys.meta)
  if not text then return redis.call('EXISTS', keys.stream) == 1 and 1 end
  local st = parse(text)
  checkStream(keys, st)
  if st.dirty then return 1 end
  local from = '(0-' .. (less(after, st.floor) and st.floor or after)
  local to = before == '+' and before or '(0-' .. before
  if has(st, 'l') then return readLarge(keys, st, text, from, to, limit, reverse) end
  return readSmall(keys, st, text, from, to, limit, reverse)
end

local slices = {}
for i = 2, #ARGV, 4 do
  local keys = siblings(KEYS[(i - 2) / 4 * tonumber(ARGV[1]) + 1])
  slices[#slices + 1] = read(keys, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return slices
`);
