// The rows that a system holds: what is left of its traffic when all answers are forgotten.
#pragma once

#include <string>
#include <vector>

#include "supervise/embedded.hpp"

namespace cleave::test {

/// What psql prints for a query, its columns between "|": a way to the rows that shares nothing
/// with the program under test. Throws std::runtime_error with psql's words.
std::vector<std::string> query(const std::string& url, const std::string& sql);

/// One line a row, `order.orders: {"id":1,"user_id":1,…}`, of every table of every module, ordered;
/// columns that hold a time are left out. Throws std::runtime_error with psql's words.
std::vector<std::string> rows_of(const std::vector<supervise::ModuleDatabase>& databases);

}  // namespace cleave::test
