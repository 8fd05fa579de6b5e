-- Raises positions of readers of one Timeline: the atomic maximum. A position of an ancestor, up to where its data are
-- still the same, counts as one of the present epoch.
--
-- KEYS    the stream of a Timeline, in a Cluster followed by its state and checkpoints
-- ARGV    reader, epoch and SeqId of each position
-- answer  for each position the one stored afterwards, as `epoch seqId`: after `=`, or after `!` if it is of another
--         epoch and stays; or `~` and the stored one, if any, if the Timeline was dropped since the given epoch
-- caller  Checkpoints in checkpoints.ts
--include load-state.lua
local keys = keysOf(KEYS[1])
local text = redis.call('GET', keys.state)
local state = text and parseState(text)

local function presentEpoch(epoch, seqId)
  if not state then return epoch end
  for ancestor, last in string.gmatch(state.lineage, '([^,]+):(%d+)') do
    if ancestor == epoch and not less(last, seqId) then return state.epoch end
  end
  return epoch
end

-- Only a drop begins an epoch that ends in `_`.
local function wasDropped()
  return string.sub(state.epoch, -1) == '_' or string.find(state.lineage, '_:', 1, true) ~= nil
end
local mustBe = state and wasDropped() and state.epoch

local answers = {}
for i = 1, #ARGV, 3 do
  local reader, seqId = ARGV[i], ARGV[i + 2]
  local epoch = presentEpoch(ARGV[i + 1], seqId)
  local stored = redis.call('HGET', keys.checkpoints, reader)
  local answer
  if mustBe and epoch ~= mustBe then
    answer = '~' .. (stored or '')
  elseif stored then
    local storedEpoch, storedSeqId = string.match(stored, '^(%S+) (%d+)$')
    storedEpoch = presentEpoch(storedEpoch, storedSeqId)
    if storedEpoch ~= epoch then
      answer = '!' .. stored
    elseif not less(storedSeqId, seqId) then
      answer = '=' .. storedEpoch .. ' ' .. storedSeqId
    end
  end
  if not answer then
    redis.call('HSET', keys.checkpoints, reader, epoch .. ' ' .. seqId)
    answer = '=' .. epoch .. ' ' .. seqId
  end
  answers[#answers + 1] = answer
end
return answers
