-- What the scripts of the hot path share. Include timeline-state.lua before this file. ARGV[1] is the kind of the
-- bodies and the time, as entries are named; ARGV[2] the latest time that is not of the future, padded.
local call, sub, find, format = redis.pcall, string.sub, string.find, string.format
-- The place of `last` in a state, and from the space behind it to the epoch.
local LAST_PLACE, TO_EPOCH = AT_WIDTH + 2, PERIOD_WIDTH + 2
-- The place of that space if `last` has more than 15 digits: those are not counted up here.
local TOO_LONG = LAST_PLACE + 16
local now, replId = padTime(sub(ARGV[1], 2)), replicationId()
-- Above every state whose time is not above the present one.
local nowText = now .. '!'

-- Times of entries do not fall. Returns the padded time of the next entry behind one of `lastAt`, and what its field
-- begins with; `name` is that for the present time.
local function nextTime(lastAt, name)
  if lastAt <= now or lastAt > ARGV[2] then return now, name end
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
