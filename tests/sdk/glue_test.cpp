#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "cleave/module.hpp"
#include "support/fake_host.hpp"

using namespace cleave;
using test::FakeHost;

namespace {

std::string thrown_at;  // which step of Rude throws

void maybe_throw(const char* step) {
  if (thrown_at == step) throw std::runtime_error("secret text");
  if (thrown_at == std::string(step) + " int") throw 7;
}

class Rude final : public Module {
 public:
  static constexpr const char* kName = "rude";
  static constexpr const char* kPath = "/rude";
  static constexpr const char* kVersion = "2.1.0";
  static constexpr const char* kDependsOn[] = {"user", nullptr};
  explicit Rude(Host) { maybe_throw("create"); }
  void start() override { maybe_throw("start"); }
  bool ready() const override {
    maybe_throw("ready");
    return true;
  }
  Response handle(const Request& request) override {
    maybe_throw("handle");
    if (request.path == "/problem") throw Problem(418, "teapot", "Short and stout.");
    if (request.path == "/database") {
      cleave_error error = {};
      error.status = 503;
      error.slug = raw("database-unavailable");
      throw DatabaseError(error);
    }
    return {200, std::string(request.method) + std::string(request.caller), {}};
  }
  void stop() override { maybe_throw("stop"); }
};

class Plain final : public Module {
 public:
  static constexpr const char* kName = "plain";
  explicit Plain(Host) {}
  Response handle(const Request&) override { return {}; }
};

constexpr cleave_module kRude = glue::describe<Rude>();

Response ask(void* self, std::string_view path) {
  const cleave_request request{.size = sizeof request,
                               .method = raw("GET"),
                               .path = raw(path),
                               .query = {},
                               .body = {},
                               .headers = nullptr,
                               .header_count = 0,
                               .request_id = raw("id-1"),
                               .caller = raw("order")};
  Response response;
  ResponseSink sink(response);
  const cleave_sink out = sink.raw();
  kRude.handle(self, &request, &out);
  CHECK(sink.answered());
  CHECK_FALSE(sink.answered_twice());
  return response;
}

}  // namespace

TEST_CASE("a module describes itself by its constants") {
  CHECK(kRude.magic == CLEAVE_MAGIC);
  CHECK(kRude.abi == CLEAVE_ABI);
  CHECK(kRude.size == sizeof(cleave_module));
  CHECK(std::string(kRude.name) == "rude");
  CHECK(std::string(kRude.version) == "2.1.0");
  CHECK(std::string(kRude.path) == "/rude");
  CHECK(std::string(kRude.depends_on[0]) == "user");
  constexpr cleave_module plain = glue::describe<Plain>();
  CHECK(std::string(plain.version) == "1.0.0");
  CHECK(plain.path == nullptr);
  CHECK(plain.depends_on[0] == nullptr);
  CHECK(plain.config_keys[0] == nullptr);
}

TEST_CASE("a module that behaves goes through its life") {
  FakeHost fake;
  thrown_at = "";
  void* self = kRude.create(fake.raw());
  REQUIRE(self != nullptr);
  CHECK(kRude.start(self) == 0);
  CHECK(kRude.ready(self) == 1);
  CHECK(ask(self, "/").body == "GETorder");
  kRude.stop(self);
  kRude.destroy(self);
  CHECK(fake.logged().empty());
}

TEST_CASE("a thrown problem is an answer, a database's too") {
  FakeHost fake;
  thrown_at = "";
  void* self = kRude.create(fake.raw());
  const Response teapot = ask(self, "/problem");
  CHECK(teapot.status == 418);
  CHECK(teapot.body.find("urn:request:id-1") != std::string::npos);
  CHECK(ask(self, "/database").status == 503);
  kRude.destroy(self);
  CHECK(fake.logged().empty());
}

TEST_CASE("no exception leaves a step; it is logged and its text is not shown") {
  FakeHost fake;
  for (const char* kind : {"", " int"}) {
    thrown_at = std::string("create") + kind;
    CHECK(kRude.create(fake.raw()) == nullptr);
    thrown_at = "";
    void* self = kRude.create(fake.raw());
    REQUIRE(self != nullptr);
    thrown_at = std::string("start") + kind;
    CHECK(kRude.start(self) != 0);
    thrown_at = std::string("ready") + kind;
    CHECK(kRude.ready(self) == 0);
    thrown_at = std::string("handle") + kind;
    const Response failed = ask(self, "/");
    CHECK(failed.status == 500);
    CHECK(failed.body.find("/problems/internal") != std::string::npos);
    CHECK(failed.body.find("secret") == std::string::npos);
    thrown_at = std::string("stop") + kind;
    kRude.stop(self);
    kRude.destroy(self);
  }
  for (const char* step : {"create", "start", "ready", "handle", "stop"}) {
    CAPTURE(step);
    CHECK(fake.has_logged(CLEAVE_ERROR, std::string(step) + " threw: secret text"));
  }
  CHECK(fake.logged().size() == 10);
}
