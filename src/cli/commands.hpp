// Commands: one function each, called after its flags were parsed; the return value is the exit
// code. Each file wires rooms together and prints; the work is done below.
#pragma once

#include <cstdint>
#include <string>

#include "cli/options.hpp"

namespace cleave::cli {

int run(Options& options);

struct CallArguments {
  std::string method, path, body;
  std::vector<std::string> headers;  // "Name: value"
};
int call(Options& options, const CallArguments& arguments);

int check(Options& options);
int migrate(Options& options);
int doctor(Options& options);

struct SeedArguments {
  std::vector<std::string> rows;  // "users=10000"
  std::uint64_t seed = 1;
  bool force = false;
};
int seed(Options& options, const SeedArguments& arguments);

}  // namespace cleave::cli
