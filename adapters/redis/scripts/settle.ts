import { script } from './script.js';
import { LIFE, STATE } from './state.js';

/** Ends a step of removal once so many entries were removed, so that no other client waits long. */
const STEP = 5000;

/**
 * Shared by what removes a prefix. What is expired is found by halving the range of ids, in doubles; above 2^53 these are rounded,
 * so the last steps go from entry to entry.
 */
export const CUT = `${LIFE}${STATE}
local function lastExpired(keys, st, cutoff)
  local found, low, high = st.first, tonumber(st.first), tonumber(st.last)
  local near = high < 2 ^ 53 and 1 or 4096
  while high - low > near do
    local middle = math.floor((low + high) / 2)
    local row = redis.call('XRANGE', keys.stream, '0-' .. string.format('%.0f', middle), '+', 'COUNT', 1)[1]
    local seq, at
    if row then seq, at = seqOf(row) end
    if row and tonumber(at) <= cutoff then
      found, low = seq, math.max(middle, tonumber(seq))
    else
      high = middle
    end
  end
  while true do
    local row = redis.call('XRANGE', keys.stream, '(0-' .. found, '+', 'COUNT', 1)[1]
    local seq, at
    if row then seq, at = seqOf(row) end
    if not row or tonumber(at) > cutoff then return found, seq, at end
    found = seq
  end
end

-- Of an entry that is yet to come, all that is known is that it will not be older than the last one.
local function raise(st, floor, first, firstAt)
  st.floor, st.first, st.firstAt, st.dirty = floor, first or successor(st.last), firstAt or st.at, true
end

local function expire(keys, st, cutoff)
  if isEmpty(st) or tonumber(st.firstAt) > cutoff then return end
  if tonumber(st.at) <= cutoff then
    raise(st, st.last)
    return
  end
  -- It may be younger than the state knows.
  local oldest, seq, at = redis.call('XRANGE', keys.stream, '0-' .. st.first, '+', 'COUNT', 1)[1]
  if oldest then seq, at = seqOf(oldest) end
  if at and tonumber(at) > cutoff then
    st.firstAt, st.dirty = at, true
  else
    raise(st, lastExpired(keys, st, cutoff))
  end
end

-- Physical removal, in steps of whole nodes; true if there is more to do.
local function remove(keys, st)
  if redis.call('XTRIM', keys.stream, 'MINID', '~', '0-' .. st.first, 'LIMIT', ${STEP}) > ${STEP - 1000} then return true end
  redis.call('XTRIM', keys.stream, 'MINID', '=', '0-' .. st.first)
  if st.flags ~= 'u' then return false end
  for _, seq in ipairs(redis.call('HKEYS', keys.overlay)) do
    if less(seq, st.first) then redis.call('HDEL', keys.overlay, seq) end
  end
  if redis.call('EXISTS', keys.overlay) == 0 then st.flags, st.dirty = '-', true end
  return false
end
`;

/**
 * Makes the state of Timelines what their data are: adopts a stream whose state was lost, moves the floor over what has expired, or
 * was trimmed, and removes what lies below it. ARGV: a name for a new epoch, the cutoff of expiry or '', the number of keys declared for each,
 * and of a trim `through` or `keepLast` and the number. Answers 1 for each Timeline where there is more to remove, else 0.
 */
export const SETTLE = script(`${CUT}
local born, cutoff, current = ARGV[1], tonumber(ARGV[2]), life()

-- The floor is always an entry that was there, or readers would be told of a loss where none was.
local function trim(keys, st, how, number)
  if how == 'through' then
    local cut = redis.call('XREVRANGE', keys.stream, '0-' .. number, '(0-' .. st.floor, 'COUNT', 1)[1]
    if not cut then return end
    local seq = seqOf(cut)
    local row = redis.call('XRANGE', keys.stream, '(0-' .. seq, '+', 'COUNT', 1)[1]
    if row then raise(st, seq, seqOf(row)) else raise(st, seq) end
  elseif redis.call('XLEN', keys.stream) > tonumber(number) then
    redis.call('XTRIM', keys.stream, 'MAXLEN', '=', successor(number))
    local rows = redis.call('XRANGE', keys.stream, '-', '+', 'COUNT', 2)
    local seq = seqOf(rows[1])
    if not less(st.floor, seq) then return end
    if rows[2] then raise(st, seq, seqOf(rows[2])) else raise(st, seq) end
  end
end

local function settle(keys)
  local st = load(keys, born, current)
  if not st then return 0 end
  if cutoff then expire(keys, st, cutoff) end
  if ARGV[4] then trim(keys, st, ARGV[4], ARGV[5]) end
  local more = remove(keys, st)
  save(keys, st)
  return more and 1 or 0
end

local answers = {}
local stride = tonumber(ARGV[3])
for i = 1, #KEYS, stride do
  local ok, answer = pcall(settle, siblings(KEYS[i]))
  -- Among many, one that cannot be settled must not keep the others from it.
  if not ok and #KEYS == stride then error(answer) end
  answers[#answers + 1] = ok and answer or 0
end
return answers
`);
