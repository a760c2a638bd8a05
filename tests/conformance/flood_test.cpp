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

constexpr int kMostMembers = 1000;
constexpr std::size_t kLongName = 1000;

/// The body of a user with members that nobody knows, named by `name_of`.
std::string with_members(int count, const std::function<std::string(int)>& name_of) {
  std::string body = "{";
  for (int i = 0; i < count; ++i) body += (i > 0 ? ",\"" : "\"") + name_of(i) + "\":0";
  return body + "}";
}

/// Names of one length that are the same but for their end.
std::string alike(int i) {
  const std::string number = std::to_string(100000 + i);
  return std::string(kLongName - number.size(), 'x') + number;
}

/// Names of that length which differ in their first bytes.
std::string unlike(int i) {
  const std::string number = std::to_string(100000 + i);
  return number + std::string(kLongName - number.size(), 'x');
}

Micros time_of(const std::string& body) {
  const auto began = Clock::now();
  CHECK(ask("POST", "/users", body).status == 422);
  return std::chrono::duration_cast<Micros>(Clock::now() - began);
}

}  // namespace

TEST_CASE("members whose names are nearly the same cost what other members cost") {
  const std::string hostile = with_members(kMostMembers, alike);
  const std::string normal = with_members(kMostMembers, unlike);
  // The best of some, in turn: what the work takes, not what else the machine does.
  Micros of_hostile = Micros::max(), of_normal = Micros::max();
  for (int i = 0; i < 9; ++i) {
    of_hostile = std::min(of_hostile, time_of(hostile));
    of_normal = std::min(of_normal, time_of(normal));
  }
  CAPTURE(of_hostile.count());
  CAPTURE(of_normal.count());
  CHECK(of_hostile <= 3 * of_normal);  // 4.5 when each name was compared with all others
}

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
