#include "http/remote_pool.hpp"

#include <algorithm>
#include <utility>

#include "io/wait.hpp"

namespace cleave::http {

std::unique_ptr<RemoteConnection> RemotePool::take(bool fresh, io::TimePoint deadline,
                                                   Refused& why) {
  if (!fresh) {
    if (auto kept = pop_idle()) return kept;
  }
  if (fresh && open_ >= limits_.connections && !idle_.empty()) {
    idle_.erase(idle_.begin());  // room for a new one
    --open_;
  }
  while (open_ >= limits_.connections) {
    if (!wait_in_line(deadline, why)) return nullptr;
    if (auto kept = pop_idle()) return kept;
  }
  return connect(deadline, why);
}

std::unique_ptr<RemoteConnection> RemotePool::pop_idle() {
  const io::TimePoint oldest = io::Loop::current()->now() - limits_.idle_time;
  // Those used long ago are at the front.
  while (!idle_.empty() && idle_.front()->idle_since < oldest) {
    idle_.erase(idle_.begin());
    --open_;
  }
  while (!idle_.empty()) {
    std::unique_ptr<RemoteConnection> last = std::move(idle_.back());
    idle_.pop_back();
    if (last->quiet()) return last;
    --open_;
  }
  return nullptr;
}

bool RemotePool::wait_in_line(io::TimePoint deadline, Refused& why) {
  if (line_.size() >= limits_.waiting || closed_) {
    why = Refused::kBusy;
    return false;
  }
  io::Waiter waiter;
  line_.push_back(&waiter);
  if (waiter.wait(deadline)) return true;
  std::erase(line_, &waiter);
  why = Refused::kLate;
  return false;
}

std::unique_ptr<RemoteConnection> RemotePool::connect(io::TimePoint deadline, Refused& why) {
  ++open_;
  RemoteNames::List addresses = names_.addresses();
  if (auto made = connect_to(addresses, deadline)) return made;
  names_.refresh();
  if (moved(addresses, deadline)) {
    if (auto made = connect_to(names_.addresses(), deadline)) return made;
  }
  --open_;
  wake_one();
  why = Refused::kUnreachable;
  return nullptr;
}

std::unique_ptr<RemoteConnection> RemotePool::connect_to(const RemoteNames::List& addresses,
                                                         io::TimePoint deadline) {
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    // In turn, so that each copy of a service behind one name gets its share.
    const SocketAddress& to = (*addresses)[turn_++ % addresses->size()];
    const io::TimePoint limit = std::min(deadline, io::Clock::now() + limits_.connect_time);
    if (auto made = RemoteConnection::open(to, limit)) {
      opened.add();
      return made;
    }
  }
  return nullptr;
}

/// In a rolling restart the copy that we know is the one that has just gone, and its twin came back
/// under an address that we have not looked up yet: no reason to fail a request.
bool RemotePool::moved(const RemoteNames::List& addresses, io::TimePoint deadline) {
  if (!names_.may_change()) return false;
  const io::TimePoint patience = std::min(deadline, io::Clock::now() + limits_.look_time);
  while (io::Clock::now() < patience) {
    io::sleep_for(io::Millis(20));
    if (names_.addresses() != addresses) return true;
  }
  return false;
}

void RemotePool::give_back(std::unique_ptr<RemoteConnection> connection) noexcept {
  if (connection == nullptr || closed_) {
    connection.reset();
    --open_;
  } else {
    connection->idle_since = io::Loop::current()->now();
    idle_.push_back(std::move(connection));
  }
  wake_one();
}

void RemotePool::wake_one() noexcept {
  if (line_.empty()) return;
  line_.front()->wake();
  line_.pop_front();
}

void RemotePool::close() noexcept {
  closed_ = true;
  open_ -= idle_.size();
  idle_.clear();
}

}  // namespace cleave::http
