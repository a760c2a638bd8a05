// Framing: where a request's head ends and how its body is delimited, by RFC 9112 without any of
// the leniences it allows. Two parsers that read the same bytes differently are what request
// smuggling lives on, so whatever is not plainly right is refused. Pure: no I/O, no clock.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cleave/message.hpp"
#include "http/server.hpp"

namespace cleave::http {

/// Why the door itself answers, as a problem; the connection is closed after it.
struct Refusal {
  int status = 0;
  const char* slug = "";
  const char* title = "";
};

/// A request's head. Views borrow from the bytes that were parsed.
struct Head {
  std::string_view method;
  std::string_view path;               // as sent, "/users/7"; "*" for OPTIONS *
  std::string_view query;              // without '?'
  std::string_view deadline;           // X-Cleave-Deadline-Ms, of this hop as well; the first
  std::vector<cleave_header> headers;  // end to end only: hop-by-hop ones are taken out
  std::size_t size = 0;                // bytes, the empty line included
  std::uint64_t content_length = 0;
  bool chunked = false;
  bool keep_alive = true;
  bool http10 = false;
  bool expect_continue = false;
  bool unserved = false;  // TRACE or CONNECT: known, and nowhere allowed

  /// First value of a header, by any case; empty when absent.
  std::string_view header(std::string_view name) const noexcept;
};

enum class Parse { kMore, kComplete, kRefused };

/// Reads the head at the start of `bytes`. Judges line by line, so that the verdict on a prefix is
/// the verdict on the whole: how a client cuts its segments changes nothing. `head` is overwritten.
Parse parse_head(std::string_view bytes, const Limits& limits, Head& head, Refusal& refusal);

/// One header or trailer line without its CR LF: "name: value". False when it is malformed.
bool split_field(std::string_view line, cleave_header& field) noexcept;

/// Methods that a CONNECT without a path is told about, and OPTIONS *.
inline constexpr std::string_view kAllMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

}  // namespace cleave::http
