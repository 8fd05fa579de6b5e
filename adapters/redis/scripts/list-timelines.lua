-- Adds Timelines to a registry.
--
-- KEYS    the registry
-- ARGV    the ids
-- answer  nothing
-- caller  Registry in registry.ts
local members = {}
for i, timeline in ipairs(ARGV) do
  members[#members + 1] = 0
  members[#members + 1] = timeline
  -- A call takes a few thousand arguments at most.
  if #members == 2000 or i == #ARGV then
    redis.call('ZADD', KEYS[1], unpack(members))
    members = {}
  end
end
