-- wrk: a fixed number of claims, every one answered; some are an earlier one sent again.
-- Arguments: file of tokens, wrk's threads, path, attempts, replays in a hundred, folder.
-- Thread N writes into the folder N.receipts, a line for each claim that was granted or answered
-- again, and at its end N.json; it then asks without a token until it is stopped.
local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(args)
  local count, attempts, replays = tonumber(args[2]), tonumber(args[4]), tonumber(args[5])
  path, folder = args[3], args[6]
  wanted = math.floor(attempts / count) + (number < attempts % count and 1 or 0)
  every = replays > 0 and math.floor(100 / replays) or 0
  tokens, sent, answered, repeated, refused = {}, 0, 0, 0, {}
  local n = 0
  for token in io.lines(args[1]) do
    if n % count == number then tokens[#tokens + 1] = token end
    n = n + 1
  end
  out = io.open(folder .. "/" .. number .. ".receipts", "w")
  idle = wrk.format("POST", path, {["Content-Type"] = "application/json"}, "{}")
  math.randomseed(number + 1)
end

-- The n-th press of this thread: people come round again and again, each time as a new request.
local function claim(n)
  local person = n % #tokens + 1
  return wrk.format("POST", path, {
    ["Authorization"] = "Bearer " .. tokens[person], ["Content-Type"] = "application/json"},
    string.format('{"tier_position":1,"request_id":"press-%d-%08d"}', number, n))
end

function request()
  if number == 0 and not verified then  -- wrk looks at one request of the first thread, unsent
    verified = true
    return idle
  end
  if sent >= wanted then return idle end
  sent = sent + 1
  if every > 0 and sent % every == 0 and sent > 1 then
    repeated = repeated + 1
    local back = math.random(1, math.min(sent - 1, 2000))
    return claim(sent - back)
  end
  return claim(sent)
end

function response(status, headers, body)
  local receipt = string.match(body, '"receipt":"([^"]+)"')
  if receipt then
    out:write(receipt, "\n")
  else
    local code = string.match(body, '"code":"([^"]+)"')
    if code == "sign_in_required" then return end  -- asked while idle
    code = code or "unreadable"
    refused[code] = (refused[code] or 0) + 1
  end
  answered = answered + 1
  if answered == wanted then
    out:close()
    local parts = {}
    for code, count in pairs(refused) do parts[#parts + 1] = string.format('"%s":%d', code, count) end
    local told = io.open(folder .. "/" .. number .. ".json", "w")
    told:write(string.format('{"answered":%d,"repeated":%d,"refused":{%s}}', answered, repeated,
      table.concat(parts, ",")))
    told:close()
  end
end
