#include "router/context.hpp"

#include <algorithm>
#include <cstring>

namespace cleave::router {

void RequestScope::set_id(std::string_view from_client) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  const bool usable = !from_client.empty() && from_client.size() <= id_bytes.size() &&
                      std::all_of(from_client.begin(), from_client.end(), allowed);
  if (usable) {
    std::memcpy(id_bytes.data(), from_client.data(), from_client.size());
    id_size = static_cast<std::uint8_t>(from_client.size());
    return;
  }
  const auto made = observe::make_uuid();
  std::memcpy(id_bytes.data(), made.data(), made.size());
  id_size = static_cast<std::uint8_t>(made.size());
}

}  // namespace cleave::router
