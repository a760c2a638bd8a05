// The seam is one: a module in plain C is loaded, inspected and asked like any other.
#include <doctest/doctest.h>

#include "loader/inspect.hpp"
#include "seam/seam.hpp"

using namespace cleave;

namespace {

struct Service {
  test::FakeHost host;
  host::Instance instance{test::open("good/c_module.so"), host.raw()};
  Service() { instance.start(); }
  Response get(std::string_view path, std::string_view method = "GET") {
    Response response;
    test::on_fiber([&] { instance.handle({.method = method, .path = path}, "id", "", response); });
    return response;
  }
};

}  // namespace

TEST_CASE("a module in C answers JSON") {
  Service service;
  const Response response = service.get("/c");
  CHECK(response.status == 200);
  CHECK(response.header("content-type") == "application/json");
  CHECK(response.body == R"({"greeting":"hello from C"})");
  CHECK(service.get("/c/none").status == 404);
  CHECK(service.get("/c", "PUT").status == 405);
}

TEST_CASE("a module in C asks its neighbour and passes the answer on") {
  Service service;
  service.host.on_call = [](std::string_view, const Request&) {
    return Response{404, "no such user", {{"X-Why", "gone"}}};
  };
  const Response response = service.get("/c/user");
  CHECK(response.status == 404);
  CHECK(response.body == "no such user");
  CHECK(response.header("x-why") == "gone");
  REQUIRE(service.host.called.size() == 1);
  CHECK(service.host.called[0] == "user GET /users/1");
}

TEST_CASE("a module in C reads its database and gives the rows back") {
  Service service;
  service.host.on_query = [](const test::Asked& asked) {
    CHECK(asked.sql == "SELECT count(*) FROM visits");
    return test::Answer{.rows = {{"42"}}};
  };
  CHECK(service.get("/c/count").body == R"({"rows":42})");
  CHECK(service.host.rows_held == 0);
  service.host.on_query = [](const test::Asked&) {
    return test::Answer{.failure = test::Failure{}};
  };
  CHECK(service.get("/c/count").status == 503);
}

TEST_CASE("a module in C passes the inspection") {
  const test::TempDir sql;
  std::ofstream(sql / "001_visits.sql") << "CREATE TABLE visits (at timestamptz);";
  for (const auto& finding : loader::inspect(test::seam("good/c_module.so"), sql.path())) {
    CAPTURE(finding.what);
    CHECK(finding.ok);
  }
}
