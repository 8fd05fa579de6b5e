-- Appends entries without keys, SeqIds or expectations, several to a Timeline, to Timelines that are as this process
-- left them.
--
-- KEYS    what the keys of each Timeline begin with; in a Cluster its stream and its state
-- ARGV    1: the kind of the bodies, `t` or `b`, and the time, as entries are named
--         2: the latest time that is not of the future, padded
--         3: how many bodies each Timeline gets, separated by spaces
--         4…: the bodies, none of them large
-- answer  one text with a line for each Timeline: its new state; nothing, if anything was not as expected and nothing
--         was written; or `!` and a message, if something may have been written
-- caller  SeveralRequest in fast-requests.ts
--include ../timeline-state.lua
--include fast-append.lua
local bases, stateKeys = timelineKeys(2)
local states = call('MGET', unpack(stateKeys))
local nextCount, body = string.gmatch(ARGV[3], '%d+'), 4

-- Returns the SeqId of the last entry, or nil and whether any was added.
local function addEntries(stream, firstId, entry, count)
  if call('XADD', stream, 'NOMKSTREAM', firstId, entry, ARGV[body]) ~= firstId then return nil, false end
  local id = firstId
  for more = body + 1, body + count - 1 do
    id = call('XADD', stream, '0-*', entry, ARGV[more])
    if type(id) ~= 'string' then return nil, true end
  end
  return sub(id, 3)
end

local answers, changes = {}, {}
for i = 1, #stateKeys do
  local count, text, answer = tonumber(nextCount()), states[i], ''
  local space = text and find(text, ' ', LAST_PLACE, true)
  local epoch = space and space + TO_EPOCH
  if epoch and space < TOO_LONG and find(text, replId, epoch, true) == epoch then
    local at, entry = nextTime(sub(text, 1, AT_WIDTH), ARGV[1])
    local firstId = '0-' .. format('%.0f', sub(text, LAST_PLACE, space - 1) + 1)
    local seqId, isPart = addEntries(bases[i] .. 's', firstId, entry, count)
    if seqId then
      answer = at .. ' ' .. seqId .. sub(text, space)
      changes[#changes + 1] = stateKeys[i]
      changes[#changes + 1] = answer
    elseif isPart then
      answer = '!the stream refused an entry'
    end
  end
  body = body + count
  answers[i] = answer
end
saveStates(changes, answers)
return table.concat(answers, '\n')
