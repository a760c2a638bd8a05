#include "cleave/problem.hpp"

#include <doctest/doctest.h>

#include <string>

using cleave::DatabaseError;
using cleave::Problem;
using cleave::Response;

TEST_CASE("a problem is answered as RFC 9457 says, and is never cached") {
  const Response response = Problem(422, "unknown-user", "No such user.")
                                .at("/user_id", "unknown")
                                .at("?x", "y")
                                .retry_after(3)
                                .response("01920000-0000-7000-8000-00000000abcd");
  CHECK(response.status == 422);
  CHECK(response.header("content-type") == "application/problem+json");
  CHECK(response.header("Cache-Control") == "no-store");
  CHECK(response.header("Retry-After") == "3");
  CHECK(response.body ==
        R"({"type":"/problems/unknown-user","title":"No such user.","status":422,)"
        R"("instance":"urn:uuid:01920000-0000-7000-8000-00000000abcd",)"
        R"("errors":[{"pointer":"/user_id","code":"unknown"},{"pointer":"?x","code":"y"}]})");
}

TEST_CASE("an id that is no UUID gets a name of its own, and none gives none") {
  const Problem problem(500, "internal", "No.");
  CHECK(problem.response("abc.1").body.find("\"instance\":\"urn:request:abc.1\"") !=
        std::string::npos);
  CHECK(problem.response("01920000-0000-7000-8000-00000000abcg").body.find("urn:request:") !=
        std::string::npos);
  CHECK(problem.response("").body == R"({"type":"/problems/internal","title":"No.","status":500})");
}

TEST_CASE("a database error says what the database said") {
  cleave_error raw = {};
  raw.size = sizeof raw;
  raw.status = 409;
  raw.slug = cleave::raw("conflict");
  raw.title = cleave::raw("This exists already.");
  raw.sqlstate = cleave::raw("23505");
  raw.constraint = cleave::raw("users_email_key");
  const DatabaseError error(raw);
  CHECK(error.status() == 409);
  CHECK(error.slug() == "conflict");
  CHECK(error.sqlstate() == "23505");
  CHECK(error.constraint() == "users_email_key");
  CHECK(std::string(error.what()) == "This exists already.");
}
