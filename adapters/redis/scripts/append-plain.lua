-- Appends plain entries, without keys, SeqIds or expectations, to Timelines that are as this process left them.
--
-- KEYS    what the keys of each Timeline begin with; in a Cluster its stream and its state
-- ARGV    1: the kind of the bodies, `t` or `b`, and the time, as entries are named
--         2: the latest time that is not of the future, padded
--         3: how many bodies each Timeline gets, separated by spaces; '' if one each, `*` if all get the same one
--         4…: the bodies, none of them large
-- answer  one text with a line for each Timeline: its new state; nothing, if anything was not as expected and nothing
--         was written; or `!` and a message, if something may have been written
-- caller  PlainRequest in fast-requests.ts
--include ../timeline-state.lua
--include advance-state.lua
local name, latest, counts = ARGV[1], ARGV[2], ARGV[3]
local now, replId = padTime(sub(name, 2)), replicationId()
local bases, stateKeys = timelineKeys(2)
local states = call('MGET', unpack(stateKeys))

local nextCount = counts ~= '' and counts ~= '*' and string.gmatch(counts, '%d+')
local bodyStep, body, count = counts == '*' and 0 or 1, 4, 1
local answers, changes, changed = {}, {}, 0
for i = 1, #stateKeys do
  if nextCount then
    count = tonumber(nextCount())
    bodyStep = count
  end
  local answer = ''
  local lastAt, seqId, rest = advanceState(states[i], replId)
  if lastAt then
    local at, field = nextTime(lastAt, name, now, latest)
    local stream, id = bases[i] .. 's', '0-' .. seqId
    if call('XADD', stream, 'NOMKSTREAM', id, field, ARGV[body]) == id then
      for more = body + 1, body + count - 1 do
        id = call('XADD', stream, '0-*', field, ARGV[more])
        if type(id) ~= 'string' then break end
      end
      if type(id) ~= 'string' then
        answer = '!the stream refused an entry'
      else
        answer = at .. ' ' .. (count > 1 and sub(id, 3) or seqId) .. rest
        changes[changed + 1], changes[changed + 2] = stateKeys[i], answer
        changed = changed + 2
      end
    end
  end
  body = body + bodyStep
  answers[i] = answer
end
saveStates(changes, answers)
return table.concat(answers, '\n')
