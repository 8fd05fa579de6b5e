import { script } from './script.js';
import { LIFE, STATE } from './state.js';

/**
 * Appends to many Timelines: one group of writes for each. KEYS: the streams, each followed by what a Cluster wants declared.
 * ARGV: the plan as JSON (see `AppendPlan`), then the bodies it refers to. Answers one text with a line for each write, group by group:
 * `epoch id`, when the ids are consecutive; `epoch id id …` with `=` before those of known keys; or, after `!`, what was wrong:
 * `C expected actual`, `K actual index`, `E` or `U` and a message, when nothing or maybe something was written.
 *
 * Nearly all writes are plain entries for Timelines that are as they were left. These are tried first, with one command for all states
 * and one to keep them; the general way takes over, having lost nothing, wherever something is not as expected.
 */
export const APPEND = script(`
local plan = cjson.decode(ARGV[1])
local now, answers = plan.now, {}
${LIFE}
local current = life()

local names = { t = 't' .. now, b = 'b' .. now }

local function kindOf(body)
  return #plan.kinds == 1 and plan.kinds or string.sub(plan.kinds, body, body)
end

-- The answer and the new state, or nothing.
local function appendPlain(stream, text, body, count)
  local epoch, last, at, first, rest = string.match(text or '', '^([^ ]+) (%d+) (%d+) (%d+)( .*)$')
  if not epoch or string.sub(epoch, -LIFE_LENGTH) ~= current or #last > 15 then return end
  local top = tonumber(last)
  if top < tonumber(first) then return end
  local ahead = tonumber(at) > tonumber(now)
  if not ahead then at = now end
  local seq = string.format('%.0f', top + 1)
  local id = '0-' .. seq
  for i = body, body + count - 1 do
    local kind = kindOf(i)
    local added = redis.pcall('XADD', stream, 'NOMKSTREAM', id, ahead and kind .. at or names[kind], ARGV[i + 1])
    if type(added) ~= 'string' then return i > body and '!U the stream refused an entry' end
    id = '0-*'
  end
  last = count == 1 and seq or string.format('%.0f', top + count)
  return epoch .. ' ' .. seq, epoch .. ' ' .. last .. ' ' .. at .. ' ' .. first .. rest
end

local function general(groups)
${STATE}

local function lookUp(keys, key)
  for _, generation in ipairs(plan.generations) do
    local known = redis.call('HGET', keys.base .. generation, key)
    if known then
      local seq, at, hash = string.match(known, '^(%d+) (%d+) (.*)$')
      if tonumber(now) - tonumber(at) < plan.window then return { seq, hash } end
    end
  end
end

local function newTimeline(keys)
  for _, generation in ipairs(plan.generations) do redis.call('DEL', keys.base .. generation) end
  return { epoch = plan.born .. '-' .. current, last = '0', at = '0', first = '1', firstAt = '0', floor = '0', flags = '-', lineage = '-' }
end

local function decide(keys, st, write)
  local ids, fresh, planned, plain = {}, {}, {}, true
  local top = st.last
  for i = 2, #write do
    local entry = write[i]
    local body, seq, key, hash = entry, '', '', ''
    if type(entry) == 'table' then body, seq, key, hash = entry[1], entry[2], entry[3], entry[4] end
    local known = key ~= '' and (planned[key] or lookUp(keys, key))
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
  local at = less(st.at, now) and now or st.at
  for _, entry in ipairs(fresh) do
    local body, seq, key = entry[1], entry[2], entry[3]
    local name = kindOf(body) .. at
    if key ~= '' then name = name .. ':' .. key end
    redis.call('XADD', keys.stream, '0-' .. seq, name, ARGV[body + 1])
    st.written = true
    if key ~= '' then
      redis.call('HSET', keys.base .. plan.generations[1], key, seq .. ' ' .. now .. ' ' .. entry[4])
      st.keyed = true
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

local function messageOf(problem)
  return type(problem) == 'table' and problem.err or tostring(problem)
end

local function finish(keys, st)
  if st.keyed then redis.call('PEXPIRE', keys.base .. plan.generations[1], plan.keep) end
  save(keys, st)
end

local function appendGroup(keys, writes)
  local answers, broken = {}, nil
  local ok, st = pcall(load, keys, plan.born, current)
  if ok and not st then ok, st = pcall(newTimeline, keys) end
  if not ok then broken, st = '!E ' .. messageOf(st), {} end
  for i, item in ipairs(writes) do
    local answer = broken
    if not broken then
      ok, answer = pcall(write, keys, st, item)
      if not ok and not st.written and string.find(messageOf(answer), 'equal or smaller', 1, true) then
        -- The stream is ahead of what was known of it: an older state was put beside it.
        ok, st = pcall(adopt, keys, plan.born .. '-' .. current)
        if ok then ok, answer = pcall(write, keys, st, item) else answer, st = st, {} end
      end
      if not ok then
        answer = (st.written and '!U ' or '!E ') .. messageOf(answer)
        broken = '!E ' .. messageOf(answer)
      end
    end
    answers[i] = answer
  end
  local finished, problem = pcall(finish, keys, st)
  if not finished then
    for i, answer in ipairs(answers) do
      if string.sub(answer, 1, 1) ~= '!' then answers[i] = '!U ' .. messageOf(problem) end
    end
  end
  return answers
end

for _, i in ipairs(groups) do
  local group = plan.groups[i]
  local each = appendGroup(siblings(KEYS[(i - 1) * plan.stride + 1]), type(group) == 'number' and { group } or group)
  answers[i] = table.concat(each, '\\n')
end
end

local places, metas = {}, {}
for i, group in ipairs(plan.groups) do
  if type(group) == 'number' or #group == 1 and type(group[1]) == 'table' and type(group[1][1]) == 'number' then
    places[#places + 1] = i
    metas[#metas + 1] = string.sub(KEYS[(i - 1) * plan.stride + 1], 1, -2) .. 'm'
  end
end

local changes = {}
local states = #metas > 0 and redis.pcall('MGET', unpack(metas))
for n, i in ipairs(places) do
  local group, state = plan.groups[i], nil
  local body, count = group, 1
  if type(group) == 'table' then body, count = group[1][1], group[1][2] end
  answers[i], state = appendPlain(KEYS[(i - 1) * plan.stride + 1], states[n], body, count)
  if state then
    changes[#changes + 1] = metas[n]
    changes[#changes + 1] = state
  end
end
local saved = #changes > 0 and redis.pcall('MSET', unpack(changes))
if saved and saved.err then
  for _, i in ipairs(places) do answers[i] = answers[i] and '!U ' .. saved.err end
end

local left = {}
for i = 1, #plan.groups do
  if not answers[i] then left[#left + 1] = i end
end
if #left > 0 then general(left) end
return table.concat(answers, '\\n')
`);
