// The commands that end by themselves: help, version, check, migrate, call.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "cli/program.hpp"

namespace cleave::test {
namespace {

using Json = nlohmann::json;
constexpr std::chrono::milliseconds kStart{60000};  // makes databases the first time

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

Ended call(HostProcess::Arguments arguments) {
  arguments.insert(arguments.begin(), "call");
  arguments.insert(arguments.end(), {"--data-dir", shared_data(), "--log-format", "json"});
  return run_program(arguments, {}, kStart);
}

/// The JSON of an answer that `cleave call` printed.
Json body_of(const Ended& ended) {
  const std::size_t start = ended.out.find("\n\n");
  REQUIRE(start != std::string::npos);
  const std::size_t end = ended.out.find('\n', start + 2);
  return Json::parse(ended.out.substr(start + 2, end - start - 2));
}

}  // namespace

TEST_CASE("--version tells the version") {
  const Ended ended = run_program({"--version"});
  CHECK(ended.code.value_or(-1) == 0);
  CHECK(ended.out.starts_with("cleave "));
}

TEST_CASE("--help lists the commands") {
  const Ended ended = run_program({"--help"});
  CHECK(ended.code.value_or(-1) == 0);
  for (const std::string command : {"run", "call", "check", "migrate", "seed", "doctor"}) {
    CAPTURE(command);
    CHECK(contains(ended.out, std::string("\n  ") + command + " "));
  }
}

TEST_CASE("the help of every command names each setting, and its variable") {
  for (const std::string command : {"run", "call", "check", "migrate", "seed", "doctor"}) {
    CAPTURE(command);
    const Ended ended = run_program({command, "--help"});
    CHECK(ended.code.value_or(-1) == 0);
    for (std::string option : {"listen",
                               "admin-listen",
                               "admin-token",
                               "admin-token-file",
                               "modules",
                               "module-dir",
                               "sql-dir",
                               "data-dir",
                               "redis-url",
                               "redis-url-file",
                               "threads",
                               "migrate",
                               "share-reads",
                               "near-cache",
                               "body-limit",
                               "request-timeout-ms",
                               "wire-faithful",
                               "net",
                               "net-seed",
                               "log-format",
                               "log-level",
                               "config",
                               "user-database-url",
                               "user-database-url-file",
                               "user-owner-database-url",
                               "product-database-url",
                               "order-database-url"}) {
      CAPTURE(option);
      CHECK(contains(ended.out, "--" + option));
      for (char& c : option) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
      CHECK(contains(ended.out, "CLEAVE_" + option));
    }
  }
}

TEST_CASE("check finds nothing against the modules that are shipped") {
  const Ended ended = run_program({"check"}, {}, kStart);
  INFO(ended.out, ended.err);
  CHECK(ended.code.value_or(-1) == 0);
  for (const std::string part :
       {"user.so", "product.so", "order.so", "order depends on ", "0 findings"}) {
    CAPTURE(part);
    CHECK(contains(ended.out, part));
  }
  CHECK_FALSE(contains(ended.out, "BAD"));
}

TEST_CASE("migrate applies what is new, and finds nothing to do the second time") {
  const OpenTempDir directory;
  const HostProcess::Arguments arguments{"migrate", "--data-dir", directory / "data"};
  const Ended first = run_program(arguments, {}, kStart);
  INFO(first.out, first.err);
  REQUIRE(first.code.value_or(-1) == 0);
  for (const std::string module : {"user\n", "product\n", "order\n"})
    CHECK(contains(first.out, module));
  CHECK(contains(first.out, "applied 001"));
  CHECK_FALSE(contains(first.out, "up to date"));
  const Ended second = run_program(arguments, {}, kStart);
  CHECK(second.code.value_or(-1) == 0);
  CHECK_FALSE(contains(second.out, "applied"));
  CHECK(contains(second.out, "up to date"));
  CHECK(processes_with(directory.path().string()).empty());
}

TEST_CASE("migrate says so when a database cannot be reached") {
  HostProcess::Environment environment = nobody_listens();
  const Ended ended = run_program({"migrate"}, environment, kStart);
  INFO(ended.out, ended.err);
  CHECK(ended.code.value_or(-1) == 1);
  CHECK(contains(ended.out, "BAD"));
}

TEST_CASE("call prints the answer, and the tree of what it cost") {
  const Ended user = call({"POST", "/users", R"({"name":"Ada","email":"ada@example.org"})"});
  INFO(user.out, user.err);
  if (user.code.value_or(-1) == 0) {
    CHECK(user.out.starts_with("HTTP 201\n"));
  } else {  // the data directory is shared: an earlier case may have made her
    CHECK(user.code.value_or(-1) == 1);
    CHECK(user.out.starts_with("HTTP 409\n"));
  }
  const Ended users = call({"GET", "/users?limit=1"});
  REQUIRE(users.code.value_or(-1) == 0);
  const Ended product = call({"POST", "/products", R"({"name":"lamp","price_cents":5})"});
  REQUIRE(product.code.value_or(-1) == 0);
  const Json wanted{{"user_id", body_of(users)[0]["id"]}, {"product_id", body_of(product)["id"]}};
  const Ended order = call({"POST", "/orders", wanted.dump(), "-H", "Idempotency-Key: k1"});
  INFO(order.out, order.err);
  CHECK(order.code.value_or(-1) == 0);
  CHECK(order.out.starts_with("HTTP 201\n"));
  CHECK(body_of(order)["total_cents"] == 5);
  const std::string tree = order.out.substr(order.out.rfind("\n\n"));
  for (const std::string part : {"order ", "user ", "product ", "postgres ", "─ ", " ms\n"}) {
    CAPTURE(part);
    CHECK(contains(tree, part));
  }
  const Ended missing = call({"GET", "/nope"});
  CHECK(missing.code.value_or(-1) == 1);
  CHECK(missing.out.starts_with("HTTP 404\n"));
  CHECK(contains(missing.out, "application/problem+json"));
  CHECK(processes_with(shared_data()).empty());
}

TEST_CASE("call refuses what is no request") {
  CHECK(call({"GET", "users"}).code == 64);
}

}  // namespace cleave::test
