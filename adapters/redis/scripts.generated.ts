// Made of scripts/*.lua by `npm run build:lua`: change those.
import { createHash } from 'node:crypto';

export interface Script {
  readonly source: string;
  readonly sha: string;
}

function script(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

const SEQ_IDS = `local MAX_SEQ_ID = '9223372036854775807'
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
  local lower = string.sub(head, 1, -2) .. string.char(string.byte(head, -1) - 1) .. string.rep('9', #zeros)
  return (string.gsub(lower, '^0+(%d)', '%1'))
end`;

const REPLICATION_ID = `local REPLICATION_ID_LENGTH = 10
local function replicationId()
  local info = redis.pcall('INFO', 'replication')
  local found = type(info) == 'string' and string.find(info, 'master_replid:', 1, true)
  return found and string.sub(info, found + 14, found + 13 + REPLICATION_ID_LENGTH)
    or string.rep('0', REPLICATION_ID_LENGTH)
end`;

const TIMELINE_STATE = `${REPLICATION_ID}
local AT_WIDTH = 16
local PERIOD_WIDTH = 8
local NO_PERIOD = '--------'
local LARGE_BODY_BYTES = 8192
local function padTime(at)
  return string.rep('0', AT_WIDTH - #at) .. at
end
local function parseState(text)
  local state = {}
  state.at, state.last, state.keysPeriod, state.epoch, state.first, state.firstAt, state.floor, state.flags,
    state.lineage = string.match(text, '^0*(%d+) (%d+) (%S+) (%S+) (%d+) (%d+) (%d+) (%S+) (%S+)$')
  if not state.epoch then error('FOREIGN the state of the Timeline is not readable') end
  return state
end
local function formatState(state)
  return padTime(state.at) .. ' ' .. state.last .. ' ' .. state.keysPeriod .. ' ' .. state.epoch .. ' ' .. state.first
    .. ' ' .. state.firstAt .. ' ' .. state.floor .. ' ' .. state.flags .. ' ' .. state.lineage
end`;

const LOAD_STATE = `${SEQ_IDS}
${TIMELINE_STATE}
local MAX_ANCESTORS = 8
local function errorMessage(problem)
  return type(problem) == 'table' and problem.err or tostring(problem)
end
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
local function entryIdOf(row)
  local seqId = string.match(row[1], '^0%-(%d+)$')
  local at = seqId and string.match(row[2][1], '^[tb](%d+)')
  if not at then error('FOREIGN the stream holds entries of another program') end
  return seqId, at
end
local function isEmpty(state)
  return less(state.last, state.first)
end
local function hasFlag(state, flag)
  return string.find(state.flags, flag, 1, true) ~= nil
end
local function setFlag(state, flag, present)
  if hasFlag(state, flag) == present then return end
  local others = string.gsub(state.flags, '[-' .. flag .. ']', '')
  if present then others = others .. flag end
  state.flags, state.changed = others == '' and '-' or others, true
end
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
local function checkStream(keys, state)
  if redis.call('XLEN', keys.stream) == 0 and less(state.floor, state.last) then
    state.floor, state.first, state.firstAt, state.changed = state.last, successor(state.last), '0', true
  end
end
local function checkEpoch(state, epochSuffix, replId)
  if string.sub(state.epoch, 1, REPLICATION_ID_LENGTH) == replId then return end
  local ancestors = { state.epoch .. ':' .. state.last }
  for ancestor in string.gmatch(state.lineage, '[^,]+:%d+') do
    if #ancestors < MAX_ANCESTORS then ancestors[#ancestors + 1] = ancestor end
  end
  state.epoch, state.lineage, state.changed = replId .. '-' .. epochSuffix, table.concat(ancestors, ','), true
end
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
end`;

const FAST_APPEND = `local call, sub, find, format = redis.pcall, string.sub, string.find, string.format
local LAST_PLACE, TO_EPOCH = AT_WIDTH + 2, PERIOD_WIDTH + 2
local TOO_LONG = LAST_PLACE + 16
local now, replId = padTime(sub(ARGV[1], 2)), replicationId()
local nowText = now .. '!'
local function nextTime(lastAt, name)
  if lastAt <= now or lastAt > ARGV[2] then return now, name end
  return lastAt, sub(name, 1, 1) .. string.match(lastAt, '0*(%d+)')
end
local function timelineKeys(count)
  local bases, stateKeys = KEYS, {}
  if sub(KEYS[1], -1) ~= ':' then
    bases = {}
    for i = 1, #KEYS, count do bases[#bases + 1] = sub(KEYS[i], 1, -2) end
  end
  for i = 1, #bases do stateKeys[i] = bases[i] .. 'm' end
  return bases, stateKeys
end
local function saveStates(changes, answers)
  local saved = changes[1] and call('MSET', unpack(changes))
  if not saved or not saved.err then return end
  for i = 1, #answers do
    if find(answers[i], ' ', 1, true) then answers[i] = '!' .. saved.err end
  end
end`;

const IDEMPOTENCY_KEYS = `local PURGE_EVERY = 32
local PURGE_COUNT = 128
local WHOLE_HASH = 512
local function parseKnownKey(text, through)
  local at, seqId, hash = string.match(text, '^(%w+) (%d+) (.*)$')
  if at and tonumber(at, 36) > through then return seqId, hash end
end
local function purgeKeys(key, through, cursor, chance, count)
  local length = redis.call('HLEN', key)
  local isSmall = length <= WHOLE_HASH
  if isSmall and length * chance > PURGE_COUNT then return end
  local found = redis.call('HSCAN', key, cursor, 'COUNT', count or PURGE_COUNT)[2]
  local old = {}
  for i = 2, #found, 2 do
    local text = found[i]
    local at = tonumber(string.sub(text, 1, (string.find(text, ' ', 1, true) or 1) - 1), 36)
    if not at or at <= through then
      old[#old + 1] = found[i - 1]
    elseif isSmall then
      break
    end
  end
  for i = 1, #old, 1000 do redis.call('HDEL', key, unpack(old, i, math.min(i + 999, #old))) end
end`;

const EXPIRY = `local VERSIONS_AT_ONCE = 1000
local function streamId(seqId)
  return '0-' .. string.format('%.0f', seqId)
end
local function firstFrom(keys, id)
  local row = redis.call('XRANGE', keys.stream, id, '+', 'COUNT', 1)[1]
  if row then return entryIdOf(row) end
end
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
local function credibleFrom(keys, state, id, latest)
  local seqId, at = firstFrom(keys, id)
  if not seqId then return nil, nil end
  if not less(latest, at) then return seqId, at end
  return nextCredible(keys, state, seqId, latest)
end
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
local function expire(keys, state, cutoff, latest, now)
  if less(latest, state.at) then state.at, state.changed = now, true end
  if isEmpty(state) then return false end
  if tonumber(state.firstAt) > cutoff and not less(latest, state.firstAt) then return false end
  if tonumber(state.at) <= cutoff then
    raiseFloor(keys, state, state.last)
    return false
  end
  local seqId, at = credibleFrom(keys, state, '0-' .. state.first, latest)
  if not at then return false end
  if not seqId or tonumber(at) > cutoff then
    state.firstAt, state.changed = at, true
  else
    raiseFloor(keys, state, lastExpired(keys, state, seqId, cutoff, latest))
  end
  return true
end`;

const READ_STATE = `${LOAD_STATE}
local APPLY_RETENTION = 1
local function readState(keys)
  local text = redis.call('GET', keys.state)
  if not text then return nil, redis.call('EXISTS', keys.stream) == 1 and APPLY_RETENTION end
  local state = parseState(text)
  checkStream(keys, state)
  if state.changed then return nil, APPLY_RETENTION end
  return state, text
end`;

export const ADVANCE_CHECKPOINTS = script(`${LOAD_STATE}
local keys = keysOf(KEYS[1])
local text = redis.call('GET', keys.state)
local state = text and parseState(text)
local function presentEpoch(epoch, seqId)
  if not state then return epoch end
  for ancestor, last in string.gmatch(state.lineage, '([^,]+):(%d+)') do
    if ancestor == epoch and not less(last, seqId) then return state.epoch end
  end
  return epoch
end
local function wasDropped()
  return string.sub(state.epoch, -1) == '_' or string.find(state.lineage, '_:', 1, true) ~= nil
end
local mustBe = state and wasDropped() and state.epoch
local answers = {}
for i = 1, #ARGV, 3 do
  local reader, seqId = ARGV[i], ARGV[i + 2]
  local epoch = presentEpoch(ARGV[i + 1], seqId)
  local stored = redis.call('HGET', keys.checkpoints, reader)
  local answer
  if mustBe and epoch ~= mustBe then
    answer = '~' .. (stored or '')
  elseif stored then
    local storedEpoch, storedSeqId = string.match(stored, '^(%S+) (%d+)$')
    storedEpoch = presentEpoch(storedEpoch, storedSeqId)
    if storedEpoch ~= epoch then
      answer = '!' .. stored
    elseif not less(storedSeqId, seqId) then
      answer = '=' .. storedEpoch .. ' ' .. storedSeqId
    end
  end
  if not answer then
    redis.call('HSET', keys.checkpoints, reader, epoch .. ' ' .. seqId)
    answer = '=' .. epoch .. ' ' .. seqId
  end
  answers[#answers + 1] = answer
end
return answers`);

export const APPEND_EACH = script(`${TIMELINE_STATE}
${FAST_APPEND}
${IDEMPOTENCY_KEYS}
local name, keyTime, forgotten, period = ARGV[1], ARGV[3] .. ' ', tonumber(ARGV[4]), ARGV[5]
local chance = tonumber(ARGV[7])
local byte = string.byte
local NEXT_DIGIT, BEFORE_ONE = { '1', '2', '3', '4', '5', '6', '7', '8', '9' }, string.byte('0') - 1
local bases, stateKeys = timelineKeys(3)
local states = call('MGET', unpack(stateKeys))
local hasKeys, argsOfEntry = ARGV[3] ~= '', ARGV[3] ~= '' and 4 or 1
local isShared = #ARGV < 9 + argsOfEntry and #bases > 1
local function answerKnown(text, hash, rest)
  local seqId, knownHash = parseKnownKey(text, forgotten)
  if knownHash ~= hash then return '' end
  return '=' .. seqId .. ' ' .. string.match(rest, '^ %S+ (%S+)')
end
local function extendKeys(keys, rest)
  local done = ARGV[6] == '' and call('PERSIST', keys) or ARGV[6] ~= '' and call('PEXPIRE', keys, ARGV[6])
  return type(done) == 'number' and ' ' .. period .. sub(rest, TO_EPOCH) or rest
end
local answers, changes, changed = {}, {}, 0
local place, suffix, field, hash, keyTail = 9, '', nil, nil, nil
local body, entryName = ARGV[9], name
local isFresh = true
for i = 1, #stateKeys do
  if isFresh then
    if hasKeys then
      suffix, field, hash, body = ':' .. ARGV[place], ARGV[place + 1], ARGV[place + 2], ARGV[place + 3]
      entryName, keyTail = name .. suffix, ' ' .. hash
    else
      body = ARGV[place]
    end
    place, isFresh = place + argsOfEntry, not isShared
  end
  local text, answer = states[i], ''
  local space = text and find(text, ' ', LAST_PLACE, true)
  local epoch = space and space + TO_EPOCH
  if epoch and space < TOO_LONG and find(text, replId, epoch, true) == epoch then
    local base, rest = bases[i], sub(text, space)
    local seqId, digit = sub(text, LAST_PLACE, space - 2), NEXT_DIGIT[byte(text, space - 1) - BEFORE_ONE]
    if not digit then seqId, digit = format('%.0f', sub(text, LAST_PLACE, space - 1) + 1), '' end
    local at, entry = now, entryName
    if text >= nowText then
      at, entry = nextTime(sub(text, 1, AT_WIDTH), name)
      entry = entry .. suffix
    end
    local added, keys = 1, nil
    if hasKeys then
      keys = base .. 'k'
      added = call('HSETNX', keys, field, keyTime .. seqId .. digit .. keyTail)
    end
    if added == 1 then
      local id = '0-' .. seqId .. digit
      if call('XADD', base .. 's', 'NOMKSTREAM', id, entry, body) == id then
        if hasKeys and find(rest, period, 2, true) ~= 2 then rest = extendKeys(keys, rest) end
        answer = at .. ' ' .. seqId .. digit .. rest
        changes[changed + 1], changes[changed + 2] = stateKeys[i], answer
        changed = changed + 2
      elseif hasKeys then
        call('HDEL', keys, field)
      end
    elseif added == 0 then
      answer = answerKnown(call('HGET', keys, field), hash, rest)
    end
  end
  answers[i] = answer
end
saveStates(changes, answers)
if hasKeys then
  for i = math.floor(chance * PURGE_EVERY), #answers, PURGE_EVERY do
    if i > 0 and answers[i] ~= '' then
      pcall(purgeKeys, bases[i] .. 'k', forgotten, ARGV[8], chance * PURGE_EVERY % 1)
    end
  end
end
return table.concat(answers, '\\n')`);

export const APPEND_SEVERAL = script(`${TIMELINE_STATE}
${FAST_APPEND}
local bases, stateKeys = timelineKeys(2)
local states = call('MGET', unpack(stateKeys))
local nextCount, body = string.gmatch(ARGV[3], '%d+'), 4
local function addEntries(stream, firstId, entry, count)
  if call('XADD', stream, 'NOMKSTREAM', firstId, entry, ARGV[body]) ~= firstId then return nil, false end
  local id = firstId
  for more = body + 1, body + count - 1 do
    id = call('XADD', stream, '0-*', entry, ARGV[more])
    if type(id) ~= 'string' then return nil, true end
  end
  return sub(id, 3)
end
local answers, changes = {}, {}
for i = 1, #stateKeys do
  local count, text, answer = tonumber(nextCount()), states[i], ''
  local space = text and find(text, ' ', LAST_PLACE, true)
  local epoch = space and space + TO_EPOCH
  if epoch and space < TOO_LONG and find(text, replId, epoch, true) == epoch then
    local at, entry = nextTime(sub(text, 1, AT_WIDTH), ARGV[1])
    local firstId = '0-' .. format('%.0f', sub(text, LAST_PLACE, space - 1) + 1)
    local seqId, isPart = addEntries(bases[i] .. 's', firstId, entry, count)
    if seqId then
      answer = at .. ' ' .. seqId .. sub(text, space)
      changes[#changes + 1] = stateKeys[i]
      changes[#changes + 1] = answer
    elseif isPart then
      answer = '!the stream refused an entry'
    end
  end
  body = body + count
  answers[i] = answer
end
saveStates(changes, answers)
return table.concat(answers, '\\n')`);

export const APPEND = script(`local request = cjson.decode(ARGV[1])
${LOAD_STATE}
${IDEMPOTENCY_KEYS}
local replId = replicationId()
local purgeTurn = math.floor(request.purgeAt * PURGE_EVERY)
local function kindOf(body)
  return #request.kinds == 1 and request.kinds or string.sub(request.kinds, body, body)
end
local function findKey(keys, state, field)
  local text = not state.isNew and redis.call('HGET', keys.idempotency, field)
  if not text then return end
  local seqId, hash = parseKnownKey(text, request.forgotten)
  if seqId then return { seqId = seqId, hash = hash } end
  redis.call('HDEL', keys.idempotency, field)
end
local function newState()
  return {
    isNew = true,
    last = '0',
    at = '0',
    keysPeriod = NO_PERIOD,
    epoch = replId .. '-' .. request.epochSuffix,
    first = '1',
    firstAt = '0',
    floor = '0',
    flags = '-',
    lineage = '-',
  }
end
local function decide(keys, state, write)
  local seqIds, fresh, ownKeys, isConsecutive = {}, {}, {}, true
  local top = state.last
  for i = 2, #write do
    local entry = write[i]
    local body, seqId, key, hash, field = entry, '', '', '', ''
    if type(entry) == 'table' then body, seqId, key, hash, field = unpack(entry) end
    local known = key ~= '' and (ownKeys[key] or findKey(keys, state, field))
    if known then
      if known.hash ~= hash then return '!K ' .. known.seqId .. ' ' .. i - 2 end
      seqIds[#seqIds + 1], isConsecutive = '=' .. known.seqId, false
    else
      if seqId == '' then seqId = successor(top) else isConsecutive = false end
      if not less(top, seqId) or less(MAX_SEQ_ID, seqId) then return '!S ' .. seqId .. ' ' .. top end
      top = seqId
      if key ~= '' then ownKeys[key] = { seqId = seqId, hash = hash } end
      fresh[#fresh + 1] = { body = body, seqId = seqId, key = key, hash = hash, field = field }
      seqIds[#seqIds + 1] = seqId
    end
  end
  local expectedLast = write[1]
  if #fresh > 0 and expectedLast ~= '' and expectedLast ~= state.last then
    return '!L ' .. expectedLast .. ' ' .. state.last
  end
  return state.epoch .. ' ' .. (isConsecutive and seqIds[1] or table.concat(seqIds, ' ')), fresh
end
local function addEntries(keys, state, fresh)
  local now = request.now
  local at = less(now, state.at) and not less(request.latest, state.at) and state.at or now
  for _, entry in ipairs(fresh) do
    local seqId, key, body = entry.seqId, entry.key, ARGV[entry.body + 1]
    local name = kindOf(entry.body) .. at
    if key ~= '' then name = name .. ':' .. key end
    redis.call('XADD', keys.stream, '0-' .. seqId, name, body)
    state.written = true
    if state.isNew then redis.call('UNLINK', keys.idempotency) end
    state.isNew = false
    if #body > LARGE_BODY_BYTES then setFlag(state, 'l', true) end
    if key ~= '' then
      redis.call('HSET', keys.idempotency, entry.field, request.keyTime .. ' ' .. seqId .. ' ' .. entry.hash)
      state.keysAdded = (state.keysAdded or 0) + 1
    end
    if isEmpty(state) then state.first, state.firstAt = seqId, at end
    state.last, state.at, state.changed = seqId, at, true
  end
end
local function expandWrite(write)
  if type(write) == 'number' then return { '', write } end
  if type(write[1]) == 'string' then return write end
  local entries = { '' }
  for body = write[1], write[1] + write[2] - 1 do entries[#entries + 1] = body end
  return entries
end
local function appendWrite(keys, state, write)
  state.written = false
  local answer, fresh = decide(keys, state, expandWrite(write))
  if fresh then addEntries(keys, state, fresh) end
  return answer
end
local function extendKeys(keys, state)
  if request.keysLiveMs then
    redis.call('PEXPIRE', keys.idempotency, request.keysLiveMs)
  else
    redis.call('PERSIST', keys.idempotency)
  end
  state.keysPeriod = request.keysPeriod
end
local function finishGroup(keys, state, isPurgeTurn)
  local added = state.keysAdded or 0
  if added > 0 and state.keysPeriod ~= request.keysPeriod then extendKeys(keys, state) end
  saveState(keys, state)
  if added >= PURGE_EVERY then
    purgeKeys(keys.idempotency, request.forgotten, request.purgeCursor, 0, math.min(1000, 4 * added))
  elseif added > 0 and isPurgeTurn then
    purgeKeys(keys.idempotency, request.forgotten, request.purgeCursor, request.purgeAt * PURGE_EVERY % 1)
  end
end
local function appendGroup(keys, writes, isPurgeTurn)
  local answers, broken = {}, nil
  local ok, state = pcall(loadState, keys, request.epochSuffix, replId)
  if ok and not state then state = newState() end
  if not ok then broken, state = '!E ' .. errorMessage(state), {} end
  for i, write in ipairs(writes) do
    local answer = broken
    if not broken then
      ok, answer = pcall(appendWrite, keys, state, write)
      if not ok and not state.written and string.find(errorMessage(answer), 'equal or smaller', 1, true) then
        ok, state = pcall(rebuildState, keys, replId .. '-' .. request.epochSuffix)
        if ok then ok, answer = pcall(appendWrite, keys, state, write) else answer, state = state, {} end
      end
      if not ok then
        answer = (state.written and '!U ' or '!E ') .. errorMessage(answer)
        broken = '!E ' .. errorMessage(answer)
      end
    end
    answers[i] = answer
  end
  local finished, problem = pcall(finishGroup, keys, state, isPurgeTurn)
  if not finished then
    for i, answer in ipairs(answers) do
      if string.sub(answer, 1, 1) ~= '!' then answers[i] = '!U ' .. errorMessage(problem) end
    end
  end
  return answers
end
local answers = {}
for i, group in ipairs(request.groups) do
  local keys = keysOf(KEYS[(i - 1) * request.stride + 1])
  local writes = type(group) == 'number' and { group } or group
  answers[i] = table.concat(appendGroup(keys, writes, i % PURGE_EVERY == purgeTurn), '\\n')
end
return table.concat(answers, '\\n')`);

export const APPLY_RETENTION = script(`#!lua flags=allow-oom
${LOAD_STATE}
${EXPIRY}
local STEP = 5000
local LARGE_STEP = 200
local SEARCH_COST = 100
local epochSuffix, cutoff, replId = ARGV[1], tonumber(ARGV[2]), replicationId()
local latest, now, stride, trimBy, trimArgument = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local work = 0
local function removeEntries(keys, state)
  local step = hasFlag(state, 'l') and LARGE_STEP or STEP
  local removed = redis.call('XTRIM', keys.stream, 'MINID', '~', '0-' .. state.first, 'LIMIT', step)
  local more = removed > step - math.min(1000, step / 2)
  if not more then removed = removed + redis.call('XTRIM', keys.stream, 'MINID', '=', '0-' .. state.first) end
  work = work + removed * (STEP / step)
  if hasFlag(state, 'u') and isEmpty(state) then
    redis.call('UNLINK', keys.overlay)
    setFlag(state, 'u', false)
    setFlag(state, 'p', false)
  end
  return more, removed
end
local function trimThrough(keys, state, seqId)
  local row = redis.call('XREVRANGE', keys.stream, '0-' .. seqId, '(0-' .. state.floor, 'COUNT', 1)[1]
  if not row then return end
  local floor = entryIdOf(row)
  local nextRow = redis.call('XRANGE', keys.stream, '(0-' .. floor, '+', 'COUNT', 1)[1]
  if nextRow then raiseFloor(keys, state, floor, entryIdOf(nextRow)) else raiseFloor(keys, state, floor) end
end
local function keepLast(keys, state, count)
  local length = redis.call('XLEN', keys.stream)
  if length <= tonumber(count) then return end
  local last = tonumber(state.last)
  if not isEmpty(state) and last < 2 ^ 53 and length == last - tonumber(state.floor) then
    return trimThrough(keys, state, string.format('%.0f', last - tonumber(count)))
  end
  redis.call('XTRIM', keys.stream, 'MAXLEN', '=', successor(count))
  local rows = redis.call('XRANGE', keys.stream, '-', '+', 'COUNT', 2)
  local floor = entryIdOf(rows[1])
  if not less(state.floor, floor) then return end
  if rows[2] then raiseFloor(keys, state, floor, entryIdOf(rows[2])) else raiseFloor(keys, state, floor) end
end
local function applyRetention(keys)
  if work >= STEP then return 1 end
  local state = loadState(keys, epochSuffix, replId)
  if not state then return 0 end
  if cutoff and expire(keys, state, cutoff, latest, now) then work = work + SEARCH_COST end
  if trimBy == 'through' then trimThrough(keys, state, trimArgument) end
  if trimBy == 'keepLast' then keepLast(keys, state, trimArgument) end
  local more, removed = removeEntries(keys, state)
  saveState(keys, state)
  return (more and 1 or 0) + (hasFlag(state, 'p') and 2 or 0) + (removed > 0 and 4 or 0)
end
local answers = {}
for i = 1, #KEYS, stride do
  local ok, answer = pcall(applyRetention, keysOf(KEYS[i]))
  answers[#answers + 1] = ok and answer or '!' .. errorMessage(answer)
end
return answers`);

export const CHANGE_ENTRY = script(`${LOAD_STATE}
${EXPIRY}
local epochSuffix, cutoff, latest, now = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local seqId, expected, kind, body = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local keys = keysOf(KEYS[1])
local state = loadState(keys, epochSuffix, replicationId())
if not state then return false end
if cutoff then expire(keys, state, cutoff, latest, now) end
saveState(keys, state)
if not less(state.floor, seqId) then return false end
local row = redis.call('XRANGE', keys.stream, '0-' .. seqId, '0-' .. seqId)[1]
if not row then return false end
entryIdOf(row)
if not hasFlag(state, 'u') then redis.call('UNLINK', keys.overlay) end
local version = redis.call('HGET', keys.overlay, seqId)
local presentKind, revision = 't', '0'
if version then presentKind, revision = string.match(version, '^(.)(%d+):') end
if presentKind == 'd' then return false end
if expected ~= '' and expected ~= revision then return revision end
revision = successor(revision)
redis.call('HSET', keys.overlay, seqId, kind .. revision .. ':' .. body)
setFlag(state, 'u', true)
if #body > LARGE_BODY_BYTES then setFlag(state, 'l', true) end
saveState(keys, state)
return { formatState(state), row[2][1], revision }`);

export const COUNT_LISTED = script(`${REPLICATION_ID}
return replicationId() .. ' ' .. redis.call('ZCARD', KEYS[1])`);

export const COUNT = script(`${READ_STATE}
local COUNT_AGAIN, READ_ENTRIES = 2, 3
local MAX_STEPS = 2000
local TOMBSTONE_BYTES = 24
local steps = 0
local function isDeleted(keys, seqId)
  steps = steps + 1
  local length = redis.call('HSTRLEN', keys.overlay, seqId)
  if length == 0 or length > TOMBSTONE_BYTES then return false end
  return string.sub(redis.call('HGET', keys.overlay, seqId), 1, 1) == 'd'
end
local function isWithoutGaps(keys, state, floor, last)
  if last >= 2 ^ 53 or redis.call('XLEN', keys.stream) ~= last - floor then return false end
  return floor == 0 or #redis.call('XRANGE', keys.stream, '-', '0-' .. state.floor, 'COUNT', 1) == 0
end
local function countByVersions(keys, low, high, atMost)
  local count = high - low
  for _, seqId in ipairs(redis.call('HKEYS', keys.overlay)) do
    local number = tonumber(seqId)
    if number > low and number <= high and isDeleted(keys, seqId) then count = count - 1 end
  end
  return math.min(count, atMost)
end
local function countBySeqIds(keys, low, high, atMost)
  local count = 0
  while low < high and count < atMost do
    if steps >= MAX_STEPS then return count, string.format('%.0f', low) end
    low = low + 1
    if not isDeleted(keys, string.format('%.0f', low)) then count = count + 1 end
  end
  return count
end
local function countRange(keys, after, before, atMost)
  if steps >= MAX_STEPS then return COUNT_AGAIN end
  local state, text = readState(keys)
  if not state then return text end
  local floor, last = tonumber(state.floor), tonumber(state.last)
  if not isWithoutGaps(keys, state, floor, last) then return READ_ENTRIES end
  local low = less(after, state.floor) and floor or tonumber(after)
  local high = before == '+' and last or math.min(last, tonumber(before) - 1)
  if low >= high then return { text, 0 } end
  if not hasFlag(state, 'u') then return { text, math.min(high - low, atMost) } end
  if redis.call('HLEN', keys.overlay) <= MAX_STEPS then return { text, countByVersions(keys, low, high, atMost) } end
  return { text, countBySeqIds(keys, low, high, atMost) }
end
local answers = {}
for i = 2, #ARGV, 3 do
  local keys = keysOf(KEYS[(i - 2) / 3 * tonumber(ARGV[1]) + 1])
  answers[#answers + 1] = countRange(keys, ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]))
end
return answers`);

export const DROP = script(`#!lua flags=allow-oom
${LOAD_STATE}
local keys, epochSuffix, replId = keysOf(KEYS[1]), ARGV[1], replicationId()
local state = loadState(keys, epochSuffix, replId)
redis.call('UNLINK', keys.checkpoints)
if not state or state.last == '0' then return 0 end
redis.call('SET', keys.state, formatState({
  last = '0',
  at = '0',
  keysPeriod = NO_PERIOD,
  epoch = replId .. '-' .. epochSuffix .. '_',
  first = '1',
  firstAt = '0',
  floor = '0',
  flags = '-',
  lineage = '-',
}))
redis.call('UNLINK', keys.stream, keys.overlay, keys.idempotency)
return 1`);

export const LIST_TIMELINES = script(`local members = {}
for i, timeline in ipairs(ARGV) do
  members[#members + 1] = 0
  members[#members + 1] = timeline
  if #members == 2000 or i == #ARGV then
    redis.call('ZADD', KEYS[1], unpack(members))
    members = {}
  end
end`);

export const PURGE_OVERLAY = script(`#!lua flags=allow-oom
${LOAD_STATE}
local STEP = 200
local LARGE_STEP = 8
local keys = keysOf(KEYS[1])
local state = loadState(keys, ARGV[1], replicationId())
if not state or not hasFlag(state, 'p') then return '0 0' end
local first = ARGV[3] ~= '' and ARGV[3] or state.first
local found = redis.call('HSCAN', keys.overlay, ARGV[2], 'COUNT', hasFlag(state, 'l') and LARGE_STEP or STEP)
local cursor, versions = found[1], found[2]
local gone = {}
for i = 1, #versions, 2 do
  if less(versions[i], state.first) then gone[#gone + 1] = versions[i] end
end
for i = 1, #gone, 1000 do redis.call('HDEL', keys.overlay, unpack(gone, i, math.min(i + 999, #gone))) end
if cursor == '0' and first == state.first then
  setFlag(state, 'p', false)
  if redis.call('EXISTS', keys.overlay) == 0 then setFlag(state, 'u', false) end
end
saveState(keys, state)
return cursor .. ' ' .. first`);

export const READ_SETTINGS = script(`local time = redis.pcall('TIME')
return { redis.call('GET', KEYS[1]) or '', time[1] or '', time[2] or '' }`);

export const READ = script(`${READ_STATE}
local MAX_BYTES = 8 * 1024 * 1024
local UNCOUNTED_ROWS = MAX_BYTES / LARGE_BODY_BYTES
local LARGE_ROWS_AT_ONCE = 8
local READ_AGAIN = 2
local rowsRead, bytesRead = 0, 0
local function fetchRows(keys, from, to, count, reverse)
  if reverse == '1' then return redis.call('XREVRANGE', keys.stream, to, from, 'COUNT', count) end
  return redis.call('XRANGE', keys.stream, from, to, 'COUNT', count)
end
local function versionsOf(keys, rows)
  local seqIds, versions = {}, {}
  for i, row in ipairs(rows) do seqIds[i] = string.sub(row[1], 3) end
  for i = 1, #seqIds, 1000 do
    local some = redis.call('HMGET', keys.overlay, unpack(seqIds, i, math.min(i + 999, #seqIds)))
    for _, version in ipairs(some) do versions[#versions + 1] = version end
  end
  return versions
end
local function readSmall(keys, state, text, from, to, limit, reverse)
  local rows = fetchRows(keys, from, to, limit, reverse)
  rowsRead = rowsRead + #rows
  if rowsRead > UNCOUNTED_ROWS then
    for _, row in ipairs(rows) do bytesRead = bytesRead + #row[2][2] end
  end
  if not hasFlag(state, 'u') or #rows == 0 then return { text, rows } end
  return { text, rows, versionsOf(keys, rows) }
end
local function readLarge(keys, state, text, from, to, limit, reverse)
  local rows, versions, left = {}, hasFlag(state, 'u') and {}, tonumber(limit)
  while left > 0 do
    local count = math.min(left, LARGE_ROWS_AT_ONCE)
    local some = fetchRows(keys, from, to, count, reverse)
    local someVersions = versions and #some > 0 and versionsOf(keys, some)
    for i, row in ipairs(some) do
      rows[#rows + 1] = row
      bytesRead = bytesRead + #row[2][2]
      if versions then
        versions[#versions + 1] = someVersions[i]
        if someVersions[i] then bytesRead = bytesRead + #someVersions[i] end
      end
      if bytesRead >= MAX_BYTES then return { text, rows, versions, 1 } end
    end
    if #some < count then break end
    left = left - count
    local edge = '(' .. some[#some][1]
    if reverse == '1' then to = edge else from = edge end
  end
  return { text, rows, versions }
end
local function readRange(keys, after, before, limit, reverse)
  if bytesRead >= MAX_BYTES then return READ_AGAIN end
  local state, text = readState(keys)
  if not state then return text end
  local from = '(0-' .. (less(after, state.floor) and state.floor or after)
  local to = before == '+' and before or '(0-' .. before
  if hasFlag(state, 'l') then return readLarge(keys, state, text, from, to, limit, reverse) end
  return readSmall(keys, state, text, from, to, limit, reverse)
end
local answers = {}
for i = 2, #ARGV, 4 do
  local keys = keysOf(KEYS[(i - 2) / 4 * tonumber(ARGV[1]) + 1])
  answers[#answers + 1] = readRange(keys, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return answers`);

export const SET_CHECKPOINTS = script(`for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end`);
