// Probe: one blocking look at a host's health, for commands. Never on a loop thread.
#pragma once

#include <string>

namespace cleave::http {

struct ProbeAnswer {
  int status = 0;  // 0: nobody answered
  std::string body;
};

/// GET /readyz of the host on this machine that listens at `listen` ("HOST:PORT", "[IPv6]:PORT" or
/// "unix:PATH", as in Options::listen; an address for all interfaces is asked on loopback). Waits a
/// second at most for the connection, and for the answer. [any thread but a loop's]
ProbeAnswer probe_readiness(const std::string& listen);

}  // namespace cleave::http
