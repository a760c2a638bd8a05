// The routes of /users.
#include <doctest/doctest.h>

#include "conformance/system.hpp"

namespace cleave::test {

TEST_CASE("a new user gets 201, a Location, an ETag and the row") {
  const std::string email = unique_email();
  const HttpAnswer answer =
      ask("POST", "/users", Json{{"name", "Ada Lovelace"}, {"email", email}}.dump());
  REQUIRE(answer.status == 201);
  CHECK(answer.header("Content-Type") == "application/json");
  const Json row = Json::parse(answer.body);
  CHECK(row["name"] == "Ada Lovelace");
  CHECK(row["email"] == email);
  CHECK(row["id"].get<std::int64_t>() >= 1);
  CHECK(row["created_at"].get<std::string>().ends_with("Z"));
  CHECK(row["created_at"].get<std::string>().find('T') == 10);
  CHECK(answer.header("Location") == path_of("/users", row));
  CHECK(answer.header("ETag") == "\"" + row["version"].dump() + "\"");
  const HttpAnswer read = ask("GET", answer.header("Location"));
  CHECK(read.status == 200);
  CHECK(read.body == answer.body);
  CHECK(read.header("ETag") == answer.header("ETag"));
}

TEST_CASE("an e-mail address belongs to one user, whatever its case") {
  const Json user = make_user();
  std::string email = user["email"];
  HttpAnswer answer = ask("POST", "/users", Json{{"name", "Eve"}, {"email", email}}.dump());
  check_problem(answer, 409, "conflict");
  check_error(answer, "/email", "taken");
  email.replace(0, 4, "MAIL");
  answer = ask("POST", "/users", Json{{"name", "Eve"}, {"email", email}}.dump());
  check_problem(answer, 409, "conflict");
  const Json other = make_user();
  answer = ask("PUT", path_of("/users", other), Json{{"name", "Eve"}, {"email", email}}.dump());
  check_problem(answer, 409, "conflict");
  CHECK(Json::parse(ask("GET", path_of("/users", other)).body) == other);
}

TEST_CASE("what is no e-mail address is refused") {
  for (const std::string email : {"ada", "@b.c", "a@b", "a@@b.c", "a b@c.de", "a@.de", "a@b."}) {
    const HttpAnswer answer = ask("POST", "/users", Json{{"name", "A"}, {"email", email}}.dump());
    CAPTURE(email);
    check_problem(answer, 422, "invalid-email");
    check_error(answer, "/email", "invalid-email");
  }
}

TEST_CASE("a user can be replaced, and its version grows") {
  const Json user = make_user();
  const std::string path = path_of("/users", user);
  const std::string email = unique_email();
  const HttpAnswer answer = ask("PUT", path, Json{{"name", "Grace"}, {"email", email}}.dump());
  REQUIRE(answer.status == 200);
  const Json row = Json::parse(answer.body);
  CHECK(row["name"] == "Grace");
  CHECK(row["email"] == email);
  CHECK(row["id"] == user["id"]);
  CHECK(row["created_at"] == user["created_at"]);
  CHECK(row["version"].get<int>() > user["version"].get<int>());
  CHECK(ask("GET", path).body == answer.body);
}

TEST_CASE("a removed user is gone") {
  const std::string path = path_of("/users", make_user());
  const HttpAnswer removed = ask("DELETE", path);
  CHECK(removed.status == 204);
  CHECK(removed.body == "");
  CHECK_FALSE(removed.has("Content-Length"));  // RFC 9110, 8.6
  check_problem(ask("GET", path), 404, "not-found");
  check_problem(ask("DELETE", path), 404, "not-found");
  const std::string body = Json{{"name", "A"}, {"email", unique_email()}}.dump();
  check_problem(ask("PUT", path, body), 404, "not-found");
}

TEST_CASE("the address of a removed user can be used again") {
  const Json user = make_user();
  REQUIRE(ask("DELETE", path_of("/users", user)).status == 204);
  const std::string body = Json{{"name", "B"}, {"email", user["email"]}}.dump();
  CHECK(ask("POST", "/users", body).status == 201);
}

}  // namespace cleave::test
