#include "user.hpp"

#include "served.hpp"

using namespace cleave::test;

namespace {

const std::vector<Text> kAda{"7", "Ada", "ada@example.com", "3", "2026-01-31 12:00:00.123456+00"};
constexpr const char* kAdaJson = R"({"id":7,"name":"Ada","email":"ada@example.com","version":3,)"
                                 R"("created_at":"2026-01-31T12:00:00.123456Z"})";
constexpr const char* kBody = R"({"name":"Ada","email":"ada@example.com"})";

Answer rows(std::vector<std::vector<Text>> rows) {
  return {.rows = std::move(rows)};
}

}  // namespace

TEST_CASE("an e-mail address has one @, a name before it and a host with a dot after it") {
  for (const char* good : {"a@b.c", "first.last+tag@mail.example.com", "\xc3\xa9@ex.com"}) {
    CAPTURE(good);
    CHECK(user::plausible_email(good));
  }
  for (const char* bad : {"", "a", "@b.c", "a@", "a@b", "a@b.", "a@.b", "a@b@c.d", "a b@c.d"}) {
    CAPTURE(bad);
    CHECK_FALSE(user::plausible_email(bad));
  }
}

TEST_CASE("a user is read by one statement, with the version as ETag") {
  Served user;
  user.host.on_query = [](const Asked&) { return rows({kAda}); };
  const auto response = user.ask("GET", "/users/7");
  CHECK(response.status == 200);
  CHECK(response.body == kAdaJson);
  CHECK(response.header("ETag") == "\"3\"");
  CHECK(response.header("Content-Type") == "application/json");
  CHECK(user.host.asked.size() == 1);
  CHECK(user.host.asked[0].params == std::vector<Text>{"7"});
  const auto same = user.ask("GET", "/users/7", "", {{"If-None-Match", "\"3\""}});
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(same.header("ETag") == "\"3\"");
  CHECK(user.ask("GET", "/users/7", "", {{"If-None-Match", "\"2\""}}).status == 200);
}

TEST_CASE("who is not there is not found, and a query that nobody knows is refused") {
  Served user;
  user.host.on_query = [](const Asked&) { return Answer{}; };
  CHECK(told(user.ask("GET", "/users/7")) == "404 not-found");
  CHECK(told(user.ask("PUT", "/users/7", kBody)) == "404 not-found");
  CHECK(told(user.ask("DELETE", "/users/7")) == "404 not-found");
  user.host.asked.clear();
  CHECK(told(user.ask("GET", "/users/x")) == "404 not-found");
  CHECK(told(user.ask("GET", "/users/7?x=1")) == "400 unknown-parameter ?x=unknown");
  CHECK(user.host.asked.empty());
}

TEST_CASE("a new user is stored as given and answered with its place") {
  Served user;
  user.host.on_query = [](const Asked&) { return rows({kAda}); };
  const auto response = user.ask("POST", "/users", R"({"email":"A';--@x.Y","name":"$1 %_\\"})");
  CHECK(response.status == 201);
  CHECK(response.header("Location") == "/users/7");
  CHECK(response.header("ETag") == "\"3\"");
  CHECK(response.body == kAdaJson);
  CHECK(user.host.asked.at(0).params == std::vector<Text>{"$1 %_\\", "A';--@x.Y"});
}

TEST_CASE("what is no user never reaches the database") {
  Served user;
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "422 required /name=required /email=required"},
      {R"({"name":"","email":"a@b.c"})", "422 too-short /name=too-short"},
      {R"({"name":"a","email":"a b@c.d"})", "422 invalid-email /email=invalid-email"},
      {R"({"name":"a","email":7})", "422 wrong-type /email=wrong-type"},
      {R"({"name":"a","email":"a@b.c","id":1})", "422 unknown-field /id=unknown-field"},
      {R"({"name":"a\u0000","email":"a@b.c"})",
       "422 forbidden-character /name=forbidden-character"},
      {R"([])", "422 wrong-type =wrong-type"},
      {R"({"name":)", "400 invalid-json"}};
  for (const auto& [body, expected] : cases) {
    CAPTURE(body);
    CHECK(told(user.ask("POST", "/users", body)) == expected);
    CHECK(told(user.ask("PUT", "/users/7", body)) == expected);
  }
  const std::string long_name = R"({"email":"a@b.c","name":")" + std::string(256, 'x') + "\"}";
  CHECK(told(user.ask("POST", "/users", long_name)) == "422 too-long /name=too-long");
  CHECK(told(user.ask("POST", "/users")) == "415 unsupported-media-type");
  CHECK(user.host.asked.empty());
}

