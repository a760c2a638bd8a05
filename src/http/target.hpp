// Request targets and authorities: RFC 9112, 3.2 and RFC 3986.
#pragma once

#include <string_view>

namespace cleave::http {

/// Origin-form characters only, each '%' followed by two hex digits that are not 00.
bool valid_target(std::string_view target) noexcept;

/// host or host:port, as a Host header holds it: a name, an IPv4 or a bracketed IPv6 address; no
/// user, no path, nothing empty.
bool valid_authority(std::string_view authority) noexcept;

/// Splits "http://authority/path?query"; false when it has not this form. `target` becomes "/"
/// when there is no path.
bool split_absolute(std::string_view whole, std::string_view& authority,
                    std::string_view& target) noexcept;

}  // namespace cleave::http
