// The internal routes: how a host answers calls of modules that run in other hosts
// (internal_wire.hpp). A module sees the same caller, path and headers as it would fused.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/identity.hpp"
#include "http/server.hpp"
#include "router/router.hpp"

namespace cleave::http {

/// Without what only the hop between hosts is about: what a module sees of a call, as if it had
/// been made inside its process. The views are those of `headers`.
std::vector<cleave_header> end_to_end(std::span<const cleave_header> headers);

struct InternalOptions {
  router::Router* router = nullptr;
  std::string token;  // empty: there are no internal routes
  // That are asked for here. One that has moved elsewhere since is asked there for its callers, who
  // do not know; each such hop counts as depth, so that a circle ends.
  std::vector<std::string_view> modules;
  std::function<Identity(std::string_view module)> identity = {};  // [fiber]; none: 404
  std::string only_caller = {};  // when not empty: nobody else may ask, whatever he says
};

/// Serves /internal/… in front of `handler`, and takes X-Cleave-… headers out of every other
/// request, so that nobody outside can pose as a module. What is refused: 404 as any unknown path
/// without a token or for a module that does not run here; 401 "service-token" for a token that is
/// missing or wrong; 403 "undeclared-dependency" for a caller that no manifest here knows or that
/// does not declare the edge. A host that has the token may pass on what a client outside asked of
/// it, on the paths that a client could ask for here.
Handler with_internal(Handler handler, InternalOptions options);

}  // namespace cleave::http
