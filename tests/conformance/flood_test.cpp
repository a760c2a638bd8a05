// Many names in one request, chosen so that looking for a twin of each costs the most.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "conformance/system.hpp"

namespace cleave::test {
namespace {

using Clock = std::chrono::steady_clock;
using Micros = std::chrono::microseconds;

/// The body of a user with members that nobody knows, named by `name_of`.
std::string with_members(int count, const std::function<std::string(int)>& name_of) {
  std::string body = "{";
  for (int i = 0; i < count; ++i) body += (i > 0 ? ",\"" : "\"") + name_of(i) + "\":0";
  return body + "}";
}

}  // namespace

TEST_CASE("ten thousand members or parameters are refused, and others are served meanwhile") {
  std::atomic<bool> done{false};
  Micros slowest{0};
  std::thread other([&] {
    while (!done) {
      const auto began = Clock::now();
      CHECK(ask("GET", "/products?limit=1").status == 200);
      slowest = std::max(slowest, std::chrono::duration_cast<Micros>(Clock::now() - began));
    }
  });
  const auto short_name = [](int i) { return std::to_string(i); };
  const std::string many = with_members(10000, short_name);
  const std::string twins = with_members(10000, [](int) { return std::string("a"); });
  std::string beyond, within;  // of the length of a request line
  for (int i = 0; i < 10000; ++i) beyond += "p" + std::to_string(i) + "&";
  for (int i = 0; within.size() < 8000; ++i) within += "p" + std::to_string(i) + "&";
  const auto began = Clock::now();
  for (int i = 0; i < 10; ++i) {
    check_problem(ask("POST", "/users", many), 400, "too-many-members");
    check_problem(ask("POST", "/users", twins), 400, "duplicate-key");
    check_problem(ask("GET", "/users?" + within), 400, "too-many-parameters");
    CHECK(ask("GET", "/users?" + beyond).status == 414);
  }
  const auto took = std::chrono::duration_cast<Micros>(Clock::now() - began);
  done = true;
  other.join();
  CAPTURE(took.count());
  CAPTURE(slowest.count());
  CHECK(took < std::chrono::seconds(10));
  CHECK(slowest < std::chrono::seconds(1));
  check_alive();
}

}  // namespace cleave::test
