-- GET /products/{id} with random ids; the requests are built once, so that wrk's own work is small.
local requests, at, count = {}, 0, 4096

function init()
  math.randomseed(os.time())
  local rows = tonumber(os.getenv("ROWS"))
  for i = 1, count do requests[i] = wrk.format("GET", "/products/" .. math.random(rows)) end
end

function request()
  at = at % count + 1
  return requests[at]
end
