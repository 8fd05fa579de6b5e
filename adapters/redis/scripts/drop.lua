#!lua flags=allow-oom
-- Drops a Timeline: leaves only its state, of a new epoch without ancestors, in which nothing was appended. Runs
-- without memory left, since it frees some.
--
-- KEYS    the stream of a Timeline, in a Cluster followed by its state, overlay, idempotency keys and checkpoints
-- ARGV    the suffix of a new epoch
-- answer  1 if there was anything to drop, else 0
-- caller  Dropper in drop.ts
--include load-state.lua
local keys, epochSuffix, replId = keysOf(KEYS[1]), ARGV[1], replicationId()
local state = loadState(keys, epochSuffix, replId)
redis.call('UNLINK', keys.checkpoints)
if not state or state.last == '0' then return 0 end
redis.call('SET', keys.state, formatState({
  last = '0',
  at = '0',
  keysPeriod = NO_PERIOD,
  -- Tells that the Timeline was dropped: no other epoch ends like this.
  epoch = replId .. '-' .. epochSuffix .. '_',
  first = '1',
  firstAt = '0',
  floor = '0',
  flags = '-',
  lineage = '-',
}))
redis.call('UNLINK', keys.stream, keys.overlay, keys.idempotency)
return 1
