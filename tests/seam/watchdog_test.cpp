// A module that blocks is named by the watchdog, as `cleave run` sets it up.
#include "io/watchdog.hpp"

#include <doctest/doctest.h>

#include <atomic>

#include "host/local_endpoint.hpp"
#include "io/threads.hpp"
#include "seam/seam.hpp"

using namespace cleave;

TEST_CASE("a module that blocks its loop is told with its name and its route") {
  test::FakeHost host;
  host.config["how"] = "blocks";
  host::Instance instance(test::open("rude/rude.so"), host.raw());
  instance.start();
  host::LocalEndpoint endpoint(instance);
  router::Router router;
  router.add("rude", "/rude", {}).endpoint = &endpoint;
  io::Threads threads(1);
  std::atomic<int> reports{0};
  std::string label;
  {
    const io::Watchdog watchdog(threads.loops(), [&](const std::string& text, io::Millis) {
      label = text;
      ++reports;
    });
    threads.run_on(0, [&] {
      router::RequestScope scope;
      scope.deadline = io::Clock::now() + io::Millis(5000);
      Response response;
      router.dispatch_path({.method = "GET", .path = "/rude"}, scope, response);
      CHECK(response.status == 200);
    });
  }
  CHECK(threads.stop());
  CHECK(reports == 1);
  CHECK(label == "rude GET /rude");
}
