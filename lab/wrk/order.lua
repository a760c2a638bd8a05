-- POST /orders with random users and products; the requests are built once, so that wrk's own
-- work is small.
local requests, at, count = {}, 0, 4096

function init()
  math.randomseed(os.time())
  local rows = tonumber(os.getenv("ROWS"))
  local headers = {["Content-Type"] = "application/json"}
  for i = 1, count do
    local body = string.format('{"user_id":%d,"product_id":%d}', math.random(rows),
                               math.random(rows))
    requests[i] = wrk.format("POST", "/orders", headers, body)
  end
end

function request()
  at = at % count + 1
  return requests[at]
end
