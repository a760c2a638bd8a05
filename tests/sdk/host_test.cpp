#include "cleave/host.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "support/fake_host.hpp"

using namespace cleave;
using test::Answer;
using test::Asked;
using test::FakeHost;

TEST_CASE("parameters cross the seam as text, and absent ones as NULL") {
  FakeHost fake;
  fake.on_query = [](const Asked&) { return Answer{}; };
  const std::optional<std::int64_t> none, some = 5;
  const std::string text = "it's";
  Host(fake.raw())
      .query("SELECT $1",
             {1, -7L, INT64_MIN, "literal", text, std::string_view(), std::nullopt, none, some});
  const std::vector<test::Text> expected{
      "1", "-7", "-9223372036854775808", "literal", "it's", "", std::nullopt, std::nullopt, "5"};
  CHECK(fake.asked.at(0).params == expected);
  CHECK(fake.asked.at(0).sql == "SELECT $1");
  CHECK_FALSE(fake.asked.at(0).in_transaction);
}

TEST_CASE("rows are read by row and column and go back to the host") {
  FakeHost fake;
  fake.on_query = [](const Asked&) {
    return Answer{.rows = {{"1", "Ada"}, {"-2", std::nullopt}}, .affected = 2};
  };
  {
    Rows rows = Host(fake.raw()).query("SELECT");
    const Rows moved = std::move(rows);
    CHECK(fake.rows_held == 1);
    CHECK(moved.size() == 2);
    CHECK(moved.affected() == 2);
    CHECK(moved.integer(1, 0) == -2);
    CHECK(moved.text(0, 1) == "Ada");
    CHECK(moved.null(1, 1));
    CHECK_FALSE(moved.null(0, 1));
  }
  CHECK(fake.rows_held == 0);
}

TEST_CASE("what the database refuses is thrown on the module's side") {
  FakeHost fake;
  fake.on_query = [](const Asked&) {
    return Answer{.failure = test::Failure{409, "conflict", "Taken.", "23505", "users_email_key"}};
  };
  try {
    Host(fake.raw()).query("INSERT");
    FAIL("no exception");
  } catch (const DatabaseError& error) {
    CHECK(error.status() == 409);
    CHECK(error.constraint() == "users_email_key");
  }
}

TEST_CASE("a transaction ends once, whichever way") {
  FakeHost fake;
  fake.on_query = [](const Asked&) { return Answer{}; };
  const Host host(fake.raw());
  {
    Transaction kept = host.begin();
    kept.query("UPDATE");
    kept.commit();
  }
  CHECK(fake.asked.at(0).in_transaction);
  CHECK(fake.committed == 1);
  CHECK(fake.rolled_back == 0);
  { Transaction dropped = host.begin(); }
  CHECK(fake.rolled_back == 1);
  fake.on_commit = [] { return test::Failure{.slug = "outcome-unknown"}; };
  {
    Transaction lost = host.begin();
    CHECK_THROWS_AS(lost.commit(), DatabaseError);
  }
  CHECK(fake.rolled_back == 1);  // a failed commit has ended it
  fake.on_begin = [] { return test::Failure{}; };
  CHECK_THROWS_AS(host.begin(), DatabaseError);
}

TEST_CASE("a peer gets the request and its answer comes back whole") {
  FakeHost fake;
  fake.on_call = [](std::string_view module, const Request& request) {
    Response response{
        201,
        std::string(module) + "|" + std::string(request.query) + "|" + std::string(request.body),
        {}};
    response.set("X-A", request.header("x-b"));
    return response;
  };
  const cleave_header header{raw("X-B"), raw("b")};
  const Response got = Host(fake.raw())
                           .call("user", {.method = "POST",
                                          .path = "/users",
                                          .query = "q=1",
                                          .body = "{}",
                                          .headers = {&header, 1}});
  CHECK(fake.called.at(0) == "user POST /users");
  CHECK(got.status == 201);
  CHECK(got.body == "user|q=1|{}");
  CHECK(got.header("X-A") == "b");
}

TEST_CASE("gather runs all to their end and then throws the first exception") {
  FakeHost fake;
  int ran = 0;
  const Host host(fake.raw());
  host.gather({[&] { ++ran; }, [&] { ++ran; }});
  CHECK(ran == 2);
  CHECK_THROWS_WITH_AS(host.gather({[&] { ++ran; }, [&] { throw std::runtime_error("first"); },
                                    [&] { throw std::logic_error("second"); }, [&] { ++ran; }}),
                       "first", std::runtime_error);
  CHECK(ran == 4);
  host.gather({});
}

TEST_CASE("the loader runs on a miss only, and its own exception comes back") {
  FakeHost fake;
  const Host host(fake.raw());
  int loads = 0;
  const auto load = [&]() -> Entry {
    return {.version = 3, .body = "b" + std::to_string(++loads)};
  };
  const Cached first = host.cached("k", load);
  CHECK(first.state == "miss");
  CHECK(first.entry.version == 3);
  CHECK(first.entry.body == "b1");
  const Cached second = host.cached("k", load);
  CHECK(second.state == "hit");
  CHECK(second.entry.body == "b1");
  host.store("k", {.version = 4, .kind = CLEAVE_GONE});
  CHECK(host.cached("k", load).entry.kind == CLEAVE_GONE);
  CHECK_THROWS_AS(host.cached("other", []() -> Entry { throw Problem(503, "down", "Down."); }),
                  Problem);
  CHECK_THROWS_AS(host.cached("other", []() -> Entry { throw 7; }), int);
  fake.cache_off = true;
  CHECK(host.cached("k", load).state == "off");
  CHECK(loads == 2);
}

TEST_CASE("log, configuration, clock and deadline are the host's") {
  FakeHost fake;
  fake.config["limit"] = "7";
  const Host host(fake.raw());
  host.log(CLEAVE_WARN, "careful");
  CHECK(fake.has_logged(CLEAVE_WARN, "careful"));
  CHECK(host.config("limit") == "7");
  CHECK_FALSE(host.config("other"));
  CHECK(host.now().count() == fake.now_us);
  CHECK(host.deadline().count() == fake.deadline_ms);
}
