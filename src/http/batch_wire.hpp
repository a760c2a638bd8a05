// A batch: several calls to one module of another host as one request (internal_wire.hpp tells what
// each call looks like).
//
//   POST /internal/user HTTP/1.1
//   Content-Type: application/vnd.cleave.batch
//
//   413                               bytes of what follows, in decimal, and a line feed
//   GET /internal/user/users/7 HTTP/1.1 …
//   409
//   GET /internal/user/users/8 HTTP/1.1 …
//
// The answer has the same form and order; its parts are without the headers that end at the caller
// (Date, Server-Timing and the like). An empty part: that call is to be made alone.
// docs/decisions/0021 says why this is not HTTP/2 and not a route of the module.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

namespace cleave::http {

inline constexpr std::string_view kBatchType = "application/vnd.cleave.batch";
inline constexpr std::size_t kLargestBatch = 64;  // calls

inline void append_part(std::string& batch, std::string_view part) {
  batch.append(std::to_string(part.size())).append("\n").append(part);
}

/// Takes the first part off `rest`. False: there is none, or it is not whole.
inline bool take_part(std::string_view& rest, std::string_view& part) noexcept {
  std::size_t size = 0;
  const char* const last = rest.data() + rest.size();
  const auto [end, error] = std::from_chars(rest.data(), last, size);
  if (error != std::errc() || end == last || *end != '\n') return false;
  const auto left = static_cast<std::size_t>(last - end - 1);
  if (size > left) return false;
  part = {end + 1, size};
  rest = {end + 1 + size, left - size};
  return true;
}

}  // namespace cleave::http
