-- Decimal arithmetic on SeqIds, which are larger than the doubles of Lua can hold.

local MAX_SEQ_ID = '9223372036854775807'

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
end
