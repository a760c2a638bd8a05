// Upstream: what stands where a service would, behind the gateway: shows what reached it.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace cleave::test {

/// Answers each request with 200 and its own name in X-Upstream; the body is the head as it came.
/// A path that ends with /silent gets no answer, /cut half of one.
class Upstream {
 public:
  explicit Upstream(std::string name);
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;
  ~Upstream();

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int connections() const noexcept { return accepted_; }
  int requests() const noexcept { return requests_; }

 private:
  void accept_all();
  void serve(int fd);
  bool answer(int fd, const std::string& head);

  const std::string name_;
  int listener_ = -1, port_ = 0;
  std::atomic<int> accepted_{0}, requests_{0};
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace cleave::test
