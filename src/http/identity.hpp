// Identity: who a module in some host is, so that one may take another's place.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cleave/message.hpp"

namespace cleave::http {

struct Identity {
  std::string module, version;
  std::string place;     // "here", "guarded", or the URL that its host passes calls on to
  std::string database;  // postgres/fingerprint.hpp; kNone without one, empty: it does not answer
  bool ready = false;
  std::string process = {};  // this_process() of the host that said so

  static constexpr std::string_view kNone = "none";
};

/// A number that no other process has, and this one keeps. [any thread]
const std::string& this_process();

/// As JSON, for a host that has the service token.
Response to_response(const Identity& identity);
/// Null when `response` is no such answer.
std::optional<Identity> read_identity(const Response& response);

}  // namespace cleave::http
