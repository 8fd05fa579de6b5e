-- Appends one entry with an idempotency key to each of some Timelines that are as this process left them.
--
-- KEYS    what the keys of each Timeline begin with; in a Cluster its stream, its state and its idempotency keys
-- ARGV    1: the kind of the bodies, `t` or `b`, and the time, as entries are named
--         2: the latest time that is not of the future, padded
--         3: the time that is stored with the keys, in base 36
--         4: the latest time of keys that are forgotten
--         5: the period of that time, and 6: how long Redis keeps the keys from now on; '' for ever
--         7: 0 to 1, decides which Timelines look for keys that are forgotten, and 8: the HSCAN cursor for it
--         9…: key, its name in the hash, the hash of the message, the body, none of them large; of each Timeline, or
--         once if all get the same entry
-- answer  one text with a line for each Timeline: its new state; `=`, the SeqId and the epoch of a known key; nothing,
--         if anything was not as expected and nothing was written; or `!` and a message, if something may have been
--         written
-- caller  KeyedRequest in fast-requests.ts
--include ../timeline-state.lua
--include advance-state.lua
--include idempotency-keys.lua
local name, latest, keyTime, forgotten = ARGV[1], ARGV[2], ARGV[3] .. ' ', tonumber(ARGV[4])
local period, keysLiveMs, chance = ARGV[5], ARGV[6], tonumber(ARGV[7])
local purgeTurn = math.floor(chance * PURGE_EVERY)
local now, replId = padTime(sub(name, 2)), replicationId()
local bases, stateKeys = timelineKeys(3)
local states = call('MGET', unpack(stateKeys))
local answers, changes, changed = {}, {}, 0

local function answerKnown(text, hash, rest)
  local seqId, knownHash = parseKnownKey(text, forgotten)
  if knownHash ~= hash then return '' end
  return '=' .. seqId .. ' ' .. string.match(rest, '^ %S+ (%S+)')
end

-- Returns the text behind `last`, with the present period.
local function extendKeys(keys, rest)
  local done = keysLiveMs == '' and call('PERSIST', keys) or keysLiveMs ~= '' and call('PEXPIRE', keys, keysLiveMs)
  return type(done) == 'number' and ' ' .. period .. sub(rest, TO_EPOCH) or rest
end

local place, step = 9, #ARGV > 12 and 4 or 0
local field, hash, body, suffix, entryName, keyTail
for i = 1, #stateKeys do
  if step > 0 or i == 1 then
    suffix = ':' .. ARGV[place]
    field, hash, body = ARGV[place + 1], ARGV[place + 2], ARGV[place + 3]
    entryName, keyTail = name .. suffix, ' ' .. hash
    place = place + step
  end
  local answer, base = '', bases[i]
  local lastAt, seqId, rest = advanceState(states[i], replId)
  if lastAt then
    local keys, added = base .. 'k', nil
    added = call('HSETNX', keys, field, keyTime .. seqId .. keyTail)
    if added == 1 then
      local at, entry = now, entryName
      if lastAt > now then
        at, entry = nextTime(lastAt, name, now, latest)
        entry = entry .. suffix
      end
      local id = '0-' .. seqId
      if call('XADD', base .. 's', 'NOMKSTREAM', id, entry, body) == id then
        if sub(rest, 2, PERIOD_WIDTH + 1) ~= period then rest = extendKeys(keys, rest) end
        answer = at .. ' ' .. seqId .. rest
        changes[changed + 1], changes[changed + 2] = stateKeys[i], answer
        changed = changed + 2
      else
        call('HDEL', keys, field)
      end
    elseif added == 0 then
      answer = answerKnown(call('HGET', keys, field), hash, rest)
    end
  end
  answers[i] = answer
end
saveStates(changes, answers)
for i = purgeTurn, #answers, PURGE_EVERY do
  if i > 0 and answers[i] ~= '' then pcall(purgeKeys, bases[i] .. 'k', forgotten, ARGV[8], chance * PURGE_EVERY % 1) end
end
return table.concat(answers, '\n')
