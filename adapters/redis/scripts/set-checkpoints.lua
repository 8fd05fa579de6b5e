-- Sets positions of readers, whatever they were.
--
-- KEYS    the checkpoints of a Timeline
-- ARGV    reader and `epoch seqId` of each; '' forgets the position
-- answer  nothing
-- caller  Checkpoints in checkpoints.ts
for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
