// The same traffic, sent to the system in several shapes: a client and the databases cannot tell
// which it was. What they can tell is in tests/diverge.
#include <doctest/doctest.h>

#include <fstream>

#include "differential/compare.hpp"
#include "differential/tables.hpp"

namespace cleave::test {
namespace {

const std::vector<Step>& traffic() {
  static const std::vector<Step> steps =
      read_traffic(CLEAVE_SOURCE_DIR "/tests/differential/traffic.jsonl");
  return steps;
}

/// All others are compared with it.
const Recorded& fused() {
  static const Recorded recorded = record(Deployment(Deployment::fused()), traffic());
  return recorded;
}

void check_equal(Deployment::Shape shape) {
  const Deployment system(std::move(shape));
  const Recorded recorded = record(system, traffic());
  for (const std::string& difference :
       differences(traffic(), "fused", fused(), system.name(), recorded)) {
    FAIL_CHECK(difference);
  }
}

}  // namespace

TEST_CASE("the recorded traffic is long enough to mean something") {
  CHECK(traffic().size() >= 120);
  std::size_t stored = 0;
  for (const std::string& row : fused().rows) stored += row.starts_with("order.orders:") ? 1 : 0;
  CHECK(stored >= 4);
}

TEST_CASE("three hosts answer and store what one does") {
  check_equal(Deployment::split());
}

TEST_CASE("three hosts behind the gateway answer and store what one does") {
  check_equal(Deployment::behind_gateway());
}

TEST_CASE("two hosts answer and store what one does") {
  check_equal({.name = "pair", .hosts = {{"user"}, {"product", "order"}}});
}

TEST_CASE("one host answers and stores the same when each module has a process of its own") {
  check_equal({.name = "guarded", .more = {"--guard", "user,product,order"}});
}

TEST_CASE("one host answers and stores the same when its calls take the wire's form") {
  check_equal({.name = "wire-faithful", .more = {"--wire-faithful"}});
}

TEST_CASE("a difference is found, and told with its line and both sides") {
  const std::vector<Step> one{{.line = 7, .say = "x", .method = "GET", .path = "/", .status = 200}};
  Recorded left{
      false, {HttpAnswer{.status = 200, .headers = {{"ETag", "\"1\""}}, .body = "a"}}, {"t: id=1"}};
  CHECK(differences(one, "l", left, "r", left).empty());
  Recorded right = left;
  right.answers[0].headers = {{"etag", "\"1\""}, {"Date", "now"}};
  CHECK(differences(one, "l", left, "r", right).empty());
  right.answers[0].headers = {{"ETag", "\"2\""}};
  right.rows = {"t: id=2"};
  const auto found = differences(one, "l", left, "r", right);
  REQUIRE(found.size() == 2);
  CHECK(found[0].starts_with("line 7, x: GET /"));
  CHECK(found[0].find("etag: \"2\"") != std::string::npos);
  CHECK(found[1].find("t: id=2") != std::string::npos);
  left.answers[0].status = right.answers[0].status = 503;
  CHECK(differences(one, "l", left, "r", left).size() == 1);  // equal, and not what was recorded
}

}  // namespace cleave::test
