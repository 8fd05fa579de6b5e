-- Appends whatever may be appended: a group of writes to each Timeline.
--
-- KEYS    the stream of each Timeline, in a Cluster each followed by its state, overlay and idempotency keys
-- ARGV    1: the request as JSON, see AppendRequest in append-scripts.ts
--         2…: the bodies that the request refers to, counting from one
-- answer  one text with a line for each write, group by group:
--           epoch seqId           the entries have consecutive SeqIds, and this is the first
--           epoch seqId seqId …   the SeqId of each entry, with `=` in front if its key was known
--           !L expected last      TIMELINE_CONFLICT: the last SeqId is not `expectedLast`
--           !S chosen last        TIMELINE_CONFLICT: a chosen SeqId does not follow the last one
--           !K seqId index        TIMELINE_KEY_CONFLICT with that entry, of the entry at `index` of the write
--           !E message            nothing was written
--           !U message            something may have been written
-- caller  Appender in append.ts
local request = cjson.decode(ARGV[1])
--include load-state.lua
--include idempotency-keys.lua
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
  -- A key that is used again takes its place among the newest: a purge of a small hash ends at the first new one.
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

-- Returns the answer to a write and the entries to add; no entries if the write is refused.
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
    -- Keys of a Timeline that was lost must not answer for this one.
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

-- Returns a write in its longest form: `expectedLast` and the entries.
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
        -- The stream is ahead of its state: an older state was put beside it.
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
  answers[i] = table.concat(appendGroup(keys, writes, i % PURGE_EVERY == purgeTurn), '\n')
end
return table.concat(answers, '\n')
