// A command's request to the admin listener of a host on this machine. Blocks.
#pragma once

#include <string>

#include "http/probe.hpp"

namespace cleave::http {

struct AdminRequest {
  std::string listen;  // as in Options::listen
  std::string method = "GET", path, body;
  std::string token;  // empty: none
};

/// Status 0: nobody answered within a second. A change may take `kChangeSeconds`. [any thread but a
/// loop's]
inline constexpr int kChangeSeconds = 120;
ProbeAnswer ask_admin(const AdminRequest& request);

}  // namespace cleave::http
