/** Versions of so many entries at most are removed at once with the entries themselves. */
const VERSIONS_AT_ONCE = 1000;

/**
 * Shared by what removes a prefix. Times grow along a Timeline, but for runs of entries that a wrong clock put into the
 * future: each of those counts as old as the next one that is not, before which it was appended, and as the last one if
 * there is none.
 *
 * What is expired is found by halving the range of ids, in doubles; above 2^53 these are rounded, so the last steps go
 * from entry to entry.
 */
export const EXPIRE = `
local function rowFrom(keys, place)
  local row = redis.call('XRANGE', keys.stream, place, '+', 'COUNT', 1)[1]
  if row then return seqOf(row) end
end

-- The next entry behind one of the future that is not, by steps that double and then halve; its time alone if there is none.
local function nextTrue(keys, st, future, latest)
  local low, step, high, seq, at = tonumber(future), 1, nil, nil, nil
  while not high do
    local found, time = rowFrom(keys, '0-' .. string.format('%.0f', low + step))
    if not found then
      local last = redis.call('XREVRANGE', keys.stream, '+', '-', 'COUNT', 1)[1]
      found, time = seqOf(last)
      if less(latest, time) then return nil, st.at end
    end
    if less(latest, time) then
      low, step = tonumber(found), step * 2
    else
      high, seq, at = tonumber(found), found, time
    end
  end
  while high - low > (high < 2 ^ 53 and 1 or 4096) do
    local middle = math.floor((low + high) / 2)
    local found, time = rowFrom(keys, '0-' .. string.format('%.0f', middle))
    if less(latest, time) then
      low = math.max(middle, tonumber(found))
    else
      high, seq, at = middle, found, time
    end
  end
  return seq, at
end

-- The first entry from there on whose time is to be believed, and its time; the entry is nil if there is none.
local function trueFrom(keys, st, place, latest)
  local seq, at = rowFrom(keys, place)
  if not seq then return nil, nil end
  if not less(latest, at) then return seq, at end
  return nextTrue(keys, st, seq, latest)
end

local function lastExpired(keys, st, found, cutoff, latest)
  local low, high = tonumber(found), tonumber(st.last)
  local near = high < 2 ^ 53 and 1 or 4096
  while high - low > near do
    local middle = math.floor((low + high) / 2)
    local seq, at = trueFrom(keys, st, '0-' .. string.format('%.0f', middle), latest)
    if seq and tonumber(at) <= cutoff then
      found, low = seq, math.max(middle, tonumber(seq))
    else
      high = middle
    end
  end
  while true do
    local first = rowFrom(keys, '(0-' .. found)
    local seq, at = trueFrom(keys, st, '(0-' .. found, latest)
    if not first or not seq or tonumber(at) > cutoff then return found, first, at end
    found = seq
  end
end

-- Of an entry that is yet to come, all that is known is that it will not be older than the last one.
local function raise(keys, st, floor, first, firstAt)
  local gone = st.first
  st.floor, st.first, st.firstAt, st.dirty = floor, first or successor(st.last), firstAt or st.at, true
  if not has(st, 'u') or isEmpty(st) then return end
  if tonumber(st.first) - tonumber(gone) > ${VERSIONS_AT_ONCE} then
    put(st, 'p', true)
    return
  end
  local ids = {}
  while less(gone, st.first) and #ids < ${VERSIONS_AT_ONCE} do
    ids[#ids + 1] = gone
    gone = successor(gone)
  end
  if #ids > 0 then redis.call('HDEL', keys.overlay, unpack(ids)) end
  if redis.call('EXISTS', keys.overlay) == 0 then
    put(st, 'u', false)
    put(st, 'p', false)
  end
end

-- True if it had to look at entries.
local function expire(keys, st, cutoff, latest, now)
  if less(latest, st.at) then st.at, st.dirty = now, true end
  if isEmpty(st) then return false end
  if tonumber(st.firstAt) > cutoff and not less(latest, st.firstAt) then return false end
  if tonumber(st.at) <= cutoff then
    raise(keys, st, st.last)
    return false
  end
  -- It may be younger than the state knows.
  local seq, at = trueFrom(keys, st, '0-' .. st.first, latest)
  if not at then return false end
  if not seq or tonumber(at) > cutoff then
    st.firstAt, st.dirty = at, true
  else
    raise(keys, st, lastExpired(keys, st, seq, cutoff, latest))
  end
  return true
end
`;
