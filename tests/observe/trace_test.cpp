#include "observe/trace.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace cleave::observe;

namespace {
std::string_view view(const auto& chars) {
  return {chars.data(), chars.size()};
}

std::string header(const TraceContext& context) {
  std::string text;
  context.append_header(text);
  return text;
}

void pass(std::chrono::microseconds time) {
  const auto until = Span::Clock::now() + time;
  while (Span::Clock::now() < until) {
  }
}
}  // namespace

TEST_CASE("a trace is continued with a new span id and the caller's sampling") {
  const std::string incoming = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const TraceContext here = TraceContext::from(incoming);
  CHECK(view(here.trace_id) == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(view(here.span_id) != "00f067aa0ba902b7");
  CHECK(here.sampled);
  const TraceContext below = here.child();
  CHECK(view(below.trace_id) == view(here.trace_id));
  CHECK(view(below.span_id) != view(here.span_id));
  CHECK(header(here) ==
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + std::string(view(here.span_id)) + "-01");
}

TEST_CASE("a later version of traceparent is read as far as this one goes") {
  const TraceContext here =
      TraceContext::from("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-what-comes");
  CHECK(view(here.trace_id) == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK_FALSE(here.sampled);
}

TEST_CASE("an invalid traceparent starts a new trace") {
  for (const std::string bad :
       {"", "00", "nonsense", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}) {
    CAPTURE(bad);
    const TraceContext made = TraceContext::from(bad);
    CHECK(view(made.trace_id) != "4bf92f3577b34da6a3ce929d0e0e4736");
    CHECK(TraceContext::from(header(made)).trace_id == made.trace_id);  // valid itself
  }
}

TEST_CASE("identifiers of many threads do not collide, and a UUID is of version 7") {
  std::vector<std::thread> threads;
  std::vector<std::vector<std::string>> made(4);
  for (auto& mine : made) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 2000; ++i) mine.emplace_back(view(make_uuid()));
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& mine : made) all.insert(mine.begin(), mine.end());
  CHECK(all.size() == 8000);
  const std::string& one = made[0][0];
  CHECK(one[14] == '7');
  CHECK(std::string("89ab").find(one[19]) != std::string::npos);
  const auto millis = std::stoull(one.substr(0, 8) + one.substr(9, 4), nullptr, 16);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  CHECK(static_cast<long long>(millis) <= now.count());
  CHECK(static_cast<long long>(millis) > now.count() - 60000);
}

TEST_CASE("server timing adds up equal names and tells kinds apart") {
  Timeline timeline;
  const auto root = timeline.open("order", SpanKind::kCall, Timeline::kNone);
  for (int i = 0; i < 2; ++i) {
    const auto query = timeline.open("order", SpanKind::kDatabase, root);
    pass(std::chrono::microseconds(1000));
    timeline.close(query);
  }
  timeline.close(timeline.open("product", SpanKind::kCache, root));
  timeline.close(root);
  const std::string text = timeline.server_timing();
  CAPTURE(text);
  double order = 0, database = 0, cache = -1;
  REQUIRE(std::sscanf(text.c_str(), "order;dur=%lf, order.db;dur=%lf, product.cache;dur=%lf",
                      &order, &database, &cache) == 3);
  CHECK(database >= 2.0);
  CHECK(order >= database);
  CHECK(cache >= 0.0);
  CHECK(cache < 1.0);
}

TEST_CASE("a span that is still open has lasted until now") {
  Timeline timeline;
  timeline.open("user", SpanKind::kCall, Timeline::kNone);
  pass(std::chrono::microseconds(300));
  CHECK(std::stod(timeline.server_timing().substr(std::string("user;dur=").size())) >= 0.3);
}

TEST_CASE("the tree draws who waited for whom") {
  Timeline timeline;
  const auto order = timeline.open("order", SpanKind::kCall, Timeline::kNone);
  const auto user = timeline.open("user", SpanKind::kCall, order);
  const auto product = timeline.open("product", SpanKind::kCall, order);
  timeline.close(timeline.open("user", SpanKind::kDatabase, user));
  timeline.close(timeline.open("product", SpanKind::kCache, product));
  timeline.close(timeline.open("order", SpanKind::kDatabase, order));
  for (const auto span : {user, product, order}) timeline.close(span);
  std::string shape;  // without the numbers
  for (const char c : timeline.tree()) {
    if (!((c >= '0' && c <= '9') || c == '.')) shape += c;
  }
  CHECK(shape ==
        "order            ms\n"
        "├─ user          ms\n"
        "│  └─ postgres   ms\n"
        "├─ product       ms\n"
        "│  └─ redis      ms\n"
        "└─ postgres      ms\n");
}

TEST_CASE("a full timeline counts what it does not keep") {
  Timeline timeline;
  for (int i = 0; i < 40; ++i) timeline.close(timeline.open("user", SpanKind::kCall, 0));
  CHECK(timeline.size() == Timeline::kMost);
  CHECK(timeline.dropped() == 8);
  CHECK(timeline.tree().find("and 8 more") != std::string::npos);
}
