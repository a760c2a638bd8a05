// What a module may not lean on: the functions behind which the world lies that it must reach
// through its host.
#pragma once

#include <string_view>

namespace cleave::loader {

/// Null when a module may import `symbol`; else why not, and what to use instead.
const char* why_refused(std::string_view symbol) noexcept;

/// Symbols that a compiler's instrumentation brings along, no module's doing: sanitizers, gcov.
bool is_instrumentation(std::string_view symbol) noexcept;

}  // namespace cleave::loader
