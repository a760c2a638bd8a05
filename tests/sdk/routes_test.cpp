#include "cleave/routes.hpp"

#include <doctest/doctest.h>

#include <string>

#include "support/fake_host.hpp"

using namespace cleave;

namespace {

Routes two_routes() {
  Routes routes;
  routes.add("GET", "/things", [](const Request&) { return Response{200, "list", {}}; });
  routes.add("POST", "/things", [](const Request&) { return Response{201, "new", {}}; });
  routes.add("GET", "/things/{id}", [](const Request&, Id id) {
    return Response{200, std::to_string(id), {}};
  });
  routes.add("DELETE", "/things/{id}", [](const Request&, Id) { return Response{204, "", {}}; });
  return routes;
}

/// "200 list", or for a problem "405 method-not-allowed" and its Allow.
std::string ask(std::string_view method, std::string_view path) {
  static const Routes routes = two_routes();
  try {
    const Response response = routes.dispatch({.method = method, .path = path});
    const std::string_view allow = response.header("Allow");
    return std::to_string(response.status) + " " + response.body + std::string(allow);
  } catch (const Problem& problem) {
    return std::to_string(problem.status()) + " " + std::string(problem.slug()) + " " +
           std::string(problem.response("").header("Allow"));
  }
}

template <class Action>
std::string outcome(Action&& action) {
  try {
    action();
  } catch (const Problem& problem) {
    std::string text = std::to_string(problem.status()) + " " + std::string(problem.slug());
    for (const auto& detail : problem.details()) text += " " + detail.pointer;
    return text;
  }
  return "fine";
}

Request with_header(const cleave_header& header) {
  return {.headers = {&header, 1}};
}

}  // namespace

TEST_CASE("method and path choose the handler") {
  CHECK(ask("GET", "/things") == "200 list");
  CHECK(ask("POST", "/things") == "201 new");
  CHECK(ask("GET", "/things/7") == "200 7");
  CHECK(ask("GET", "/things/9223372036854775807") == "200 9223372036854775807");
  CHECK(ask("DELETE", "/things/7") == "204 ");
}

TEST_CASE("only the one canonical form of a path is found") {
  for (const char* path : {"",
                           "/",
                           "things",
                           "/thing",
                           "/Things",
                           "/things/",
                           "//things",
                           "/things/0",
                           "/things/01",
                           "/things/+1",
                           "/things/-1",
                           "/things/1.0",
                           "/things/1e3",
                           "/things/1/",
                           "/things/1/2",
                           "/things/x",
                           "/things/%31",
                           "/things/1%00",
                           "/things/9223372036854775808",
                           "/things/18446744073709551617",
                           "/things/1;x",
                           "/things/{id}"}) {
    CAPTURE(path);
    CHECK(ask("GET", path) == "404 not-found ");
    CHECK(ask("OPTIONS", path) == "404 not-found ");
  }
}

TEST_CASE("another method is told what there is, and OPTIONS asks for just that") {
  CHECK(ask("PUT", "/things") == "405 method-not-allowed GET, HEAD, OPTIONS, POST");
  CHECK(ask("POST", "/things/7") == "405 method-not-allowed DELETE, GET, HEAD, OPTIONS");
  CHECK(ask("OPTIONS", "/things") == "204 GET, HEAD, OPTIONS, POST");
  CHECK(ask("OPTIONS", "/things/7") == "204 DELETE, GET, HEAD, OPTIONS");
}

TEST_CASE("a query is decoded, each name once") {
  QueryString query("a=x%20y+z&&b=%c3%A9&c&d=a=b");
  CHECK(query.text("a") == "x y z");
  CHECK(query.text("b") == "\xc3\xa9");
  CHECK(query.text("c") == "");
  CHECK(query.text("d") == "a=b");
  CHECK_FALSE(query.text("e"));
  query.done();
}

TEST_CASE("a query that is broken, double or unknown is refused without an echo") {
  const auto of = [](std::string_view text) { return outcome([&] { QueryString(text).done(); }); };
  CHECK(of("") == "fine");
  for (const char* broken : {"a=%", "a=%4", "a=%zz", "%=1", "a=%4z"}) {
    CAPTURE(broken);
    CHECK(of(broken) == "400 invalid-query");
  }
  CHECK(of("a=1&a=2") == "400 duplicate-parameter ?a");
  CHECK(of("a=1&%61=2") == "400 duplicate-parameter ?a");
  CHECK(of("a=1") == "400 unknown-parameter ?a");
  CHECK(of("%3Cscript%3E=1") == "400 unknown-parameter ?");
}

// Each name is compared with all before it, so thousands of them would hold the loop.
TEST_CASE("a query of more than a hundred parameters is refused") {
  const auto of = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "p" + std::to_string(i) + "=1&";
    return outcome([&] { QueryString query(text); });
  };
  CHECK(of(100) == "fine");
  CHECK(of(101) == "400 too-many-parameters");
}

