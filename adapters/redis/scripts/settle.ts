import { EXPIRE } from './expire.js';
import { script } from './script.js';
import { STATE_AND_LIFE } from './state.js';

/** Ends a step of removal once so many entries were removed, so that no other client waits long. */
const STEP = 5000;
/** The same where bodies may be large: freeing them takes longer. */
const LARGE_STEP = 200;
/** What finding out what has expired counts as, in entries removed. */
const SEARCH = 100;
/** Versions looked at in one step. */
const VERSIONS = 200;
const LARGE_VERSIONS = 8;

/**
 * Makes the state of Timelines what their data are: adopts a stream whose state was lost, moves the floor over what has
 * expired, or was trimmed, and removes what lies below it. It may run without memory left, since it frees some. ARGV: a
 * name for a new epoch, the cutoff of expiry or '', the latest time that is not of the future, the time to give to what
 * is, the number of keys declared for each, and of a trim `through` or `keepLast` and the number. Answers, for each
 * Timeline, 1 if there is more to remove, plus 2 if the overlay has versions to purge, plus 4 if anything was removed;
 * or, after `!`, what is wrong with it.
 */
export const SETTLE = script(`#!lua flags=allow-oom
${STATE_AND_LIFE}
${EXPIRE}
local born, cutoff, current = ARGV[1], tonumber(ARGV[2]), life()
local latest, now, stride, how, number = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local work = 0

-- Physical removal, in steps of whole nodes; true if there is more to do.
local function remove(keys, st)
  local step = has(st, 'l') and ${LARGE_STEP} or ${STEP}
  local removed = redis.call('XTRIM', keys.stream, 'MINID', '~', '0-' .. st.first, 'LIMIT', step)
  local more = removed > step - math.min(1000, step / 2)
  if not more then removed = removed + redis.call('XTRIM', keys.stream, 'MINID', '=', '0-' .. st.first) end
  work = work + removed * (${STEP} / step)
  if has(st, 'u') and isEmpty(st) then
    redis.call('UNLINK', keys.overlay)
    put(st, 'u', false)
    put(st, 'p', false)
  end
  return more, removed
end

-- The floor is always an entry that was there, or readers would be told of a loss where none was.
local function trim(keys, st, how, number)
  if how == 'keepLast' and not isEmpty(st) then
    local kept = redis.call('XLEN', keys.stream)
    if kept <= tonumber(number) then return end
    local last = tonumber(st.last)
    if last < 2 ^ 53 and kept == last - tonumber(st.floor) then
      how, number = 'through', string.format('%.0f', last - tonumber(number))
    end
  end
  if how == 'through' then
    local cut = redis.call('XREVRANGE', keys.stream, '0-' .. number, '(0-' .. st.floor, 'COUNT', 1)[1]
    if not cut then return end
    local seq = seqOf(cut)
    local row = redis.call('XRANGE', keys.stream, '(0-' .. seq, '+', 'COUNT', 1)[1]
    if row then raise(keys, st, seq, seqOf(row)) else raise(keys, st, seq) end
  elseif redis.call('XLEN', keys.stream) > tonumber(number) then
    redis.call('XTRIM', keys.stream, 'MAXLEN', '=', successor(number))
    local rows = redis.call('XRANGE', keys.stream, '-', '+', 'COUNT', 2)
    local seq = seqOf(rows[1])
    if not less(st.floor, seq) then return end
    if rows[2] then raise(keys, st, seq, seqOf(rows[2])) else raise(keys, st, seq) end
  end
end

local function settle(keys)
  if work >= ${STEP} then return 1 end
  local st = load(keys, born, current)
  if not st then return 0 end
  if cutoff then
    if expire(keys, st, cutoff, latest, now) then work = work + ${SEARCH} end
  end
  if how then trim(keys, st, how, number) end
  local more, removed = remove(keys, st)
  save(keys, st)
  return (more and 1 or 0) + (has(st, 'p') and 2 or 0) + (removed > 0 and 4 or 0)
end

local answers = {}
for i = 1, #KEYS, stride do
  local ok, answer = pcall(settle, siblings(KEYS[i]))
  -- Among many, one that cannot be settled must not keep the others from it.
  answers[#answers + 1] = ok and answer or '!' .. messageOf(answer)
end
return answers
`);

/**
 * One step of removing the versions of entries that are gone. ARGV: a name for a new epoch, where the last step ended,
 * `0` at first, and what was the first entry then. Answers where this one ended, `0` at last, and the first entry.
 */
export const PURGE_OVERLAY = script(`#!lua flags=allow-oom
${STATE_AND_LIFE}
local st = load(siblings(KEYS[1]), ARGV[1], life())
local keys = siblings(KEYS[1])
if not st or not has(st, 'p') then return '0 0' end
local first = ARGV[3] ~= '' and ARGV[3] or st.first
local found = redis.call('HSCAN', keys.overlay, ARGV[2], 'COUNT', has(st, 'l') and ${LARGE_VERSIONS} or ${VERSIONS})
local gone = {}
for i = 1, #found[2], 2 do
  if less(found[2][i], st.first) then gone[#gone + 1] = found[2][i] end
end
for i = 1, #gone, 1000 do redis.call('HDEL', keys.overlay, unpack(gone, i, math.min(i + 999, #gone))) end
if found[1] == '0' and first == st.first then
  put(st, 'p', false)
  if redis.call('EXISTS', keys.overlay) == 0 then put(st, 'u', false) end
end
save(keys, st)
return found[1] .. ' ' .. first
`);
