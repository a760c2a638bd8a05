// A breakpoint in a module's code is hit, although the module is opened at run time: what
// docs/debugging.md promises. Not under a sanitizer, whose runtime does not like to be traced.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

#include "cli/program.hpp"

namespace cleave::test {
namespace {

/// What a shell command prints, both streams.
std::string output_of(const std::string& command) {
  std::string text;
  std::FILE* const pipe = popen((command + " 2>&1 </dev/null").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) {
    text.append(buffer, got);
  }
  pclose(pipe);
  return text;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("gdb stops at a breakpoint in the order module, the way of the request above it") {
  if (std::system("command -v gdb >/dev/null") != 0) {
    MESSAGE("SKIPPED: gdb is not installed");
    return;
  }
  const std::string out = output_of(
      "timeout -s KILL 120 gdb -nx -q -batch -iex 'set debuginfod enabled off'"
      " -ex 'set breakpoint pending on' -ex 'break order::OrderService::place' -ex run"
      " -ex backtrace -ex continue --args " CLEAVE_TEST_PROGRAM " call --data-dir '" +
      shared_data() + "' POST /orders '{\"user_id\":1,\"product_id\":1}'");
  if (contains(out, "Operation not permitted")) {
    MESSAGE("SKIPPED: this machine does not let gdb trace");
    return;
  }
  CAPTURE(out);
  CHECK(contains(out, "hit Breakpoint 1"));
  CHECK(contains(out, "order_routes.cpp"));
  // One stack from the router down to the module: that is what one process gives a debugger.
  CHECK(contains(out, "cleave::router::Router::dispatch"));
  CHECK(contains(out, "order::OrderService::place"));
  CHECK(contains(out, "HTTP "));  // and it went on to its answer
}

}  // namespace cleave::test

#endif
