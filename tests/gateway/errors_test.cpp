// Every error that the gateway makes itself: status, problem+json, headers, and who is
// disconnected.
#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "gateway/gateway.hpp"
#include "gateway/upstream.hpp"

namespace cleave::test {
namespace {

void check_problem(const HttpAnswer& answer, int status, std::string_view slug) {
  INFO(answer.status, " ", answer.body);
  REQUIRE(answer.status == status);
  CHECK(answer.header("Content-Type") == "application/problem+json");
  CHECK(answer.header("Cache-Control") == "no-store");
  CHECK(answer.header("X-Content-Type-Options") == "nosniff");
  CHECK(answer.header("Server") == "nginx");  // no version
  const auto problem = nlohmann::json::parse(answer.body);
  CHECK(problem["type"] == "/problems/" + std::string(slug));
  CHECK(problem["status"] == status);
  CHECK(!problem["title"].get<std::string>().empty());
  const std::string id = answer.header("X-Request-Id");
  CHECK(id.size() == 36);
  CHECK(problem["instance"] == "urn:uuid:" + id);
  CHECK(answer.header("traceparent").size() == 55);
}

/// The same, and exactly one answer came before the connection was closed.
void check_refused(const HttpAnswer& answer, int status, std::string_view slug) {
  check_problem(answer, status, slug);
  CHECK(answer.closed);
  CHECK(answer.excess.empty());
}

struct World {
  Upstream product{"product"};
  Gateway gateway{{{"GATEWAY_TO_PRODUCT", product.address()}}};

