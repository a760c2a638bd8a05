// Load at a constant rate that no slow answer holds back: each request has its moment, and its time
// is counted from that moment on. What came of each is kept: the ledger. Nothing is sent twice, so
// that what is stored twice is the system's doing.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "support/http_client.hpp"

namespace cleave::test {

class Load {
 public:
  using Clock = std::chrono::steady_clock;
  struct Span {
    Clock::time_point from, to;
  };

  /// Two of three requests are reads, of all modules; the third is an order with a quantity of its
  /// own, which every other sends with a key. Nobody else may order for `user`.
  Load(std::string address, unsigned a_second, std::int64_t user, std::int64_t product);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() { stop(); }
  void stop();

  // After stop():
  std::uint64_t asked() const;
  /// "POST 503 …", one each, of those that were not answered as they should.
  std::vector<std::string> failed() const;
  std::uint64_t orders() const;  // how many were acknowledged

  /// What the ledger and the table of orders disagree on, one line each. `stored`: how many rows
  /// `user` has of each quantity. An order without an answer may be there, once.
  using Stored = std::map<std::int64_t, std::uint64_t>;
  std::vector<std::string> differences(const Stored& stored) const;

  /// Of the requests that were under way at a moment of one of these spans, or of all others.
  struct Times {
    std::size_t count = 0;
    std::chrono::milliseconds p99{0};
  };
  Times during(const std::vector<Span>& spans) const { return times(spans, true); }
  Times outside(const std::vector<Span>& spans) const { return times(spans, false); }

 private:
  static constexpr unsigned kConnections = 16;
  enum class Outcome { kAcknowledged, kRefused, kUnknown };
  struct Line {  // one connection, used by its thread only
    std::vector<std::string> failed;
    std::map<std::int64_t, Outcome> orders;  // by quantity
    std::vector<Span> times;
    std::thread thread;
  };
  void serve(Line& line, unsigned number);
  bool ask(HttpClient& client, Line& line, std::uint64_t number);
  HttpAnswer read(HttpClient& client, std::uint64_t number) const;
  HttpAnswer order(HttpClient& client, std::uint64_t number) const;
  Times times(const std::vector<Span>& spans, bool inside) const;

  std::string address_;
  unsigned a_second_;
  std::int64_t user_, product_;
  Clock::time_point start_ = Clock::now();
  std::string run_ = std::to_string(start_.time_since_epoch().count()) + "-";  // keys are its own
  std::atomic<bool> stop_{false};
  std::vector<Line> lines_{kConnections};
};

}  // namespace cleave::test
