-- The state of a Timeline after one more entry, for the scripts of the hot path. Patterns, numbers that become text and
-- every new string are most of the cost of a script: the state is split at known places, and the SeqId counted up by its
-- last digit. Include timeline-state.lua before this file.
local call, sub, find, byte, char = redis.pcall, string.sub, string.find, string.byte, string.char
local LAST_PLACE = AT_WIDTH + 2
-- From the space behind `last` to the epoch.
local TO_EPOCH = PERIOD_WIDTH + 2
local NINE = byte('9')

-- Returns the padded time of the last entry, the next SeqId, and the text behind `last`. Returns nothing if another
-- server began the epoch, or for a SeqId of more than 15 digits.
local function advanceState(text, replId)
  local space = text and find(text, ' ', LAST_PLACE, true)
  if not space or space - LAST_PLACE > 15 then return end
  if find(text, replId, space + TO_EPOCH, true) ~= space + TO_EPOCH then return end
  local digit = byte(text, space - 1)
  local seqId
  if digit < NINE then
    seqId = sub(text, LAST_PLACE, space - 2) .. char(digit + 1)
  else
    seqId = string.format('%.0f', sub(text, LAST_PLACE, space - 1) + 1)
  end
  return sub(text, 1, AT_WIDTH), seqId, sub(text, space)
end

-- Times of entries do not fall. Returns the padded time of the next entry, and what its field begins with: the kind of
-- its body and its time. `name` is that for the present time `now`; times above `latest` are of the future.
local function nextTime(lastAt, name, now, latest)
  if lastAt <= now or lastAt > latest then return now, name end
  return lastAt, sub(name, 1, 1) .. string.match(lastAt, '0*(%d+)')
end

-- Returns what the keys of each Timeline begin with, and the keys of their states. A single server is told the former;
-- a Cluster has to be told every key, `count` of each Timeline and its stream first.
local function timelineKeys(count)
  local bases, stateKeys = KEYS, {}
  if sub(KEYS[1], -1) ~= ':' then
    bases = {}
    for i = 1, #KEYS, count do bases[#bases + 1] = sub(KEYS[i], 1, -2) end
  end
  for i = 1, #bases do stateKeys[i] = bases[i] .. 'm' end
  return bases, stateKeys
end

-- Saves states, each behind its key. If that fails, the answers that tell of a new state become `!` and the problem.
local function saveStates(changes, answers)
  local saved = changes[1] and call('MSET', unpack(changes))
  if not saved or not saved.err then return end
  for i = 1, #answers do
    if find(answers[i], ' ', 1, true) then answers[i] = '!' .. saved.err end
  end
end
