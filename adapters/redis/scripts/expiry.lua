-- Finds and hides what has expired. Include load-state.lua before this file.
--
-- Times grow along a Timeline, except for runs of entries that a wrong clock put into the future. Each of those counts
-- as old as the next entry that is not of the future, before which it was appended; as the last one if there is none.
--
-- Halving the range of SeqIds finds what has expired. SeqIds are doubles here; above 2^53 these are rounded, so the
-- last steps go from entry to entry.

-- Entries whose versions are removed together with them; purge-overlay.lua removes the versions of more.
local VERSIONS_AT_ONCE = 1000

local function streamId(seqId)
  return '0-' .. string.format('%.0f', seqId)
end

local function firstFrom(keys, id)
  local row = redis.call('XRANGE', keys.stream, id, '+', 'COUNT', 1)[1]
  if row then return entryIdOf(row) end
end

-- Returns the next entry behind one of the future that is not, by steps that double and then halve. Returns nil and the
-- time of the last entry if there is none.
local function nextCredible(keys, state, future, latest)
  local low, step, high, seqId, at = tonumber(future), 1, nil, nil, nil
  while not high do
    local found, time = firstFrom(keys, streamId(low + step))
    if not found then
      local last = redis.call('XREVRANGE', keys.stream, '+', '-', 'COUNT', 1)[1]
      found, time = entryIdOf(last)
      if less(latest, time) then return nil, state.at end
    end
    if less(latest, time) then
      low, step = tonumber(found), step * 2
    else
      high, seqId, at = tonumber(found), found, time
    end
  end
  while high - low > (high < 2 ^ 53 and 1 or 4096) do
    local middle = math.floor((low + high) / 2)
    local found, time = firstFrom(keys, streamId(middle))
    if less(latest, time) then
      low = math.max(middle, tonumber(found))
    else
      high, seqId, at = middle, found, time
    end
  end
  return seqId, at
end

-- Returns the first entry from `id` on whose time is not of the future, and its time; nil and a time if there is none.
local function credibleFrom(keys, state, id, latest)
  local seqId, at = firstFrom(keys, id)
  if not seqId then return nil, nil end
  if not less(latest, at) then return seqId, at end
  return nextCredible(keys, state, seqId, latest)
end

-- Returns the last entry that has expired, the first one that has not, and the time of that.
local function lastExpired(keys, state, found, cutoff, latest)
  local low, high = tonumber(found), tonumber(state.last)
  local near = high < 2 ^ 53 and 1 or 4096
  while high - low > near do
    local middle = math.floor((low + high) / 2)
    local seqId, at = credibleFrom(keys, state, streamId(middle), latest)
    if seqId and tonumber(at) <= cutoff then
      found, low = seqId, math.max(middle, tonumber(seqId))
    else
      high = middle
    end
  end
  while true do
    local first = firstFrom(keys, '(0-' .. found)
    local seqId, at = credibleFrom(keys, state, '(0-' .. found, latest)
    if not first or not seqId or tonumber(at) > cutoff then return found, first, at end
    found = seqId
  end
end

-- Hides every entry up to `floor`. Without `first` nothing is left, and the next entry is no older than the last one.
local function raiseFloor(keys, state, floor, first, firstAt)
  local gone = state.first
  state.floor, state.first, state.firstAt = floor, first or successor(state.last), firstAt or state.at
  state.changed = true
  if not hasFlag(state, 'u') or isEmpty(state) then return end
  if tonumber(state.first) - tonumber(gone) > VERSIONS_AT_ONCE then
    setFlag(state, 'p', true)
    return
  end
  local seqIds = {}
  while less(gone, state.first) and #seqIds < VERSIONS_AT_ONCE do
    seqIds[#seqIds + 1] = gone
    gone = successor(gone)
  end
  if #seqIds > 0 then redis.call('HDEL', keys.overlay, unpack(seqIds)) end
  if redis.call('EXISTS', keys.overlay) == 0 then
    setFlag(state, 'u', false)
    setFlag(state, 'p', false)
  end
end

-- Returns true if it had to look at entries. Times above `latest` are of the future; `now` replaces them in the state.
local function expire(keys, state, cutoff, latest, now)
  if less(latest, state.at) then state.at, state.changed = now, true end
  if isEmpty(state) then return false end
  if tonumber(state.firstAt) > cutoff and not less(latest, state.firstAt) then return false end
  if tonumber(state.at) <= cutoff then
    raiseFloor(keys, state, state.last)
    return false
  end
  -- The first entry may be younger than the state knows.
  local seqId, at = credibleFrom(keys, state, '0-' .. state.first, latest)
  if not at then return false end
  if not seqId or tonumber(at) > cutoff then
    state.firstAt, state.changed = at, true
  else
    raiseFloor(keys, state, lastExpired(keys, state, seqId, cutoff, latest))
  end
  return true
end
