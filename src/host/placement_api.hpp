// The placement of the modules, over the admin listener.
#pragma once

#include "host/placement.hpp"
#include "http/server.hpp"

namespace cleave::host {

/// GET  /placement                       200: an array of what lives where
/// PUT  /placement/order {"to": "…"}     "here", "guarded", "http://HOST:PORT", "unix:PATH"
/// POST /placement/order/reload          to a newer copy of its file
/// The last two answer when the change is made (200) or refused, then with the reason as the
/// problem's title: 404 no such module, 409 it is there already or another change is under way, 422
/// the place is not fit, 503 it is not there now. Bounded by the change's own limits. `placement`
/// outlives the handler.
http::Handler placement_handler(Placement& placement);

}  // namespace cleave::host