  HttpAnswer raw(const std::string& bytes, std::string_view method = "GET") const {
    return ask_raw_at(gateway.address(), bytes, method);
  }
};

std::string head(const std::string& line, const std::string& fields = "") {
  return line + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("a request that is malformed is refused with 400") {
  World world;
  for (const std::string& bytes :
       {std::string("GET /products HTTP/1.1\r\n\r\n"), head("GET /products", "Host: localhost\r\n"),
        head("GET /products/%zz"), head("GET /products/%00"),
        head("POST /products", "Content-Length: -1\r\n"),
        head("POST /products", "Content-Length: 5\r\nContent-Length: 6\r\n"),
        head("POST /products", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        head("POST /products", "Transfer-Encoding: chunked\r\n") + "zz\r\n"}) {
    CAPTURE(bytes);
    check_refused(world.raw(bytes), 400, "malformed-request");
  }
  CHECK(world.product.requests() == 0);
}

TEST_CASE("a body where none belongs is refused with 400 and never reaches the service") {
  World world;
  for (const char* method : {"GET", "HEAD", "OPTIONS", "DELETE"}) {
    CAPTURE(method);
    const std::string line = std::string(method) + " /products";
    const std::string body = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const HttpAnswer answer = world.raw(
        head(line, "Content-Length: " + std::to_string(body.size()) + "\r\n") + body, method);
    if (std::string_view(method) == "HEAD") {
      CHECK(answer.status == 400);
      CHECK(answer.closed);
    } else {
      check_refused(answer, 400, "body-not-allowed");
    }
  }
  check_refused(world.raw(head("GET /products", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n"),
                400, "body-not-allowed");
  CHECK(world.product.requests() == 0);
  CHECK(world.raw(head("GET /products", "Content-Length: 0\r\n")).status == 200);
}

TEST_CASE("TRACE is refused with 405 and what is allowed, CONNECT never reaches a service") {
  World world;
  const HttpAnswer answer = world.raw(head("TRACE /products"));
  check_refused(answer, 405, "method-not-allowed");
  CHECK(answer.header("Allow") == "GET, HEAD, POST, PUT, DELETE, OPTIONS");
  // nginx takes the form of CONNECT's target for a malformed one.
  check_refused(world.raw(head("CONNECT localhost:80")), 400, "malformed-request");
  check_refused(world.raw(head("CONNECT /products")), 405, "method-not-allowed");
  CHECK(world.product.requests() == 0);
}

TEST_CASE("a POST or PUT without a length is refused with 411") {
  World world;
  check_refused(world.raw(head("POST /products")), 411, "length-required");
  check_refused(world.raw(head("PUT /products/1")), 411, "length-required");
}

TEST_CASE("a body that is too large is refused with 413, also when its length is not stated") {
  World world;
  check_refused(world.raw(head("POST /products", "Content-Length: 1048577\r\n")), 413, "too-large");
  const std::string chunk = "10001\r\n" + std::string(65537, ' ') + "\r\n";
  std::string bytes = head("POST /products", "Transfer-Encoding: chunked\r\n");
  for (int i = 0; i < 17; ++i) bytes += chunk;
  check_problem(world.raw(bytes + "0\r\n\r\n"), 413, "too-large");
  CHECK(world.product.requests() == 0);
}

TEST_CASE("a request line is at most 8 KiB long: 414; a header too: 431") {
  World world;
  const std::string long_text(9000, 'a');
  check_refused(world.raw(head("GET /products/" + long_text)), 414, "uri-too-long");
  check_refused(world.raw(head("GET /products", "X-Long: " + long_text + "\r\n")), 431,
                "headers-too-large");
  std::string many;
  for (int i = 0; i < 5; ++i) many += "X-Much: " + std::string(7900, 'a') + "\r\n";
  check_refused(world.raw(head("GET /products", many)), 431, "headers-too-large");
}

TEST_CASE("an encoded body is refused with 415, an unknown expectation with 417") {
  World world;
  for (const char* coding : {"gzip", "br", "identity, gzip"}) {
    CAPTURE(coding);
    const std::string field = "Content-Encoding: " + std::string(coding) + "\r\n";
    check_refused(world.raw(head("POST /products", field + "Content-Length: 2\r\n") + "{}"), 415,
                  "unsupported-encoding");
  }
  check_refused(world.raw(head("POST /products", "Expect: much\r\nContent-Length: 2\r\n") + "{}"),
                417, "expectation-failed");
  CHECK(world.product.requests() == 0);
}

TEST_CASE("a name that is not ours gets 421") {
  World world;
  check_problem(world.raw("GET /products HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421,
                "misdirected-request");
  CHECK(world.product.requests() == 0);
}

TEST_CASE("without a Host, HTTP/1.0 is served: a service must be told a name, so it is ours") {
  World world;
  const HttpAnswer answer = world.raw("GET /products HTTP/1.0\r\n\r\n");
  CHECK(answer.status == 200);
  CHECK(answer.body.find("\r\nHost: localhost\r\n") != std::string::npos);
}

TEST_CASE("an address that asks too often gets 429 and is told when to come back") {
  const Upstream product("product");
  const Gateway gateway(
      {{"GATEWAY_TO_PRODUCT", product.address()}, {"GATEWAY_RATE", "1"}, {"GATEWAY_BURST", "4"}});
  HttpAnswer last;
  int served = 0;
  for (int i = 0; i < 12; ++i) {
    last = gateway.ask("GET", "/products");
    served += last.status == 200 ? 1 : 0;
  }
  CHECK(served >= 3);  // the look whether it had started took one
  CHECK(served <= 6);
  check_problem(last, 429, "too-many-requests");
  CHECK(last.header("Retry-After") == "1");
}

TEST_CASE("an address that has too many requests in hand at a time gets 429") {
  const Upstream product("product");
  const Gateway gateway({{"GATEWAY_TO_PRODUCT", product.address()}, {"GATEWAY_CONNECTIONS", "1"}});
  HttpClient first(gateway.address());
  first.send(head("GET /products/silent"));
  for (int i = 0; i < 500 && product.requests() == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const HttpAnswer second = gateway.ask("GET", "/products");
  check_problem(second, 429, "too-many-requests");
  CHECK(second.header("Retry-After") == "1");
  CHECK(first.read().status == 504);
  // It is counted until a moment after its last byte.
  int status = 429;
  for (int i = 0; i < 50 && status == 429; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    status = gateway.ask("GET", "/products").status;
  }
  CHECK(status == 200);
}

TEST_CASE("a location that is closed for now answers 503 in the form of all errors") {
  const Gateway gateway({}, {.text = "location = /closed {\n  return 503;\n}\n"});
  const HttpAnswer answer = gateway.ask("GET", "/closed");
  check_problem(answer, 503, "service-unavailable");
  CHECK(answer.header("Retry-After") == "1");
}

TEST_CASE("a refusal is for its own reason, however long the body that comes with it") {
  World world;
  const std::string large = "Content-Length: 3000000\r\n";
  check_refused(world.raw(head("GET /products", large)), 400, "body-not-allowed");
  check_refused(world.raw(head("PUT /products/1", "Content-Encoding: gzip\r\n" + large)), 415,
                "unsupported-encoding");
}

TEST_CASE("a service that is not there is 502, one that breaks off too") {
  World world;
  const HttpAnswer away = world.gateway.ask("GET", "/users/1");
  check_problem(away, 502, "bad-gateway");
  CHECK(away.header("Retry-After") == "1");
  check_problem(world.gateway.ask("GET", "/products/cut"), 502, "bad-gateway");
}

TEST_CASE("a service that is silent is 504 after three seconds, and a POST is not sent twice") {
  World world;
  const int before = world.product.requests();
  const HttpAnswer answer = world.gateway.ask("POST", "/products/silent", "{}");
  check_problem(answer, 504, "gateway-timeout");
  CHECK(answer.header("Retry-After") == "1");
  CHECK(world.product.requests() == before + 1);
}

TEST_CASE("when all of a service's addresses are out, others are still served") {
  World world;
  for (int i = 0; i < 5; ++i) CHECK(world.gateway.ask("GET", "/orders").status == 502);
  CHECK(world.gateway.ask("GET", "/products").status == 200);
}

}  // namespace cleave::test
