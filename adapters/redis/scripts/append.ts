import { script } from './script.js';
import { LARGE, STATE_AND_LIFE } from './state.js';

/** A Timeline looks for keys that are too old about once in so many appends with a key. */
export const KEYS_BETWEEN = 32;

/**
 * Appends whatever may be appended: one group of writes for each Timeline. KEYS: the streams, each followed by what a
 * Cluster wants declared. ARGV: the plan as JSON (see `AppendPlan`), then the bodies it refers to. Answers one text
 * with a line for each write, group by group: `epoch id`, when the ids are consecutive; `epoch id id …` with `=` before
 * those of known keys; or, after `!`, what was wrong: `C expected actual`, `K actual index`, `E` or `U` and a message,
 * when nothing or maybe something was written.
 */
export const APPEND = script(`
local plan = cjson.decode(ARGV[1])
local now, answers = plan.now, {}
${STATE_AND_LIFE}
local current = life()

local function kindOf(body)
  return #plan.kinds == 1 and plan.kinds or string.sub(plan.kinds, body, body)
end

local function isKept(known)
  local seq, at, hash = string.match(known, '^(%d+) (%d+) (.*)$')
  return seq and (plan.window < 0 or tonumber(plan.expiry) - tonumber(at) < plan.window), seq, hash
end

local function lookUp(keys, st, key)
  local known = not st.isNew and redis.call('HGET', keys.keyed, key)
  if not known then return end
  local kept, seq, hash = isKept(known)
  if kept then return { seq, hash } end
end

-- Looks at a few keys, anywhere among them: the more are forgotten that are older than the window, the fewer of them are left to find.
local function purge(keys, count)
  local found = redis.call('HSCAN', keys.keyed, plan.cursor, 'COUNT', count)[2]
  local old = {}
  for i = 1, #found, 2 do
    if not isKept(found[i + 1]) then old[#old + 1] = found[i] end
  end
  for i = 1, #old, 1000 do redis.call('HDEL', keys.keyed, unpack(old, i, math.min(i + 999, #old))) end
end

local function newTimeline()
  return { isNew = true, epoch = current .. '-' .. plan.born, last = '0', at = '0', first = '1', firstAt = '0', floor = '0', flags = '-', lineage = '-' }
end

local function decide(keys, st, write)
  local ids, fresh, planned, plain = {}, {}, {}, true
  local top = st.last
  for i = 2, #write do
    local entry = write[i]
    local body, seq, key, hash = entry, '', '', ''
    if type(entry) == 'table' then body, seq, key, hash = entry[1], entry[2], entry[3], entry[4] end
    local known = key ~= '' and (planned[key] or lookUp(keys, st, key))
    if known then
      if known[2] ~= hash then return '!K ' .. known[1] .. ' ' .. i - 2 end
      ids[#ids + 1], plain = '=' .. known[1], false
    else
      if seq == '' then seq = successor(top) else plain = false end
      if not less(top, seq) or less(MAX, seq) then return '!C ' .. seq .. ' ' .. top end
      top = seq
      if key ~= '' then planned[key] = { seq, hash } end
      fresh[#fresh + 1] = { body, seq, key, hash }
      ids[#ids + 1] = seq
    end
  end
  if #fresh > 0 and write[1] ~= '' and write[1] ~= st.last then return '!C ' .. write[1] .. ' ' .. st.last end
  return st.epoch .. ' ' .. (plain and ids[1] or table.concat(ids, ' ')), fresh
end

local function apply(keys, st, fresh)
  local at = less(now, st.at) and not less(plan.latest, st.at) and st.at or now
  for _, entry in ipairs(fresh) do
    local body, seq, key = entry[1], entry[2], entry[3]
    local name = kindOf(body) .. at
    if key ~= '' then name = name .. ':' .. key end
    redis.call('XADD', keys.stream, '0-' .. seq, name, ARGV[body + 1])
    st.written = true
    if #ARGV[body + 1] > ${LARGE} then put(st, 'l', true) end
    if key ~= '' then
      if st.isNew then redis.call('UNLINK', keys.keyed) end
      redis.call('HSET', keys.keyed, key, seq .. ' ' .. plan.expiry .. ' ' .. entry[4])
      st.keyed, st.isNew = (st.keyed or 0) + 1, false
    end
    if isEmpty(st) then st.first, st.firstAt = seq, at end
    st.last, st.at, st.dirty = seq, at, true
  end
end

local function explicit(item)
  if type(item) == 'number' then return { '', item } end
  if type(item[1]) == 'string' then return item end
  local entries = { '' }
  for body = item[1], item[1] + item[2] - 1 do entries[#entries + 1] = body end
  return entries
end

local function write(keys, st, item)
  st.written = false
  local answer, fresh = decide(keys, st, explicit(item))
  if fresh then apply(keys, st, fresh) end
  return answer
end

local function finish(keys, st, isTurn)
  if st.keyed then
    if plan.window >= 0 then redis.call('PEXPIRE', keys.keyed, plan.keep) else redis.call('PERSIST', keys.keyed) end
    local count = st.keyed < ${KEYS_BETWEEN} and ${4 * KEYS_BETWEEN} or math.min(1000, 4 * st.keyed)
    if plan.window >= 0 and (isTurn or st.keyed >= ${KEYS_BETWEEN}) then purge(keys, count) end
  end
  save(keys, st)
end

local function appendGroup(keys, writes, isTurn)
  local answers, broken = {}, nil
  local ok, st = pcall(load, keys, plan.born, current)
  if ok and not st then ok, st = pcall(newTimeline) end
  if not ok then broken, st = '!E ' .. messageOf(st), {} end
  for i, item in ipairs(writes) do
    local answer = broken
    if not broken then
      ok, answer = pcall(write, keys, st, item)
      if not ok and not st.written and string.find(messageOf(answer), 'equal or smaller', 1, true) then
        -- The stream is ahead of what was known of it: an older state was put beside it.
        ok, st = pcall(adopt, keys, current .. '-' .. plan.born)
        if ok then ok, answer = pcall(write, keys, st, item) else answer, st = st, {} end
      end
      if not ok then
        answer = (st.written and '!U ' or '!E ') .. messageOf(answer)
        broken = '!E ' .. messageOf(answer)
      end
    end
    answers[i] = answer
  end
  local finished, problem = pcall(finish, keys, st, isTurn)
  if not finished then
    for i, answer in ipairs(answers) do
      if string.sub(answer, 1, 1) ~= '!' then answers[i] = '!U ' .. messageOf(problem) end
    end
  end
  return answers
end

for i, group in ipairs(plan.groups) do
  local each = appendGroup(siblings(KEYS[(i - 1) * plan.stride + 1]), type(group) == 'number' and { group } or group, i % ${KEYS_BETWEEN} == plan.turn)
  answers[i] = table.concat(each, '\\n')
end
return table.concat(answers, '\\n')
`);
