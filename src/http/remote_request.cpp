#include "http/remote_request.hpp"

#include <algorithm>

#include "http/chars.hpp"
#include "http/internal_wire.hpp"
#include "http/target.hpp"

namespace cleave::http {
namespace {

/// Headers of the hop itself: a module cannot set them.
bool is_of_the_hop(std::string_view name) noexcept {
  static constexpr std::string_view kNames[] = {
      "connection",  "content-length",   "expect",  "host",    "keep-alive",        "te",
      "traceparent", "proxy-connection", "trailer", "upgrade", "transfer-encoding", "x-request-id"};
  return is_internal(name) ||
         std::any_of(std::begin(kNames), std::end(kNames),
                     [name](std::string_view one) { return iequals(one, name); });
}

void add(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool RemoteRequest::sound() const noexcept {
  return !method.empty() && all(method, kToken) && (path.empty() || path.front() == '/') &&
         path.find('?') == std::string_view::npos && valid_target(path) && valid_target(query);
}

void RemoteRequest::append_to(std::string& text, const RemoteAddress& to, std::string_view token,
                              const observe::TraceContext& trace, io::Millis left) const {
  text.reserve(text.size() + 512 + path.size() + query.size() + body.size());
  text.append(method).append(" ").append(kInternalPath).append(module).append(path);
  if (!query.empty()) text.append("?").append(query);
  text += " HTTP/1.1\r\n";
  add(text, "Host", to.authority());
  add(text, kTokenHeader, token);
  add(text, kCallerHeader, caller);
  add(text, kDepthHeader, std::to_string(depth));
  add(text, kDeadlineHeader, std::to_string(left.count()));
  if (!id.empty()) add(text, "X-Request-Id", id);
  text += "traceparent: ";
  trace.append_header(text);
  text += "\r\n";
  for (const cleave_header& header : headers) {
    const std::string_view name = view(header.name), value = view(header.value);
    if (name.empty() || !all(name, kToken) || !all(value, kField) || is_of_the_hop(name)) continue;
    add(text, name, value);
  }
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    add(text, "Content-Length", std::to_string(body.size()));
  }
  text.append("\r\n").append(body);
}

}  // namespace cleave::http
