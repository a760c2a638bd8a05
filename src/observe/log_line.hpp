// How one line of the log is written; without time and level, which spdlog puts before it.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "observe/log.hpp"

namespace cleave::log {

inline constexpr std::size_t kLongestLine = 8192;  // with time, level and line feed

/// `component message key=value`. A value with a space, a quote or an equals sign is quoted.
std::string text_line(std::string_view component, std::string_view message,
                      std::initializer_list<Field> fields);
/// `"component":"…","message":"…","key":"…"`: the inside of a JSON object, without braces.
std::string json_line(std::string_view component, std::string_view message,
                      std::initializer_list<Field> fields);

}  // namespace cleave::log
