// Wire: the bytes of an answer's head, for answers that the door gives by itself, and the fields
// that every answer carries.
#pragma once

#include <string>
#include <string_view>

#include "cleave/message.hpp"
#include "http/framing.hpp"
#include "router/context.hpp"

namespace cleave::http {

std::string_view reason_phrase(int status) noexcept;

/// X-Request-Id, traceparent, Server-Timing, X-Content-Type-Options and, when the connection goes,
/// Connection: close; each line ends with CR LF.
void append_common_fields(std::string& out, const router::RequestScope& scope, bool close);

/// A whole answer; `head_only` leaves the body away, as for HEAD.
std::string format(const Response& response, const router::RequestScope& scope, bool close,
                   bool head_only);
/// The same for a refusal, as a problem.
std::string format(const Refusal& refusal, bool close);

/// No CR, LF or NUL: what may stand in a header's name or value.
bool is_field_text(std::string_view text) noexcept;

}  // namespace cleave::http
