// The rows that a system holds: what is left of its traffic when all answers are forgotten.
#pragma once

#include <string>
#include <vector>

#include "supervise/embedded.hpp"

namespace cleave::test {

/// One line a row, `order.orders: {"id":1,"user_id":1,…}`, of every table of every module, ordered;
/// columns that hold a time are left out. Throws std::runtime_error with psql's words.
std::vector<std::string> rows_of(const std::vector<supervise::ModuleDatabase>& databases);

}  // namespace cleave::test
