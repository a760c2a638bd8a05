// The ledger: what callers were told, against what is in the database, over twenty moves.
#include <cstdio>
#include <vector>

#include "ledger/load.hpp"
#include "ledger/scene.hpp"

namespace cleave::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr unsigned kASecond = 100;
#else
constexpr unsigned kASecond = 500;
#endif

std::set<std::int64_t> ids_in_the_database(RunningHost& host) {
  std::set<std::int64_t> ids;
  for (std::int64_t after = 0;;) {
    const HttpAnswer answer = host.ask("GET", "/orders?limit=1000&after=" + std::to_string(after));
    REQUIRE(answer.status == 200);
    const Json rows = Json::parse(answer.body);
    if (rows.empty()) return ids;
    for (const Json& row : rows) ids.insert(row["id"].get<std::int64_t>());
    after = *ids.rbegin();
  }
}

}  // namespace

TEST_CASE("twenty moves under load: every request is answered once, none fails, none is doubled") {
  RunningHost host(Scene::shared().environment("user,product,order"), "127.0.0.1:0");
  RunningHost over_tcp(order_beside(host), "127.0.0.1:0");
  RunningHost over_unix(order_beside(host), "unix:" + (Scene::shared() / "order.sock"));
  host.make_rows();
  const std::set<std::int64_t> before = ids_in_the_database(host);
  Load load(host.address(), kASecond, 1, 1);
  const std::vector<std::string> round{over_tcp.address(), "guarded", over_unix.address(),
                                       "guarded", "here"};
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    const std::string& to = round[static_cast<std::size_t>(i) % round.size()];
    const HttpAnswer moved = host.move(to);
    CAPTURE(moved.body);
    REQUIRE(moved.status == 200);
    CHECK(host.placement_of("order")["place"] == to);
  }
  load.stop();
  CHECK(load.asked() > 20 * kASecond / 4);
  for (const std::string& one : load.failed()) FAIL_CHECK(one);
  CHECK(load.orders() == load.order_ids().size());
  std::set<std::int64_t> wanted = before;
  wanted.merge(load.order_ids());
  CHECK(ids_in_the_database(host) == wanted);
  std::printf("20 moves at %u/s: %llu requests, %zu failed, %llu orders, p99 %lld ms\n", kASecond,
              static_cast<unsigned long long>(load.asked()), load.failed().size(),
              static_cast<unsigned long long>(load.orders()),
              static_cast<long long>(load.p99().count()));
}

}  // namespace cleave::test
