import { script } from './script.js';
import { LIFE, STATE } from './state.js';

/**
 * Reads many ranges, each from one state of its Timeline. ARGV, after the number of keys declared for each: `after`, `before`
 * (exclusive, `+` for none), limit and direction of each range. Answers, for each, the state, the rows as XRANGE gives them and what
 * the overlay says of them; `false` for a Timeline never written to; 1 for one whose state has to be settled first.
 */
export const READ = script(`${LIFE}${STATE}
local function read(keys, after, before, limit, reverse)
  local text = redis.call('GET', keys.meta)
  if not text then return redis.call('EXISTS', keys.stream) == 1 and 1 end
  local st = parse(text)
  checkStream(keys, st)
  if st.dirty then return 1 end
  local from = '(0-' .. (less(after, st.floor) and st.floor or after)
  local to = before == '+' and before or '(0-' .. before
  local rows
  if reverse == '1' then
    rows = redis.call('XREVRANGE', keys.stream, to, from, 'COUNT', limit)
  else
    rows = redis.call('XRANGE', keys.stream, from, to, 'COUNT', limit)
  end
  if st.flags ~= 'u' or #rows == 0 then return { text, rows } end
  local ids = {}
  for i, row in ipairs(rows) do ids[i] = string.sub(row[1], 3) end
  local overlay = {}
  for i = 1, #ids, 1000 do
    for _, found in ipairs(redis.call('HMGET', keys.overlay, unpack(ids, i, math.min(i + 999, #ids)))) do overlay[#overlay + 1] = found end
  end
  return { text, rows, overlay }
end

local slices = {}
for i = 2, #ARGV, 4 do
  local keys = siblings(KEYS[(i - 2) / 4 * tonumber(ARGV[1]) + 1])
  slices[#slices + 1] = read(keys, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return slices
`);
