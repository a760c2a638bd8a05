-- GET one row with random ids: "/users/1" on wrk's command line stands for all /users/{id}. The
-- requests are built once, so that wrk's own work is small.
local requests, at, count = {}, 0, 4096

function init()
  math.randomseed(os.time())
  local rows = tonumber(os.getenv("ROWS"))
  local collection = wrk.path:match("^(/%a+)/")
  for i = 1, count do
    requests[i] = wrk.format("GET", collection .. "/" .. math.random(rows))
  end
end

function request()
  at = at % count + 1
  return requests[at]
end
