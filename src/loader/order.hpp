// The order in which modules start, and what forbids one.
#pragma once

#include <string>
#include <vector>

#include "loader/library.hpp"

namespace cleave::loader {

/// Sorts `libraries` so that dependencies come first, equals by name, and reports unknown
/// dependencies and each cycle in full ("order -> user -> order").
void sort_by_dependencies(std::vector<Library>& libraries,
                          const std::vector<std::string>& elsewhere,
                          std::vector<Refusal>& refusals);

}  // namespace cleave::loader
