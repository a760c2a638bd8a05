#include "observe/metrics.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

using namespace cleave::observe;

namespace {
bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}
}  // namespace

TEST_CASE("samples of one name form a family, and equal labels are added up") {
  Metrics metrics;
  const auto handle = metrics.add([](Scrape& scrape) {
    for (int loop = 0; loop < 2; ++loop) {
      scrape.counter("cleave_calls_total", "Calls.", {{"module", "user"}}, 3);
      scrape.counter("cleave_calls_total", "Calls.", {{"module", "say \"hi\"\n"}}, 1);
    }
  });
  const std::string text = metrics.render();
  CAPTURE(text);
  CHECK(has(text, "# HELP cleave_calls_total Calls."));
  CHECK(has(text, "# TYPE cleave_calls_total counter"));
  CHECK(has(text, "cleave_calls_total{module=\"user\"} 6"));
  CHECK(has(text, "cleave_calls_total{module=\"say \\\"hi\\\"\\n\"} 2"));
  CHECK(text.find("# TYPE cleave_calls_total") == text.rfind("# TYPE cleave_calls_total"));
}

TEST_CASE("a histogram is cumulative, in seconds, and counts the value on a bound below it") {
  Histogram histogram;
  histogram.observe(100);
  histogram.observe(101);
  histogram.observe(9000000);
  Metrics metrics;
  const auto handle = metrics.add([&](Scrape& scrape) {
    scrape.histogram("cleave_wait_seconds", "Waits.", {}, histogram);
    scrape.histogram("cleave_wait_seconds", "Waits.", {}, histogram);
  });
  const std::string text = metrics.render();
  CAPTURE(text);
  CHECK(has(text, "cleave_wait_seconds_bucket{le=\"0.0001\"} 2"));
  CHECK(has(text, "cleave_wait_seconds_bucket{le=\"0.00025\"} 4"));
  CHECK(has(text, "cleave_wait_seconds_bucket{le=\"2.5\"} 4"));
  CHECK(has(text, "cleave_wait_seconds_bucket{le=\"+Inf\"} 6"));
  CHECK(has(text, "cleave_wait_seconds_count 6"));
  CHECK(text.find("cleave_wait_seconds_sum 18.000402") != std::string::npos);
}

TEST_CASE("a collector does not run once its handle is dropped, even after the metrics") {
  std::shared_ptr<void> later;
  {
    Metrics metrics;
    int runs = 0;
    auto handle = metrics.add([&](Scrape&) { ++runs; });
    metrics.render();
    handle.reset();
    metrics.render();
    CHECK(runs == 1);
    later = metrics.add([](Scrape&) {});
  }
  later.reset();
}

TEST_CASE("the process itself is measured") {
  const std::string text = Metrics().render();
  for (const char* name : {"process_resident_memory_bytes", "process_cpu_seconds_total",
                           "process_open_fds", "process_start_time_seconds"}) {
    const auto at = text.find("\n" + std::string(name) + " ");
    REQUIRE(at != std::string::npos);
    CHECK(std::stod(text.substr(at + std::string(name).size() + 2)) > 0);
  }
  const auto at = text.find("\nprocess_start_time_seconds ");
  const double start = std::stod(text.substr(at + 28));
  const double now = static_cast<double>(time(nullptr));
  CHECK(start <= now + 1);
  CHECK(start > now - 3600);
}

TEST_CASE("a scrape may run while its counters are written") {
  Counter counter;
  Histogram histogram;
  std::atomic<bool> quit{false};
  std::thread writer([&] {
    while (!quit) {
      counter.add();
      histogram.observe(7);
    }
  });
  Metrics metrics;
  const auto handle = metrics.add([&](Scrape& scrape) {
    scrape.counter("a_total", "A.", {}, static_cast<double>(counter.value()));
    scrape.histogram("b_seconds", "B.", {}, histogram);
  });
  for (int i = 0; i < 50; ++i) CHECK(metrics.render().find("a_total") != std::string::npos);
  quit = true;
  writer.join();
}
