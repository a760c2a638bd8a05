#include "cleave/message.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace cleave;

TEST_CASE("header names compare by ASCII letters alone") {
  CHECK(iequals("Content-Type", "cONTENT-tYPE"));
  CHECK(iequals("", ""));
  CHECK_FALSE(iequals("a", "ab"));
  CHECK_FALSE(iequals("[", "{"));        // 0x20 apart, but no letters
  CHECK_FALSE(iequals("\xc4", "\xe4"));  // letters in Latin-1 only
}

TEST_CASE("a request gives the first value of a header") {
  const std::array<cleave_header, 3> headers{
      {{raw("a"), raw("1")}, {raw("B"), raw("2")}, {raw("b"), raw("3")}}};
  const Request request{.headers = headers};
  CHECK(request.header("b") == "2");
  CHECK(request.header("A") == "1");
  CHECK(request.header("c").empty());
}

TEST_CASE("an answer crosses a sink whole, and a second answer is noted, not obeyed") {
  Response first{201, "body", {}};
  first.set("X-A", "1").set("X-A", "2");
  Response got;
  ResponseSink sink(got);
  const cleave_sink out = sink.raw();
  CHECK_FALSE(sink.answered());
  write(first, out);
  out.body(out.self, raw(" and more"));
  CHECK(sink.answered());
  CHECK_FALSE(sink.answered_twice());
  write(Response{500, "other", {{"X-B", "1"}}}, out);
  CHECK(sink.answered_twice());
  CHECK(got.status == 201);
  CHECK(got.body == "body and more");
  CHECK(got.headers.size() == 2);
  CHECK(got.header("x-a") == "1");
}

TEST_CASE("a body or header before the status is no answer") {
  Response got;
  ResponseSink sink(got);
  const cleave_sink out = sink.raw();
  out.header(out.self, raw("a"), raw("b"));
  out.body(out.self, raw("text"));
  CHECK_FALSE(sink.answered());
  CHECK(got.body.empty());
  CHECK(got.headers.empty());
}
