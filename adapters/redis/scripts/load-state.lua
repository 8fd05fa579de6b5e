-- Loads and saves the state of a Timeline, and repairs it where the data beside it say otherwise.
--include seq-ids.lua
--include ../timeline-state.lua

local MAX_ANCESTORS = 8

local function errorMessage(problem)
  return type(problem) == 'table' and problem.err or tostring(problem)
end

-- Returns the keys of a Timeline, named by its stream.
local function keysOf(stream)
  local base = string.sub(stream, 1, -2)
  return {
    stream = stream,
    state = base .. 'm',
    overlay = base .. 'u',
    idempotency = base .. 'k',
    checkpoints = base .. 'c',
  }
end

-- Returns the SeqId and the time of an entry of the stream.
local function entryIdOf(row)
  local seqId = string.match(row[1], '^0%-(%d+)$')
  local at = seqId and string.match(row[2][1], '^[tb](%d+)')
  if not at then error('FOREIGN the stream holds entries of another program') end
  return seqId, at
end

local function isEmpty(state)
  return less(state.last, state.first)
end

-- Flags: u, there is an overlay; p, it may hold versions of entries that are gone; l, bodies may be large.
local function hasFlag(state, flag)
  return string.find(state.flags, flag, 1, true) ~= nil
end

local function setFlag(state, flag, present)
  if hasFlag(state, flag) == present then return end
  local others = string.gsub(state.flags, '[-' .. flag .. ']', '')
  if present then others = others .. flag end
  state.flags, state.changed = others == '' and '-' or others, true
end

-- Makes a state for a stream that is all that is left of its Timeline.
local function rebuildState(keys, epoch)
  local info, last = redis.call('XINFO', 'STREAM', keys.stream), nil
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = string.match(info[i + 1], '^0%-(%d+)$') end
  end
  if not last then error('FOREIGN the stream numbers its entries by time') end
  local state = {
    last = last,
    at = '0',
    keysPeriod = NO_PERIOD,
    epoch = epoch,
    first = successor(last),
    firstAt = '0',
    floor = last,
    flags = 'l',
    lineage = '-',
    changed = true,
  }
  local oldest = redis.call('XRANGE', keys.stream, '-', '+', 'COUNT', 1)[1]
  if oldest then
    state.first, state.firstAt = entryIdOf(oldest)
    state.floor = predecessor(state.first)
    local _, at = entryIdOf(redis.call('XREVRANGE', keys.stream, '+', '-', 'COUNT', 1)[1])
    state.at = at
  end
  if redis.call('EXISTS', keys.overlay) == 1 then state.flags = 'lup' end
  return state
end

-- Raises the floor over entries that the stream has lost together with its key, so that readers are told of the hole.
local function checkStream(keys, state)
  if redis.call('XLEN', keys.stream) == 0 and less(state.floor, state.last) then
    state.floor, state.first, state.firstAt, state.changed = state.last, successor(state.last), '0', true
  end
end

-- Begins a new epoch if another server gave the present one: it may have held entries that this one never got. The
-- lineage keeps up to which SeqId the data of the old epoch are still the same.
local function checkEpoch(state, epochSuffix, replId)
  if string.sub(state.epoch, 1, REPLICATION_ID_LENGTH) == replId then return end
  local ancestors = { state.epoch .. ':' .. state.last }
  for ancestor in string.gmatch(state.lineage, '[^,]+:%d+') do
    if #ancestors < MAX_ANCESTORS then ancestors[#ancestors + 1] = ancestor end
  end
  state.epoch, state.lineage, state.changed = replId .. '-' .. epochSuffix, table.concat(ancestors, ','), true
end

-- Returns nil for a Timeline that was never written to.
local function loadState(keys, epochSuffix, replId)
  local text = redis.call('GET', keys.state)
  if not text then
    if redis.call('EXISTS', keys.stream) == 0 then return nil end
    return rebuildState(keys, replId .. '-' .. epochSuffix)
  end
  local state = parseState(text)
  checkStream(keys, state)
  checkEpoch(state, epochSuffix, replId)
  return state
end

local function saveState(keys, state)
  if state.changed then redis.call('SET', keys.state, formatState(state)) end
  state.changed = false
end
