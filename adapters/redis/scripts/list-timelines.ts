import { script } from './script.js';

/** Lists Timelines in a registry; a thousand at a time, because a Lua call takes only so many arguments. */
export const LIST_TIMELINES = script(`
local members = {}
for i, timeline in ipairs(ARGV) do
  members[#members + 1] = 0
  members[#members + 1] = timeline
  if #members == 2000 or i == #ARGV then
    redis.call('ZADD', KEYS[1], unpack(members))
    members = {}
  end
end
`);
