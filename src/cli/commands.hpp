// Commands: one function each, called after its flags were parsed; the return value is the exit
// code. Each file wires rooms together and prints; the work is done below.
#pragma once

#include <cstdint>
#include <string>

#include "cli/options.hpp"
#include "cli/up_hosts.hpp"

namespace cleave::cli {

int run(Options& options);

struct UpArguments {
  std::string partition;  // "fused", "split", "user+product,order"
  Given given;
};
int up(Options& options, const UpArguments& arguments);

struct CallArguments {
  std::string method, path, body;
  std::vector<std::string> headers;  // "Name: value"
};
int call(Options& options, const CallArguments& arguments);

int check(Options& options);
int migrate(Options& options);
int doctor(Options& options);
/// Asks /readyz of the host that serves CLEAVE_LISTEN on this machine: kOk when it is ready,
/// kFailed when it is not, or nobody answers within a second.
int health(Options& options);

struct SeedArguments {
  std::vector<std::pair<std::string, std::uint64_t>> rows;  // table, how many
  std::uint64_t seed = 1;
  bool replace = false;  // rows that are there already go first
};
/// The tables that have a sql/<module>/seed.txt, in a stable order.
std::vector<std::string> seedable_tables(const std::filesystem::path& sql_dir);
int seed(Options& options, const SeedArguments& arguments);

}  // namespace cleave::cli