TEST_CASE("a taken e-mail address is a conflict at its member, any other failure stays itself") {
  Served user;
  user.host.on_query = [](const Asked&) {
    return Answer{.failure = Failure{409, "conflict", "Taken.", "23505", "users_email_key"}};
  };
  CHECK(told(user.ask("POST", "/users", kBody)) == "409 conflict /email=taken");
  CHECK(told(user.ask("PUT", "/users/7", kBody)) == "409 conflict /email=taken");
  user.host.on_query = [](const Asked&) { return Answer{.failure = Failure{}}; };
  CHECK(told(user.ask("POST", "/users", kBody)) == "503 database-unavailable");
}

TEST_CASE("If-Match lets only the version through that the client has seen") {
  Served user;
  user.host.on_query = [](const Asked& asked) {
    // The row is at version 3: a write that demands another finds none.
    const bool write = asked.sql.starts_with("UPDATE") || asked.sql.starts_with("DELETE");
    const bool met = !write || !asked.params.back() || *asked.params.back() == "{3}";
    return met ? rows({kAda}) : Answer{};
  };
  CHECK(user.ask("PUT", "/users/7", kBody, {{"If-Match", "\"3\""}}).status == 200);
  CHECK(user.ask("PUT", "/users/7", kBody, {{"If-Match", "*"}}).status == 200);
  CHECK(user.ask("PUT", "/users/7", kBody).status == 200);
  CHECK(user.ask("DELETE", "/users/7", "", {{"If-Match", "\"3\""}}).status == 204);
  CHECK(user.ask("DELETE", "/users/7").body.empty());
  for (const char* tag : {"\"2\"", "3", "W/\"3\""}) {
    CAPTURE(tag);
    CHECK(told(user.ask("PUT", "/users/7", kBody, {{"If-Match", tag}})) ==
          "412 precondition-failed");
    CHECK(told(user.ask("DELETE", "/users/7", "", {{"If-Match", tag}})) ==
          "412 precondition-failed");
  }
}

TEST_CASE("a list asks for one row more than the page, and links to the next while there is one") {
  Served user;
  user.host.on_query = [](const Asked& asked) {
    const bool first = asked.params.at(0) == "0";
    return first ? rows({kAda, kAda, kAda}) : rows({kAda});
  };
  const auto first = user.ask("GET", "/users?limit=2");
  CHECK(user.host.asked.at(0).params == std::vector<Text>{"0", "3"});
  CHECK(first.body == "[" + std::string(kAdaJson) + "," + kAdaJson + "]");
  CHECK(first.header("Link") == "</users?limit=2&after=7>; rel=\"next\"");
  const auto last = user.ask("GET", "/users?limit=2&after=7");
  CHECK(last.body == "[" + std::string(kAdaJson) + "]");
  CHECK(last.header("Link").empty());
  CHECK(told(user.ask("GET", "/users?limit=0")) == "422 out-of-range ?limit=out-of-range");
}

TEST_CASE("no user at all is an empty array") {
  Served user;
  user.host.on_query = [](const Asked&) { return Answer{}; };
  CHECK(user.ask("GET", "/users").body == "[]");
}
