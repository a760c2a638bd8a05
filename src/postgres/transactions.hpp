// Transactions: connections that explicit transactions own, on one loop. At
// most Options::transactions at once; whoever finds none free waits in line for
// acquire_timeout, if the line is not long.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "io/wait.hpp"
#include "postgres/database.hpp"
#include "postgres/session.hpp"

namespace cleave::postgres {

class Transactions {
 public:
  explicit Transactions(const Options& options) : options_(options) {}

  /// Null when none was to be had: `error` says why. [fiber]
  std::unique_ptr<Transaction> begin(io::TimePoint deadline, Error& error);
  void close() noexcept;  // idle ones; those in use close when they come back

 private:
  class Open;
  static constexpr std::size_t kMostInLine = 64;
  struct Idle {
    std::unique_ptr<Session> session;
    std::uint64_t epoch;
  };
  std::unique_ptr<Session> acquire(io::TimePoint deadline, Error& error);
  std::unique_ptr<Session> take_idle();
  void give_back(std::unique_ptr<Session> session, std::uint64_t epoch) noexcept;

  const Options& options_;
  std::vector<Idle> idle_;
  std::deque<io::Waiter*> line_;  // first come, first served
  unsigned in_use_ = 0;
  std::uint64_t epoch_ = 0;  // grows when a connection breaks: older idle ones are not trusted
  bool closed_ = false;
};

}  // namespace cleave::postgres
