// Gateway: NGINX in front of hosts on this machine, from the same files as the container's.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "supervise/child.hpp"

namespace cleave::supervise {

struct GatewayOptions {
  std::filesystem::path files;      // docker/nginx: the templates, services/ and render.sh
  std::filesystem::path directory;  // for what is rendered; made here
  std::string listen;               // "127.0.0.1:8080", "[::1]:8080" or "unix:/path"
  std::string run_as;               // see front.hpp
  struct Service {
    std::string name, path, address;  // "order", "/orders", "unix:/path"
  };
  std::vector<Service> services;
};

/// The nginx program. Throws std::runtime_error with the remedy when there is none (the Debian
/// package), or no configuration at `files`.
std::filesystem::path find_gateway(const std::filesystem::path& files);

/// Renders the configuration and says how to start NGINX with it. A service with a file of its own
/// in files/services is routed by that file, one without by its path; a file of a service that is
/// not in `services` is left out. Stop it with SIGQUIT: requests in hand are finished. Throws
/// std::runtime_error. [main]
ChildOptions make_gateway(const GatewayOptions& options);

}  // namespace cleave::supervise
