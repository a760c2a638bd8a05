// Metrics in the Prometheus data model. Hot paths count in plain per-loop variables of their own
// room; a room registers a collector that reads them when /metrics is scraped. prometheus-cpp
// (metrics.cpp only) holds the model and writes the exposition format.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace cleave::observe {

/// Counts written by one thread and read by any: relaxed, never a lock prefix.
class Counter {
 public:
  void add(std::uint64_t by = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Latencies in fixed buckets, one writer thread. Bounds in microseconds.
class Histogram {
 public:
  static constexpr std::array<std::uint32_t, 14> kBounds = {100,    250,    500,     1000,   2500,
                                                            5000,   10000,  25000,   50000,  100000,
                                                            250000, 500000, 1000000, 2500000};
  void observe(std::uint64_t micros) noexcept;
  std::uint64_t bucket(std::size_t i) const noexcept {
    return buckets_[i].value();
  }  // not summed up
  std::uint64_t sum_micros() const noexcept { return sum_.value(); }

 private:
  std::array<Counter, kBounds.size() + 1> buckets_;
  Counter sum_;
};

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// What a collector writes to during one scrape. Same name and help may come many times, with
/// other labels: they form one family. Several samples of equal labels are added up.
class Scrape {
 public:
  virtual ~Scrape() = default;
  virtual void counter(std::string_view name, std::string_view help, Labels labels,
                       double value) = 0;
  virtual void gauge(std::string_view name, std::string_view help, Labels labels, double value) = 0;
  /// Named in seconds ("…_seconds"); equal labels are merged.
  virtual void histogram(std::string_view name, std::string_view help, Labels labels,
                         const Histogram& value) = 0;
};

using Collector = std::function<void(Scrape&)>;

class Metrics {
 public:
  Metrics();
  ~Metrics();
  /// Runs at each scrape, on the scraping thread, until the returned handle is dropped.
  [[nodiscard]] std::shared_ptr<void> add(Collector collector);
  /// Text exposition format 0.0.4. Also writes process_* (RSS, CPU, descriptors, start time).
  std::string render() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cleave::observe
