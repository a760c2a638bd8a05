// The fields of cleave_module, each against what abi.h promises.
#pragma once

#include <string>
#include <vector>

#include "loader/library.hpp"

namespace cleave::loader {

/// Everything that is wrong; empty: the struct may be believed. When one of the first four fields
/// (magic, abi, size, flags) is wrong, only that one is told: the rest means nothing then.
std::vector<Refusal> check_fields(const std::string& subject, const cleave_module* module);

}  // namespace cleave::loader
