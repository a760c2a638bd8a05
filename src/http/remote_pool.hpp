// RemotePool: the kept connections of one loop to one other host.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "http/remote_connection.hpp"
#include "observe/metrics.hpp"

namespace cleave::http {

/// Used on its loop only. Bounded: who finds no connection free waits in line, each until its own
/// deadline, and is refused at once when the line is long.
class RemotePool {
 public:
  struct Limits {
    std::size_t connections = 64;
    std::size_t waiting = 1024;
    io::Millis connect_time{100};  // an address
    io::Millis look_time{300};     // for its name to be looked up again
    io::Millis idle_time{20000};   // below the server's 65 s: we close first
  };
  /// `names` outlives this.
  RemotePool(RemoteNames& names, const Limits& limits) : names_(names), limits_(limits) {}

  enum class Refused { kUnreachable, kBusy, kLate };
  /// A connection: the one that was used last, unless `fresh`. Null: `why` tells. [fiber]
  std::unique_ptr<RemoteConnection> take(bool fresh, io::TimePoint deadline, Refused& why);
  /// Each one taken comes back; null when it was not worth keeping.
  void give_back(std::unique_ptr<RemoteConnection> connection) noexcept;
  /// Ends the idle ones; those in use end when they are given back.
  void close() noexcept;

  std::size_t open() const noexcept { return open_; }
  observe::Counter opened;

 private:
  bool wait_in_line(io::TimePoint deadline, Refused& why);
  std::unique_ptr<RemoteConnection> pop_idle();
  std::unique_ptr<RemoteConnection> connect(io::TimePoint deadline, Refused& why);
  std::unique_ptr<RemoteConnection> connect_to(const RemoteNames::List& addresses,
                                               io::TimePoint deadline);
  bool moved(const RemoteNames::List& addresses, io::TimePoint deadline);
  void wake_one() noexcept;

  RemoteNames& names_;
  Limits limits_;
  std::vector<std::unique_ptr<RemoteConnection>> idle_;  // the last one is the warmest
  std::deque<io::Waiter*> line_;
  std::size_t open_ = 0;  // idle, in use, or being opened
  std::size_t turn_ = 0;  // of the addresses
  bool closed_ = false;
};

}  // namespace cleave::http
