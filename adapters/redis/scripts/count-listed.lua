-- Counts the Timelines of a registry.
--
-- KEYS    the registry
-- answer  the replication id and the count, with a space between
-- caller  Registry in registry.ts
--include replication-id.lua
return replicationId() .. ' ' .. redis.call('ZCARD', KEYS[1])
