// The process itself: its health, its metrics, its log.
#include <doctest/doctest.h>

#include <sstream>

#include "conformance/system.hpp"

namespace cleave::test {

TEST_CASE("the process lives and is ready") {
  CHECK(ask("GET", "/livez").status == 200);
  CHECK(ask("GET", "/readyz").status == 200);
  CHECK(ask("HEAD", "/livez").status == 200);
  check_problem(ask("POST", "/livez", "{}"), 405, "method-not-allowed");
  check_problem(ask("GET", "/livez/x"), 404, "not-found");
}

TEST_CASE("the admin listener counts what the public one answered") {
  const auto admin = admin_url();
  if (!admin) {
    MESSAGE("skipped: the system under test was started by somebody else");
    return;
  }
  make_order();
  const HttpAnswer metrics = ask_at(*admin, "GET", "/metrics");
  REQUIRE(metrics.status == 200);
  CHECK(metrics.header("Content-Type").starts_with("text/plain"));
  for (const std::string name :
       {"cleave_calls_total{module=\"user\",status=\"2xx\"}", "cleave_calls_in_flight"}) {
    CAPTURE(name);
    CHECK(metrics.body.find(name) != std::string::npos);
  }
  CHECK(ask_at(*admin, "GET", "/readyz").status == 200);
  check_problem(ask_at(*admin, "GET", "/users"), 404, "not-found");
}

TEST_CASE("nothing that a client sends can forge a line of the log") {
  const std::string canary = unique("canary");
  const std::string hostile = canary + "\\n\\u001b[2J\\\"}\\n{\\\"level\\\":\\\"error\\\"";
  ask("POST", "/users", "{\"name\":\"" + hostile + "\",\"email\":\"x\"}");
  ask("GET", "/" + canary + "%0a%7b%22level%22%3a%22error%22%7d");
  ask_raw("GET /" + canary + "\n{\"level\":\"error\"} HTTP/1.1\r\n\r\n");
  ask("GET", "/users", "", {{"X-Request-Id", canary + "\"}{\"level\":\"error\""}});
  ask("GET", "/users", "", {{"User-Agent", canary + std::string(20000, 'x')}});
  check_alive();
  const auto log = system_log();
  if (!log) {
    MESSAGE("skipped: the system under test was started by somebody else");
    return;
  }
  std::istringstream lines(*log);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    CAPTURE(line);
    CHECK(line.size() <= 8192);
    CHECK(Json::accept(line));
  }
  CHECK(count > 0);
}

}  // namespace cleave::test
