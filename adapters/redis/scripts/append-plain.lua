-- Appends plain entries, without keys, SeqIds or expectations, to Timelines that are as this process left them.
--
-- KEYS    the stream of each Timeline, in a Cluster each followed by its state
-- ARGV    1: the kind of the bodies, `t` or `b`, and the time, as entries are named
--         2: how many bodies each Timeline gets, separated by spaces; '' if one each, `*` if all get the same one
--         3: the latest time that is not of the future, padded
--         4…: the bodies, none of them large
-- answer  one text with a line for each Timeline: its new state; nothing, if anything was not as expected and nothing
--         was written; or `!` and a message, if something may have been written
-- caller  Appender in append.ts
--
-- This is the hot path. Patterns and numbers that become text are most of the cost of a script, so it splits the state
-- at fixed offsets and counts the SeqId up by its last digit.
--include ../timeline-state.lua
local name, counts, latest = ARGV[1], ARGV[2], ARGV[3]
local call, sub, byte = redis.pcall, string.sub, string.byte
local kind, now = sub(name, 1, 1), padTime(sub(name, 2))
local replId = replicationId()
local NINE = byte('9')

-- Of SeqIds of up to 15 digits.
local function successor(seqId)
  local digit = byte(seqId, -1)
  if digit < NINE then return sub(seqId, 1, -2) .. string.char(digit + 1) end
  return string.format('%.0f', seqId + 1)
end

local stride = sub(KEYS[2] or '', -2) == ':m' and 2 or 1
local stateKeys = {}
for i = 1, #KEYS, stride do
  stateKeys[#stateKeys + 1] = stride == 2 and KEYS[i + 1] or sub(KEYS[i], 1, -2) .. 'm'
end
local states = call('MGET', unpack(stateKeys))

local nextCount = counts ~= '' and counts ~= '*' and string.gmatch(counts, '%d+')
local body = 4
local answers, changes, changed = {}, {}, 0
for i, stateKey in ipairs(stateKeys) do
  local text, stream, count = states[i], KEYS[(i - 1) * stride + 1], nextCount and tonumber(nextCount()) or 1
  local answer = ''
  local last, lastAt, epochReplId, rest
  if text then last, lastAt, epochReplId, rest = splitState(text) end
  if last and #last < 16 and epochReplId == replId then
    local at, field = now, name
    if lastAt > now and lastAt <= latest then at, field = lastAt, kind .. string.match(lastAt, '0*(%d+)') end
    local seqId = successor(last)
    local id = call('XADD', stream, 'NOMKSTREAM', '0-' .. seqId, field, ARGV[body])
    if type(id) == 'string' then
      for more = body + 1, body + count - 1 do
        id = call('XADD', stream, '0-*', field, ARGV[more])
        if type(id) ~= 'string' then break end
      end
      if type(id) ~= 'string' then
        answer = '!the stream refused an entry'
      else
        if count > 1 then seqId = sub(id, 3) end
        answer = joinState(seqId, at, rest)
        changes[changed + 1] = stateKey
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
return table.concat(answers, '\n')
