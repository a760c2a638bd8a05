// The wire between hosts: what a call to a module in another process looks like.
//
//   GET /internal/user/users/7?fields=name HTTP/1.1        METHOD /internal/<module><path>?<query>
//   X-Cleave-Service-Token: …         the secret that all hosts of one system share
//   X-Cleave-Caller: order            the module that asks; "-": a client outside, passed on by the
//                                     host that it spoke to
//   X-Cleave-Depth: 1                 calls within calls so far
//   X-Cleave-Deadline-Ms: 790         what the caller still waits, relative: clocks differ
//   X-Request-Id, traceparent         as on every request
//
//   HTTP/1.1 404 Not Found            the module's own answer, because of
//   X-Cleave-Module: user             its name; without it another layer or program speaks
//
// A path that ends with the module's name asks whether the module runs here: 204; with the query
// "identity", who exactly it is (identity.hpp): 200; as a POST of a batch (batch_wire.hpp), several
// calls at once.
#pragma once

#include <string_view>

#include "cleave/message.hpp"

namespace cleave::http {

inline constexpr std::string_view kInternalPath = "/internal/";
inline constexpr std::string_view kTokenHeader = "X-Cleave-Service-Token";
inline constexpr std::string_view kCallerHeader = "X-Cleave-Caller";
inline constexpr std::string_view kDepthHeader = "X-Cleave-Depth";
inline constexpr std::string_view kDeadlineHeader = "X-Cleave-Deadline-Ms";
inline constexpr std::string_view kModuleHeader = "X-Cleave-Module";
inline constexpr std::string_view kOutside = "-";  // as a caller
inline constexpr std::string_view kIdentityQuery = "identity";

/// Whether a header is one of ours between hosts, which no module sees or sets.
inline bool is_internal(std::string_view name) noexcept {
  constexpr std::string_view kPrefix = "X-Cleave-";
  return name.size() > kPrefix.size() && name[1] == '-' &&
         iequals(name.substr(0, kPrefix.size()), kPrefix);
}

}  // namespace cleave::http
