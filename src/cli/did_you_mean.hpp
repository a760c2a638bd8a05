// did_you_mean: what somebody meant who mistyped a name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cleave::cli {

/// "; did you mean order?" for the known name that is nearest, at most three edits away; else
/// empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace cleave::cli
