-- wrk: every request another resident's, with a token made beforehand.
-- Arguments: file of tokens, number of wrk's threads, path, tier. Each thread takes its own tokens.
local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(args)
  local count, path, tier = tonumber(args[2]), args[3], args[4]
  requests, at = {}, 0
  local n = 0
  for token in io.lines(args[1]) do
    if n % count == number then
      local body = string.format('{"tier_position":%s,"request_id":"bench-%08d"}', tier, n)
      requests[#requests + 1] = wrk.format("POST", path, {
        ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json"}, body)
    end
    n = n + 1
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'measured {"answers": %d, "seconds": %.6f, "p99_us": %d, "refused": %d, "errors": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
