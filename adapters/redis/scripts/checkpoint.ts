import { script } from './script.js';
import { STATE_AND_LIFE } from './state.js';

/**
 * The atomic maximum of the positions of one Timeline. KEYS: its stream and what a Cluster wants declared. ARGV:
 * reader, epoch and SeqId of each. A position of an ancestor, up to where its data are still the same, counts as one of
 * the present epoch. Answers what stands as `epoch seqId`, each after `=`; after `!` where it is of another epoch.
 */
export const ADVANCE = script(`${STATE_AND_LIFE}
local keys = siblings(KEYS[1])
local text = redis.call('GET', keys.meta)
local st = text and parse(text)

local function present(epoch, seq)
  if not st then return epoch end
  for ancestor, last in string.gmatch(st.lineage, '([^,]+):(%d+)') do
    if ancestor == epoch and not less(last, seq) then return st.epoch end
  end
  return epoch
end

local answers = {}
for i = 1, #ARGV, 3 do
  local reader, seq = ARGV[i], ARGV[i + 2]
  local epoch = present(ARGV[i + 1], seq)
  local stands = redis.call('HGET', keys.base .. 'c', reader)
  local answer
  if stands then
    local oldEpoch, oldSeq = string.match(stands, '^(%S+) (%d+)$')
    oldEpoch = present(oldEpoch, oldSeq)
    if oldEpoch ~= epoch then
      answer = '!' .. stands
    elseif not less(oldSeq, seq) then
      answer = '=' .. oldEpoch .. ' ' .. oldSeq
    end
  end
  if not answer then
    redis.call('HSET', keys.base .. 'c', reader, epoch .. ' ' .. seq)
    answer = '=' .. epoch .. ' ' .. seq
  end
  answers[#answers + 1] = answer
end
return answers
`);
