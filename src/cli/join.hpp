// join: names in one line, for messages and logs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cleave::cli {

inline std::string join(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += between;
    text += part;
  }
  return text;
}

}  // namespace cleave::cli
