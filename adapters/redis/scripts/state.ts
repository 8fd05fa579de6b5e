/** Digits of a time in a state: any that a number of JavaScript holds without loss. */
export const TIME_WIDTH = 16;

/**
 * Bytes of a body from which on a Timeline is marked as having large ones: a thousand smaller ones make an answer of 8
 * MiB at most.
 */
export const LARGE = 8 * 1024;

/** How much of the replication id tells one life from another. */
export const LIFE_LENGTH = 10;

/** Tells one life of a server from another, by the replication id; where the user may not ask for it, all are one. */
export const LIFE = `
local LIFE_LENGTH = ${LIFE_LENGTH}
local function life()
  local info = redis.pcall('INFO', 'replication')
  local place = type(info) == 'string' and string.find(info, 'master_replid:', 1, true)
  return place and string.sub(info, place + 14, place + 13 + LIFE_LENGTH) or string.rep('0', LIFE_LENGTH)
end
`;

/**
 * What every script begins with: decimal arithmetic on SeqIds, which are larger than the doubles of Lua can hold, and
 * the state of a Timeline. It is kept as one string, `last at epoch first firstAt floor flags lineage`, so that the
 * heads of many Timelines are one MGET; what every append changes stands in front, `at` with zeros up to its full
 * width. See docs/redis.md.
 *
 * An epoch begins with the replication id of the server that gave it. A server that starts again or takes over from
 * another has a different one, and may have lost the newest entries on the way: the first append there begins a new
 * epoch, and the lineage says up to which SeqId the data of the old one are still the same.
 */
export const STATE = `
local MAX = '9223372036854775807'
local MOST_ANCESTORS = 8

local function less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function successor(n)
  if #n < 16 then return string.format('%.0f', tonumber(n) + 1) end
  local head, nines = string.match(n, '^(%d-)(9*)$')
  if head == '' then return '1' .. string.rep('0', #nines) end
  return string.sub(head, 1, -2) .. string.char(string.byte(head, -1) + 1) .. string.rep('0', #nines)
end

local function predecessor(n)
  if #n < 16 then return string.format('%.0f', tonumber(n) - 1) end
  local head, zeros = string.match(n, '^(%d-)(0*)$')
  local less = string.sub(head, 1, -2) .. string.char(string.byte(head, -1) - 1) .. string.rep('9', #zeros)
  return (string.gsub(less, '^0+(%d)', '%1'))
end

local function seqOf(row)
  local seq = string.match(row[1], '^0%-(%d+)$')
  local at = seq and string.match(row[2][1], '^[tb](%d+)')
  if not at then error('FOREIGN the stream holds entries of another program') end
  return seq, at
end

-- Nothing is kept: the next entry will be the first.
local function isEmpty(st)
  return less(st.last, st.first)
end

-- Flags: u, there is an overlay; p, it may hold versions of entries that are gone; l, bodies may be large.
local function has(st, flag)
  return string.find(st.flags, flag, 1, true) ~= nil
end

local function put(st, flag, present)
  if has(st, flag) == present then return end
  local others = string.gsub(st.flags, '[-' .. flag .. ']', '')
  if present then others = others .. flag end
  st.flags, st.dirty = others == '' and '-' or others, true
end

local function messageOf(problem)
  return type(problem) == 'table' and problem.err or tostring(problem)
end

local function siblings(stream)
  local base = string.sub(stream, 1, -2)
  return { stream = stream, meta = base .. 'm', overlay = base .. 'u', keyed = base .. 'k', base = base }
end

-- The state of a Timeline whose stream is all that is left.
local function adopt(keys, epoch)
  local info, last = redis.call('XINFO', 'STREAM', keys.stream), nil
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = string.match(info[i + 1], '^0%-(%d+)$') end
  end
  if not last then error('FOREIGN the stream numbers its entries by time') end
  local st = { epoch = epoch, last = last, at = '0', first = successor(last), firstAt = '0', floor = last, flags = 'l', lineage = '-' }
  local oldest = redis.call('XRANGE', keys.stream, '-', '+', 'COUNT', 1)[1]
  if oldest then
    st.first, st.firstAt = seqOf(oldest)
    st.floor = predecessor(st.first)
    local _, at = seqOf(redis.call('XREVRANGE', keys.stream, '+', '-', 'COUNT', 1)[1])
    st.at = at
  end
  if redis.call('EXISTS', keys.overlay) == 1 then st.flags = 'lup' end
  st.dirty = true
  return st
end

local function parse(text)
  local st = {}
  st.last, st.at, st.epoch, st.first, st.firstAt, st.floor, st.flags, st.lineage =
    string.match(text, '^(%d+) 0*(%d+) (%S+) (%d+) (%d+) (%d+) (%S+) (%S+)$')
  if not st.epoch then error('FOREIGN the state of the Timeline is not readable') end
  return st
end

-- Entries that meta knows of and that the stream lost with its key are a hole that readers are told of.
local function checkStream(keys, st)
  if redis.call('XLEN', keys.stream) == 0 and less(st.floor, st.last) then
    st.floor, st.first, st.firstAt, st.dirty = st.last, successor(st.last), '0', true
  end
end

local function load(keys, born, current)
  local text = redis.call('GET', keys.meta)
  if not text then
    if redis.call('EXISTS', keys.stream) == 0 then return nil end
    return adopt(keys, current .. '-' .. born)
  end
  local st = parse(text)
  checkStream(keys, st)
  if string.sub(st.epoch, 1, LIFE_LENGTH) ~= current then
    local ancestors = { st.epoch .. ':' .. st.last }
    for ancestor in string.gmatch(st.lineage, '[^,]+:%d+') do
      if #ancestors < MOST_ANCESTORS then ancestors[#ancestors + 1] = ancestor end
    end
    st.epoch, st.lineage, st.dirty = current .. '-' .. born, table.concat(ancestors, ','), true
  end
  return st
end

local function wide(at)
  return string.rep('0', ${TIME_WIDTH} - #at) .. at
end

local function format(st)
  return st.last .. ' ' .. wide(st.at) .. ' ' .. st.epoch .. ' ' .. st.first .. ' ' .. st.firstAt
    .. ' ' .. st.floor .. ' ' .. st.flags .. ' ' .. st.lineage
end

local function save(keys, st)
  if st.dirty then redis.call('SET', keys.meta, format(st)) end
  st.dirty = false
end
`;

export const STATE_AND_LIFE = `${LIFE}${STATE}`;
