// The house rules: each a function from a tree to what it finds there.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tidy/tree.hpp"

namespace cleave::tidy {

struct Finding {
  std::string path;
  std::size_t line;  // from 1; 0 when the whole file or folder is meant
  std::string what;  // what is wrong, and what to do instead
};

struct Rule {
  std::string name;  // also the folder of its fixture
  std::function<std::vector<Finding>(const Tree&)> check;
};

/// All of them. Each has a fixture that it must reject: fixtures/<name>/, a small tree.
const std::vector<Rule>& rules();

// Who includes whom, and which library is used where (rules_includes.cpp).
std::vector<Finding> check_floors(const Tree& tree);
std::vector<Finding> check_libraries(const Tree& tree);

// Lengths (rules_lengths.cpp).
std::vector<Finding> check_line_length(const Tree& tree);
std::vector<Finding> check_function_length(const Tree& tree);
std::vector<Finding> check_file_length(const Tree& tree);

// What a line may not say (rules_lines.cpp).
std::vector<Finding> check_banned_calls(const Tree& tree);
std::vector<Finding> check_static_objects(const Tree& tree);
std::vector<Finding> check_headers(const Tree& tree);
std::vector<Finding> check_using_namespace(const Tree& tree);
std::vector<Finding> check_machine_paths(const Tree& tree);
std::vector<Finding> check_unfinished(const Tree& tree);

// What a module's folder holds, and the README in two languages (rules_folders.cpp).
std::vector<Finding> check_module_readme(const Tree& tree);
std::vector<Finding> check_module_files(const Tree& tree);
std::vector<Finding> check_readme_languages(const Tree& tree);

}  // namespace cleave::tidy
