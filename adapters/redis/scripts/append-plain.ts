import { script } from './script.js';
import { LIFE, TIME_WIDTH } from './state.js';

/**
 * Appends plain entries, without keys, ids or expectations, to Timelines that are as they were left. KEYS: the streams,
 * each followed by its state in a Cluster. ARGV: the kind of the bodies and the time, as entries are named; how many
 * bodies each Timeline gets, `''` if one, `*` if all get the same; the latest time that is not of the future, at full
 * width; the bodies, none of them large. Answers one text with a line for each Timeline: its new state; nothing, where
 * something is not as expected and nothing was written; or `!` and a message, where something may have been.
 *
 * This is the hot path. Patterns and numbers that are turned into text are most of what a script can spend, so the
 * state is cut at fixed places, and the next SeqId is made by its last digit.
 */
export const APPEND_PLAIN = script(`
local name, counts, latest = ARGV[1], ARGV[2], ARGV[3]
local call, sub, find, byte = redis.pcall, string.sub, string.find, string.byte
local now = string.rep('0', ${TIME_WIDTH} + 1 - #name) .. sub(name, 2)
${LIFE}
local current = life()
local NINE = byte('9')

-- Of decimal numbers of up to 15 digits.
local function successor(n)
  local digit = byte(n, -1)
  if digit < NINE then return sub(n, 1, -2) .. string.char(digit + 1) end
  return string.format('%.0f', n + 1)
end

local stride = sub(KEYS[2] or '', -2) == ':m' and 2 or 1
local metas = {}
for i = 1, #KEYS, stride do
  metas[#metas + 1] = stride == 2 and KEYS[i + 1] or sub(KEYS[i], 1, -2) .. 'm'
end
local states = call('MGET', unpack(metas))

local body = 4
local each = counts ~= '' and counts ~= '*' and string.gmatch(counts, '%d+')

local answers, changes, changed = {}, {}, 0
for i, meta in ipairs(metas) do
  local text, stream, count = states[i], KEYS[(i - 1) * stride + 1], each and tonumber(each()) or 1
  local answer = ''
  local space = text and find(text, ' ', 1, true)
  if space and space < 17 and sub(text, space + ${TIME_WIDTH + 2}, space + ${TIME_WIDTH + 1} + LIFE_LENGTH) == current then
    local at, field = now, name
    local before = sub(text, space + 1, space + ${TIME_WIDTH})
    if before > now and before <= latest then at, field = before, sub(name, 1, 1) .. string.match(before, '0*(%d+)') end
    local seq = successor(sub(text, 1, space - 1))
    local id = call('XADD', stream, 'NOMKSTREAM', '0-' .. seq, field, ARGV[body])
    if type(id) == 'string' then
      for more = body + 1, body + count - 1 do
        id = call('XADD', stream, '0-*', field, ARGV[more])
        if type(id) ~= 'string' then break end
      end
      if type(id) ~= 'string' then
        answer = '!the stream refused an entry'
      else
        if count > 1 then seq = sub(id, 3) end
        answer = seq .. ' ' .. at .. sub(text, space + ${TIME_WIDTH + 1})
        changes[changed + 1] = meta
        changes[changed + 2] = answer
        changed = changed + 2
      end
    end
  end
  if counts ~= '*' then body = body + count end
  answers[i] = answer
end

local saved = changed > 0 and call('MSET', unpack(changes))
if saved and saved.err then
  for i, answer in ipairs(answers) do
    if answer ~= '' then answers[i] = '!' .. saved.err end
  end
end
return table.concat(answers, '\\n')
`);
