// Partition: which modules share a process. "fused", "split", or groups as in "user+product,order".
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "loader/library.hpp"

namespace cleave::cli {

/// One process: its modules, dependencies first.
struct Group {
  std::vector<std::string> modules;
  std::string name() const;  // "user+product"
};

/// What is wrong with a partition, in one line with the remedy.
class BadPartition : public std::runtime_error {
  using runtime_error::runtime_error;
};

/// `modules` as the loader sorts them: dependencies first. So are the groups, as far as a group
/// that depends on another can come after it: sorted by their last module. Each module is in one
/// group. Throws BadPartition: an unknown module, one named twice or in no group, an empty group.
std::vector<Group> parse_partition(std::string_view text,
                                   const std::vector<loader::Library>& modules);

}  // namespace cleave::cli
