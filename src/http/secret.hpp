// Secrets between hosts: making and comparing them.
#pragma once

#include <string>
#include <string_view>

namespace cleave::http {

/// 256 random bits as hexadecimal digits, for X-Cleave-Service-Token. Throws std::runtime_error
/// when the kernel gives none.
std::string make_secret();

/// In constant time for secrets of one length, so that answers do not spell the secret out.
inline bool same_secret(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace cleave::http