TEST_CASE("a number in a query is whole and within its range") {
  const auto of = [](std::string_view text) {
    return outcome([&] { QueryString(text).integer("n", 1, 10); });
  };
  CHECK(of("n=1") == "fine");
  CHECK(of("n=10") == "fine");
  for (const char* text : {"n=0", "n=11", "n=-1", "n=9223372036854775808", "n=1000000000"}) {
    CAPTURE(text);
    CHECK(of(text) == "422 out-of-range ?n");
  }
  for (const char* text : {"n=", "n", "n=x", "n=1x", "n=1.0", "n=%201", "n=1%00", "n=0x1"}) {
    CAPTURE(text);
    CHECK(of(text) == "422 wrong-type ?n");
  }
}

TEST_CASE("a page has a default, and a limit of its own") {
  QueryString none(""), some("limit=1000&after=7"), zero("limit=0"), many("limit=1001");
  CHECK(Page::from(none).limit == 100);
  CHECK(Page::from(some).limit == 1000);
  CHECK(Page::from(some).after == 7);
  CHECK(outcome([&] { Page::from(zero); }) == "422 out-of-range ?limit");
  CHECK(outcome([&] { Page::from(many); }) == "422 out-of-range ?limit");
}

TEST_CASE("rows that several requests share are rendered once, and never for another page") {
  static int rendered;
  rendered = 0;
  const auto append = [](JsonWriter& json, const Rows& rows, std::size_t row) {
    ++rendered;
    json.text(rows.text(row, 0));
  };
  const auto otherwise = [](JsonWriter& json, const Rows&, std::size_t) { json.null(); };
  test::FakeHost fake;
  const Host host(fake.raw());
  const auto page = [&](std::uint64_t shared, std::int64_t limit, auto how) {
    fake.on_query = [&](const test::Asked&) {
      return test::Answer{.rows = {{"1"}, {"2"}, {"3"}}, .shared = shared};
    };
    return page_response("/x", {.limit = limit}, host.query("SELECT", {}), "", how).body;
  };
  CHECK(page(0, 3, append) == R"(["1","2","3"])");
  CHECK(page(0, 3, append) == R"(["1","2","3"])");
  CHECK(rendered == 6);  // each had rows of its own
  CHECK(page(7, 3, append) == R"(["1","2","3"])");
  CHECK(page(7, 3, append) == R"(["1","2","3"])");
  CHECK(rendered == 9);
  CHECK(page(7, 2, append) == R"(["1","2"])");
  CHECK(page(7, 2, otherwise) == "[null,null]");
  CHECK(page(8, 2, append) == R"(["1","2"])");
  CHECK(rendered == 13);
}

TEST_CASE("If-None-Match compares weakly, and knows lists and the star") {
  CHECK(etag("7") == "\"7\"");
  for (const char* value : {"\"7\"", "W/\"7\"", "*", "\"1\", \"7\"", "\"1\" , W/\"7\",\"9\""}) {
    CAPTURE(value);
    const cleave_header header{raw("if-none-match"), raw(value)};
    CHECK(not_modified(with_header(header), "\"7\""));
  }
  for (const char* value : {"", "7", "\"77\"", "W/7", "\"1\", \"2\"", ",", "\"7"}) {
    CAPTURE(value);
    const cleave_header header{raw("if-none-match"), raw(value)};
    CHECK_FALSE(not_modified(with_header(header), "\"7\""));
  }
  CHECK_FALSE(not_modified({}, "\"7\""));
}

TEST_CASE("If-Match demands a version, or that something is there") {
  const auto demand = [](const char* value) {
    const cleave_header header{raw("IF-MATCH"), raw(value)};
    return if_match(with_header(header));
  };
  CHECK_FALSE(if_match({}));
  CHECK_FALSE(demand("*"));
  CHECK(demand("\"7\"") == "{7}");
  for (const char* value : {"7", "\"x\"", "W/\"7\"", "\"\"", "\"", "\"7", "\"7 \"",
                            "\"99999999999999999999\"", ",", "\"x\", W/\"7\""}) {
    CAPTURE(value);
    CHECK(outcome([&] { demand(value); }) == "412 precondition-failed");
  }
}

// RFC 9110, 13.1.1: the condition is true when any tag of the list is the one that is there.
TEST_CASE("both conditions read lists, over several lines too") {
  const auto demand = [](const char* value) {
    const cleave_header header{raw("If-Match"), raw(value)};
    return if_match(with_header(header));
  };
  CHECK(demand("\"1\", \"2\"") == "{1,2}");
  CHECK(demand(",\"1\" ,\t\"x\",W/\"3\",\"4\"") == "{1,4}");
  CHECK_FALSE(demand("\"1\", *"));
  const cleave_header lines[] = {{raw("If-Match"), raw("\"1\"")},
                                 {raw("If-None-Match"), raw("\"8\"")},
                                 {raw("if-match"), raw("\"2\"")},
                                 {raw("if-none-match"), raw("\"9\", W/\"7\"")}};
  const Request request{.headers = lines};
  CHECK(if_match(request) == "{1,2}");
  CHECK(not_modified(request, "\"7\""));
  CHECK(not_modified(request, "\"8\""));
  CHECK_FALSE(not_modified(request, "\"1\""));
}
