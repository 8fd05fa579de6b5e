-- Appends one entry, with an idempotency key or without, to each of some Timelines that are as this process left them.
--
-- KEYS    what the keys of each Timeline begin with; in a Cluster its stream, its state and its idempotency keys
-- ARGV    1: the kind of the bodies, `t` or `b`, and the time, as entries are named
--         2: the latest time that is not of the future, padded
--         3: the time that is stored with keys, in base 36; '' if the entries have none
--         4: the latest time of keys that are forgotten
--         5: the period of that time, and 6: how long Redis keeps the keys from now on; '' for ever
--         7: 0 to 1, decides which Timelines look for keys that are forgotten, and 8: the HSCAN cursor for it
--         9…: of entries with keys the key, its name in the hash, the hash of the message and the body, of others the
--         body, none of them large; for each Timeline, or once if all get the same entry
-- answer  one text with a line for each Timeline: its new state; `=`, the SeqId and the epoch of a known key; nothing,
--         if anything was not as expected and nothing was written; or `!` and a message, if something may have been
--         written
-- caller  EachRequest in fast-requests.ts
--
-- This is the hot path. Each step of Lua, each call and each new string counts: the loop calls no functions of its own
-- unless something is unusual, splits the state at known places, and counts the SeqId up by its last digit.
--include ../timeline-state.lua
--include fast-append.lua
--include idempotency-keys.lua
local name, keyTime, forgotten, period = ARGV[1], ARGV[3] .. ' ', tonumber(ARGV[4]), ARGV[5]
local chance = tonumber(ARGV[7])
local byte = string.byte
-- The successors of `0` to `8`.
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

-- Returns the text behind `last`, with the present period.
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
    -- Texts that begin with other times are in the order of their times.
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
return table.concat(answers, '\n')
