#include "http/wire.hpp"

#include <algorithm>

#include "cleave/problem.hpp"

namespace cleave::http {

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

bool is_field_text(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void append_common_fields(std::string& out, const router::RequestScope& scope, bool close) {
  out += "X-Content-Type-Options: nosniff\r\nX-Request-Id: ";
  out += scope.id();
  out += "\r\ntraceparent: ";
  out += scope.trace.header();
  const std::string timing = scope.timeline.server_timing();
  if (!timing.empty()) {
    out += "\r\nServer-Timing: ";
    out += timing;
  }
  out += close ? "\r\nConnection: close\r\n" : "\r\n";
}

std::string format(const Response& response, const router::RequestScope& scope, bool close,
                   bool head_only) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out += reason_phrase(response.status);
  out += "\r\n";
  for (const Header& header : response.headers) {
    if (!is_field_text(header.name) || !is_field_text(header.value)) continue;
    out.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  if (response.status != 204 && response.status != 304) {
    out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  }
  append_common_fields(out, scope, close);
  out += "\r\n";
  if (!head_only) out += response.body;
  return out;
}

std::string format(const Refusal& refusal, bool close) {
  router::RequestScope scope;
  scope.set_id({});
  scope.trace = observe::TraceContext::make();
  Problem problem(refusal.status, refusal.slug, refusal.title);
  if (refusal.status == 405) problem = std::move(problem).with("Allow", kAllMethods);
  if (refusal.status == 503) problem = std::move(problem).retry_after(1);
  return format(problem.response(scope.id()), scope, close, false);
}

}  // namespace cleave::http
