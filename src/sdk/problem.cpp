#include "cleave/problem.hpp"

#include <algorithm>

#include "cleave/json.hpp"

namespace cleave {
namespace {

bool is_uuid(std::string_view id) noexcept {
  if (id.size() != 36) return false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = id[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

/// Whoever is told 503 is told when to come back, too.
Problem to_problem(const cleave_error& error) {
  Problem problem(error.status, std::string(view(error.slug)), std::string(view(error.title)));
  if (error.status == 503) return std::move(problem).retry_after(1);
  return problem;
}

}  // namespace

Problem Problem::at(std::string pointer, std::string code) && {
  details_.push_back({std::move(pointer), std::move(code)});
  return std::move(*this);
}

Problem Problem::with(std::string_view header, std::string_view value) && {
  headers_.push_back({std::string(header), std::string(value)});
  return std::move(*this);
}

Problem Problem::retry_after(int seconds) && {
  return std::move(*this).with("Retry-After", std::to_string(seconds));
}

Response Problem::response(std::string_view request_id) const {
  Response response{.status = status_};
  response.headers = headers_;
  response.set("Content-Type", "application/problem+json").set("Cache-Control", "no-store");
  JsonWriter json(response.body);
  json.begin_object();
  json.key("type").text("/problems/" + slug_);
  json.key("title").text(title_);
  json.key("status").number(static_cast<std::int64_t>(status_));
  if (!request_id.empty()) {
    const std::string scheme = is_uuid(request_id) ? "urn:uuid:" : "urn:request:";
    json.key("instance").text(scheme + std::string(request_id));
  }
  if (!details_.empty()) {
    json.key("errors").begin_array();
    for (const Detail& detail : details_) {
      json.begin_object();
      json.key("pointer").text(detail.pointer).key("code").text(detail.code);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
  return response;
}

DatabaseError::DatabaseError(const cleave_error& error)
    : Problem(to_problem(error)),
      sqlstate_(view(error.sqlstate)),
      constraint_(view(error.constraint)) {}

}  // namespace cleave
