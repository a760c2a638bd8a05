// Prints the time of one call between modules in a process, router included, in nanoseconds:
// the median of 21 rounds of 100,000 calls. Run by ./dev bench.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "router/router.hpp"
#include "support/on_fiber.hpp"

using namespace cleave;

namespace {
struct Callee final : router::Endpoint {
  void call(const Request&, router::CallContext&, Response& response) override {
    response.status = 200;
    response.body = "{\"id\":1}";
  }
  bool ready() const noexcept override { return true; }
};
}  // namespace

int main() {
  constexpr int kCalls = 100000;
  std::vector<double> rounds;
  router::Router router;
  Callee callee;
  router.add("user", "/users", {}).endpoint = &callee;
  const router::Target& caller = router.add("order", "/orders", {"user"});
  test::on_fiber([&] {
    for (int round = 0; round < 21; ++round) {
      const auto start = io::Clock::now();
      for (int i = 0; i < kCalls; ++i) {
        router::RequestScope scope;
        scope.deadline = start + io::Millis(60000);
        const Request request{.method = "GET", .path = "/users/1"};
        router::CallContext context{.scope = scope, .target = &caller, .request = &request};
        io::Fiber::current()->context = &context;
        Response response;
        router.dispatch("user", request, context, response);
      }
      const std::chrono::duration<double, std::nano> took = io::Clock::now() - start;
      rounds.push_back(took.count() / kCalls);
    }
  });
  std::nth_element(rounds.begin(), rounds.begin() + 10, rounds.end());
  std::printf("%.0f\n", rounds[10]);
}
