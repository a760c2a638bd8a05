// What the hosts of `cleave up` are told.
#include "cli/up_hosts.hpp"

#include <doctest/doctest.h>

#include "cli/system.hpp"
#include "router/router.hpp"

namespace cleave::cli {
namespace {

/// CLEAVE_THREADS of the first of `hosts` hosts, on a machine for `threads` loops.
std::string threads_of_one(unsigned threads, std::size_t hosts, const Given& given = {}) {
  std::string words[] = {"cleave", "--module-dir", "/nowhere"};
  char* raw[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  Options options(3, raw);
  options.settings.threads = threads;
  std::vector<HostPlan> all;
  for (std::size_t i = 0; i < hosts; ++i) {
    const std::string name = "m" + std::to_string(i);
    options.settings.module[name];
    all.push_back({.group = {.modules = {name}}, .listen = "unix:/s", .admin = "off"});
  }
  const std::string key = "CLEAVE_THREADS=";
  std::string found;
  for (const std::string& one : host_environment(all.front(), all, options, given)) {
    if (one.starts_with(key)) found += one.substr(key.size());
  }
  return found;
}

}  // namespace

TEST_CASE("a machine of many cores has no more loops than the router counts for") {
  CHECK(default_threads(0, false) == 1);  // not known: std::thread::hardware_concurrency
  CHECK(default_threads(1, true) == 1);
  CHECK(default_threads(8, true) == 4);
  CHECK(default_threads(8, false) == 8);
  CHECK(default_threads(96, true) == 48);
  CHECK(default_threads(384, false) == router::kMostLoops);
}

TEST_CASE("hosts share out the loops of a machine, and each has at least one") {
  CHECK(threads_of_one(8, 1) == "8");
  CHECK(threads_of_one(8, 2) == "4");
  CHECK(threads_of_one(8, 3) == "2");
  CHECK(threads_of_one(2, 3) == "1");
  CHECK(threads_of_one(1, 4) == "1");
}

TEST_CASE("a number of loops that was given is every host's, not shared out") {
  CHECK(threads_of_one(8, 3, {{"CLEAVE_THREADS", "8"}}) == "8");
  CHECK(threads_of_one(2, 3, {{"CLEAVE_THREADS", "5"}}) == "5");
}

}  // namespace cleave::cli
