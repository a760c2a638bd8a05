// What a module may do wrong while it lives, and what becomes of it.
#include <dirent.h>
#include <doctest/doctest.h>

#include <thread>

#include "host/local_endpoint.hpp"
#include "seam/seam.hpp"

using namespace cleave;
using host::Instance;
using host::State;
using test::FakeHost;

namespace {

/// The rude module, told how to misbehave.
struct Rude {
  FakeHost host;
  Instance instance{test::open("rude/rude.so"), host.raw()};
  explicit Rude(const std::string& how) { host.config["how"] = how; }

  std::string refusal() {
    try {
      instance.start();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }
  Response ask() {
    Response response;
    test::on_fiber(
        [&] { instance.handle({.method = "GET", .path = "/rude"}, "id-1", "order", response); });
    return response;
  }
};

bool is_problem(const Response& response, int status, std::string_view slug) {
  return response.status == status &&
         response.header("content-type") == "application/problem+json" &&
         response.body.find("/problems/" + std::string(slug)) != std::string::npos;
}

std::size_t entries(const char* directory) {
  DIR* dir = opendir(directory);
  std::size_t count = 0;
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

}  // namespace

TEST_CASE("a module is created, started, asked, stopped and destroyed, in this order") {
  FakeHost host;
  host.config["how"] = "who";
  {
    Instance instance(test::open("rude/rude.so"), host.raw());
    CHECK(instance.state() == State::kLoaded);
    CHECK_FALSE(instance.ready());
    instance.start();
    CHECK(instance.state() == State::kStarted);
    CHECK(instance.ready());
    Response response;
    test::on_fiber([&] { instance.handle({.method = "GET"}, "id-1", "order", response); });
    CHECK(response.status == 200);
    CHECK(response.body == "firstid-1order");
    instance.stop();
    instance.stop();
    CHECK(instance.state() == State::kStopped);
    CHECK_FALSE(instance.ready());
  }
  const auto log = host.logged();
  REQUIRE(log.size() == 2);
  CHECK(log[0].text == "stopped");
  CHECK(log[1].text == "destroyed");
}

TEST_CASE("a module that refuses says why, and its words reach the operator") {
  Rude null("null in create");
  CHECK(null.refusal() == "module rude: create() refused: the moon is in the wrong house");
  CHECK(null.instance.state() == State::kFailed);
  Rude start("refuse in start");
  CHECK(start.refusal() == "module rude: start() refused with 3: max_quantity is no number");
  CHECK(start.instance.state() == State::kFailed);
  CHECK(start.host.has_logged(CLEAVE_INFO, "stopped"));
  CHECK(start.host.has_logged(CLEAVE_INFO, "destroyed"));
}

TEST_CASE("an exception that crosses the seam at the start is a refusal") {
  CHECK(Rude("throw in create").refusal() ==
        "module rude: create() threw across the seam: thrown in create");
  CHECK(Rude("throw a number in create").refusal() ==
        "module rude: create() threw across the seam");
  CHECK(Rude("throw in start").refusal() ==
        "module rude: start() threw across the seam: thrown in start");
  CHECK(Rude("throw a number in start").refusal() == "module rude: start() threw across the seam");
}

TEST_CASE("an exception that crosses the seam from handle() costs one answer") {
  for (const char* how : {"throw in handle", "throw a number in handle"}) {
    Rude rude(how);
    rude.instance.start();
    const test::CapturedLog log;
    const Response response = rude.ask();
    CHECK(is_problem(response, 500, "module-failed"));
    CHECK(response.headers.size() <= 3);  // nothing of the half-written answer is left
    CHECK(response.body.find("thrown in handle") == std::string::npos);
    CHECK(log.has("module rude failed to answer"));
    CHECK(log.has("id-1"));
  }
}

TEST_CASE("ready, stop and destroy may throw; the process goes on and the log says who") {
  for (const char* step : {"ready", "stop", "destroy"}) {
    for (const std::string way : {"throw in ", "throw a number in "}) {
      CAPTURE(step);
      const test::CapturedLog log;
      {
        Rude rude(way + step);
        rude.instance.start();
        CHECK(rude.instance.ready() == (std::string_view(step) != "ready"));
      }
      CHECK(log.has("a module threw across the seam; its glue must catch everything"));
      CHECK(log.has(std::string("step=") + step));
      CHECK(log.has("module=rude"));
    }
  }
}

TEST_CASE("a module without an answer gets one from the host") {
  for (const char* how : {"no answer", "body before status"}) {
    Rude rude(how);
    rude.instance.start();
    const test::CapturedLog log;
    CHECK(is_problem(rude.ask(), 500, "no-answer"));
    CHECK(log.has("handle() returned without an answer"));
  }
}

TEST_CASE("the first of two answers stands") {
  Rude rude("answers twice");
  rude.instance.start();
  const test::CapturedLog log;
  const Response response = rude.ask();
  CHECK(response.status == 200);
  CHECK(response.body == "first");
  CHECK(response.headers.size() == 1);
  CHECK(log.has("module rude answered twice"));
}

TEST_CASE("an answer that HTTP cannot carry never leaves") {
  const std::pair<const char*, const char*> cases[] = {
      {"status 42", "status outside 200..599"},
      {"status 101", "status outside 200..599"},
      {"header with CRLF", "a header's value has a control character"},
      {"header without name", "a header's name is no token"},
      {"header with a space", "a header's name is no token"}};
  for (const auto& [how, why] : cases) {
    CAPTURE(how);
    Rude rude(how);
    rude.instance.start();
    const test::CapturedLog log;
    const Response response = rude.ask();
    CHECK(is_problem(response, 500, "bad-answer"));
    CHECK(response.body.find("Set-Cookie") == std::string::npos);
    CHECK(log.has(why));
  }
}

TEST_CASE("a module that is not ready says so to the router") {
  Rude rude("not ready");
  rude.instance.start();
  CHECK_FALSE(rude.instance.ready());
}

TEST_CASE("the host is not to be asked before the start, and says so") {
  Rude rude("query in create");
  const test::CapturedLog log;
  rude.instance.start();  // the module got no rows, and bore it
  CHECK(rude.host.asked.empty());
  CHECK(log.has("a module called the host outside handle()"));
  CHECK(log.has("function=query"));
}

TEST_CASE("the host is to be asked from the fiber that handles, not from another thread") {
  Rude rude("query");
  rude.host.on_query = [](const test::Asked&) { return test::Answer{.rows = {{"1"}}}; };
  rude.instance.start();
  CHECK(rude.ask().body == "first");
  CHECK(rude.host.asked.size() == 1);
  const cleave_host* seen_by_module = nullptr;
  static const cleave_host* kept;
  const cleave_module* real = test::open("rude/rude.so").module;
  cleave_module spy = *real;
  spy.create = [](const cleave_host* given) -> void* {
    kept = given;
    return &kept;
  };
  spy.start = [](void*) { return 0; };
  spy.ready = [](void*) { return 1; };
  spy.stop = [](void*) {};
  spy.destroy = [](void*) {};
  Instance instance({.file = {}, .module = &spy}, rude.host.raw());
  instance.start();
  seen_by_module = kept;
  const test::CapturedLog log;
  const cleave_query query{.size = sizeof query, .sql = raw("SELECT 1")};
  int status = 0;
  const cleave_error_sink errors{
      &status, [](void* to, const cleave_error* error) { *static_cast<int*>(to) = error->status; }};
  CHECK(seen_by_module->query(seen_by_module, &query, &errors) == nullptr);
  CHECK(status == 500);
  CHECK(log.has("from a thread of its own"));
}

TEST_CASE("after the stop nothing gets in") {
  Rude rude("");
  rude.instance.start();
  rude.instance.stop();
  CHECK(is_problem(rude.ask(), 503, "module-not-ready"));
}

TEST_CASE("a stop waits for the request that is inside") {
  static std::atomic<bool> inside, ended, stopped;
  inside = ended = stopped = false;
  cleave_module slow = *test::open("rude/rude.so").module;
  slow.create = [](const cleave_host*) -> void* { return &inside; };
  slow.start = [](void*) { return 0; };
  slow.ready = [](void*) { return 1; };
  slow.handle = [](void*, const cleave_request*, const cleave_sink* sink) {
    inside = true;
    io::sleep_for(io::Millis(60));
    ended = true;
    sink->status(sink->self, 200);
  };
  slow.stop = [](void*) { stopped = ended.load(); };
  slow.destroy = [](void*) {};
  FakeHost host;
  const auto ask_while = [&](io::Millis patience) {
    Instance instance({.file = {}, .module = &slow}, host.raw());
    instance.start();
    std::thread loop([&] {
      test::on_fiber([&] {
        Response response;
        instance.handle({.method = "GET"}, "id", "", response);
        CHECK(response.status == 200);
      });
    });
    while (!inside) std::this_thread::yield();
    instance.stop(patience);
    const State state = instance.state();
    loop.join();
    return state;
  };
  CHECK(ask_while(io::Millis(2000)) == State::kStopped);
  CHECK(stopped);
  inside = ended = stopped = false;
  const test::CapturedLog log;
  CHECK(ask_while(io::Millis(1)) == State::kFailed);
  CHECK_FALSE(stopped);
  CHECK(log.has("a request is still inside a module that must stop"));
}

TEST_CASE("start and stop twenty times leave no thread, no descriptor and no rows behind") {
  const auto library = test::open("good/c_module.so");
  const std::size_t threads = entries("/proc/self/task");
  const std::size_t descriptors = entries("/proc/self/fd");
  for (int i = 0; i < 20; ++i) {
    FakeHost host;
    Instance instance(library, host.raw());
    instance.start();
    instance.stop();
  }
  CHECK(entries("/proc/self/task") == threads);
  CHECK(entries("/proc/self/fd") == descriptors);
}

TEST_CASE("the local endpoint passes on who asks and for which request") {
  FakeHost host;
  host.config["how"] = "who";
  Instance instance(test::open("rude/rude.so"), host.raw());
  host::LocalEndpoint endpoint(instance);
  CHECK_FALSE(endpoint.ready());
  instance.start();
  CHECK(endpoint.ready());
  test::on_fiber([&] {
    router::RequestScope scope;
    scope.set_id("request-9");
    const Request request{.method = "GET", .path = "/rude"};
    router::CallContext context{.scope = scope, .caller = "order", .request = &request};
    Response response;
    endpoint.call(request, context, response);
    CHECK(response.body == "firstrequest-9order");
  });
}
