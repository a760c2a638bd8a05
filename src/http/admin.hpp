// Health and the admin listener: what operators and orchestrators ask, beside the services.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/server.hpp"

namespace cleave::http {

/// Why the process should get no traffic now, one short reason each; empty when it is ready.
/// Quick, never waits, any thread.
using NotReady = std::function<std::vector<std::string>()>;

/// Serves /livez (200 while the loop turns) and /readyz (200 or 503, without reasons: strangers
/// read it) in front of `handler`.
Handler with_health(Handler handler, NotReady not_ready);

struct AdminOptions {
  std::string token;  // demanded as "Authorization: Bearer …" unless empty; /livez is free
  NotReady not_ready;
  std::function<std::string()> metrics;  // the text of /metrics; any thread
  Handler placement = {};                // of /placement and what is below it; none: 404
};

/// Serves /livez, /readyz with reasons, /metrics and /placement; 404 for the rest, 405 for other
/// methods.
Handler admin_handler(AdminOptions options);

}  // namespace cleave::http
