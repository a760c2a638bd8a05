// A module with the C++ glue may throw wherever it likes: nothing crosses the seam.
#include <doctest/doctest.h>

#include "seam/seam.hpp"

using namespace cleave;
using host::Instance;

namespace {

struct Thrower {
  test::FakeHost host;
  test::CapturedLog log;
  Instance instance{test::open("good/thrower.so"), host.raw()};
  explicit Thrower(const std::string& where) { host.config["where"] = where; }
  Response ask() {
    Response response;
    test::on_fiber(
        [&] { instance.handle({.method = "GET", .path = "/thrower"}, "id-1", "", response); });
    return response;
  }
  bool crossed() const { return log.has("across the seam"); }
};

}  // namespace

TEST_CASE("a constructor or start that throws refuses with its own words") {
  for (const std::string where : {"constructor", "start"}) {
    Thrower thrower(where);
    try {
      thrower.instance.start();
      FAIL("started");
    } catch (const std::runtime_error& error) {
      const std::string text = error.what();
      CAPTURE(text);
      CHECK(text.starts_with("module thrower: "));
      CHECK(text.find("secret thrown in " + where) != std::string::npos);
    }
    CHECK_FALSE(thrower.crossed());
  }
}

TEST_CASE("a handler that throws gives a 500 whose body has none of its words") {
  for (const char* where : {"handle", "number"}) {
    Thrower thrower(where);
    thrower.instance.start();
    const Response response = thrower.ask();
    CHECK(response.status == 500);
    CHECK(response.header("content-type") == "application/problem+json");
    CHECK(response.body.find("secret") == std::string::npos);
    CHECK_FALSE(thrower.crossed());
  }
}

TEST_CASE("a handler that throws a Problem answers with it") {
  Thrower thrower("problem");
  thrower.instance.start();
  const Response response = thrower.ask();
  CHECK(response.status == 422);
  CHECK(response.body.find("/problems/no-such-user") != std::string::npos);
}

TEST_CASE("ready and stop may throw without crossing") {
  Thrower ready("ready");
  ready.instance.start();
  CHECK_FALSE(ready.instance.ready());
  CHECK_FALSE(ready.crossed());
  Thrower stop("stop");
  stop.instance.start();
  stop.instance.stop();
  CHECK(stop.instance.state() == host::State::kStopped);
  CHECK_FALSE(stop.crossed());
}

TEST_CASE("a module that throws nowhere answers") {
  Thrower calm("");
  calm.instance.start();
  CHECK(calm.ask().body == "calm");
}
