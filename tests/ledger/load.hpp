// Load at a constant rate that no slow answer holds back: each request has its moment, and its time
// is counted from that moment on. What came of each is kept: the ledger.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/http_client.hpp"

namespace cleave::test {

class Load {
 public:
  /// Two of three requests are reads; the third is an order with a key and a quantity of its own.
  Load(std::string address, unsigned a_second, std::int64_t user, std::int64_t product);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() { stop(); }
  void stop();

  // After stop():
  std::uint64_t asked() const;
  /// "POST 503 …", one each, of those that were not answered as they should.
  std::vector<std::string> failed() const;
  std::set<std::int64_t> order_ids() const;  // of the orders that were acknowledged
  std::uint64_t orders() const;              // how many acknowledgements there were
  std::chrono::milliseconds p99() const;

 private:
  static constexpr unsigned kConnections = 16;
  struct Line {  // one connection, used by its thread only
    std::vector<std::string> failed;
    std::vector<std::int64_t> ids;
    std::vector<std::chrono::microseconds> times;
    std::thread thread;
  };
  void serve(Line& line, unsigned number);
  bool ask(HttpClient& client, Line& line, std::uint64_t number);

  std::string address_;
  unsigned a_second_;
  std::int64_t user_, product_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::string run_ = std::to_string(start_.time_since_epoch().count()) + "-";  // keys are its own
  std::atomic<bool> stop_{false};
  std::vector<Line> lines_{kConnections};
};

}  // namespace cleave::test
