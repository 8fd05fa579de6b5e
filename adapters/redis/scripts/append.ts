import { script } from './script.js';
import { LIFE, STATE } from './state.js';

/**
 * Appends whatever may be appended: one group of writes for each Timeline. KEYS: the streams, each followed by what a Cluster wants
 * declared. ARGV: the plan as JSON (see `AppendPlan`), then the bodies it refers to. Answers one text with a line for each write, group by group:
 * `epoch id`, when the ids are consecutive; `epoch id id …` with `=` before those of known keys; or, after `!`, what was wrong:
 * `C expected actual`, `K actual index`, `E` or `U` and a message, when nothing or maybe something was written.
 */
export const APPEND = script(`
local plan = cjson.decode(ARGV[1])
local now, answers = plan.now, {}
${LIFE}
local current = life()
${STATE}
local function kindOf(body)
  return #plan.kinds == 1 and plan.kinds or string.sub(plan.kinds, body, body)
end

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
  return { epoch = current .. '-' .. plan.born, last = '0', at = '0', first = '1', firstAt = '0', floor = '0', flags = '-', lineage = '-' }
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
  local finished, problem = pcall(finish, keys, st)
  if not finished then
    for i, answer in ipairs(answers) do
      if string.sub(answer, 1, 1) ~= '!' then answers[i] = '!U ' .. messageOf(problem) end
    end
  end
  return answers
end

for i, group in ipairs(plan.groups) do
  local each = appendGroup(siblings(KEYS[(i - 1) * plan.stride + 1]), type(group) == 'number' and { group } or group)
  answers[i] = table.concat(each, '\\n')
end
return table.concat(answers, '\\n')
`);
