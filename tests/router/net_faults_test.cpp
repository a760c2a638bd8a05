// What a played network decides: the forms of a rule, and the fate of each call.
#include "router/net_faults.hpp"

#include <doctest/doctest.h>

#include <array>
#include <stdexcept>
#include <thread>

namespace cleave::router {
namespace {

using Micros = NetRule::Micros;

struct Counts {
  int request_lost = 0, answer_lost = 0, twice = 0;
  Micros least{1000000}, most{0};
  bool operator==(const Counts&) const = default;
};

Counts after(NetFaults& faults, int calls, std::string_view from, std::string_view to) {
  Counts counts;
  for (int i = 0; i < calls; ++i) {
    const NetFaults::Fate fate = faults.next(from, to);
    counts.request_lost += fate.request_lost ? 1 : 0;
    counts.answer_lost += fate.answer_lost ? 1 : 0;
    counts.twice += fate.twice ? 1 : 0;
    counts.least = std::min(counts.least, fate.before + fate.after);
    counts.most = std::max(counts.most, fate.before + fate.after);
  }
  return counts;
}

NetFaults faults(std::initializer_list<std::string_view> rules, std::uint64_t seed = 1) {
  std::vector<NetRule> parsed;
  for (const std::string_view rule : rules) parsed.push_back(NetRule::parse(rule));
  return {std::move(parsed), seed};
}

}  // namespace

TEST_CASE("a rule says what happens, and where") {
  const NetRule rule = NetRule::parse("order->product:delay=5ms,jitter=1.5ms,loss=1%,dup=0.5%");
  CHECK(rule.from == "order");
  CHECK(rule.to == "product");
  CHECK(rule.delay == Micros(5000));
  CHECK(rule.jitter == Micros(1500));
  CHECK(rule.loss == doctest::Approx(0.01));
  CHECK(rule.dup == doctest::Approx(0.005));
  CHECK(NetRule::parse("delay=1ms").from.empty());
}

TEST_CASE("a rule that makes no sense is refused with the form that it should have") {
  for (const std::string_view text :
       {"", "delay", "delay=5", "delay=5s", "delay=-1ms", "delay=60001ms", "loss=1", "loss=101%",
        "loss=nan%", "dup=x%", "lag=5ms", "delay=1ms,", "order->:loss=1%", "->user:loss=1%",
        "order->user", "order->user loss=1%", "order-"}) {
    CAPTURE(text);
    try {
      NetRule::parse(text);
      FAIL_CHECK("it was taken");
    } catch (const std::invalid_argument& error) {
      CHECK(std::string(error.what()).find("loss=1%,dup=1%") != std::string::npos);
    }
  }
}

TEST_CASE("the same seed spoils the same calls, another one others") {
  NetFaults one = faults({"loss=10%,dup=20%"}), same = faults({"loss=10%,dup=20%"}),
            other = faults({"loss=10%,dup=20%"}, 2);
  int differ = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto a = one.next("order", "user"), b = same.next("order", "user"),
               c = other.next("order", "user");
    REQUIRE(a.request_lost == b.request_lost);
    REQUIRE(a.answer_lost == b.answer_lost);
    REQUIRE(a.twice == b.twice);
    differ += a.twice != c.twice ? 1 : 0;
  }
  CHECK(differ > 100);
}

TEST_CASE("as many calls are spoilt as were asked for, half of the lost on each way") {
  NetFaults played = faults({"delay=5ms,jitter=2ms,loss=10%,dup=20%"});
  const Counts counts = after(played, 10000, "order", "user");
  CHECK(counts.request_lost + counts.answer_lost == doctest::Approx(1000).epsilon(0.1));
  CHECK(counts.request_lost == doctest::Approx(500).epsilon(0.15));
  CHECK(counts.twice == doctest::Approx(1900).epsilon(0.1));  // a lost request is not doubled
  CHECK(counts.least >= Micros(3000));
  CHECK(counts.least < Micros(3100));
  CHECK(counts.most <= Micros(7000));
  CHECK(counts.most > Micros(6900));
}

TEST_CASE("loops that meet on an edge share its count, and no call is lost in it") {
  NetFaults played = faults({"dup=100%"});
  constexpr std::array<std::string_view, 3> kCallees = {"user", "product", "order"};
  std::vector<std::thread> loops;
  for (int i = 0; i < 4; ++i) {
    loops.emplace_back([&] {
      for (int call = 0; call < 3000; ++call) played.next("order", kCallees[call % 3U]);
    });
  }
  for (std::thread& loop : loops) loop.join();
  observe::Metrics metrics;
  const auto held = metrics.add([&](observe::Scrape& scrape) { played.collect(scrape); });
  const std::string text = metrics.render();
  for (const std::string_view callee : kCallees) {
    CHECK(text.find(R"(cleave_net_calls_total{from="order",to=")" + std::string(callee) +
                    "\"} 4000") != std::string::npos);
  }
}

TEST_CASE(
    "an edge has the last rule that fits it; requests from outside only one that names them") {
  NetFaults played = faults({"loss=100%", "order->product:dup=100%", "client->order:dup=100%"});
  CHECK(after(played, 10, "order", "user").twice == 0);
  CHECK(after(played, 10, "order", "product") ==
        Counts{.twice = 10, .least = Micros(0), .most = Micros(0)});
  CHECK(after(played, 10, "", "order").twice == 10);
  CHECK(after(played, 10, "", "user") == Counts{.least = Micros(0), .most = Micros(0)});
}

}  // namespace cleave::router
