// Pipeline, its connection: how it comes, and what becomes of those who wait when it goes.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <random>

#include "observe/log.hpp"
#include "postgres/pipeline.hpp"

namespace cleave::postgres {
namespace {

constexpr io::Millis kConnectTime{2000};
constexpr io::Millis kFirstBackoff{50}, kLongestBackoff{2000}, kCrowdedBackoff{500};

std::int64_t now_ms() {
  return std::chrono::duration_cast<io::Millis>(io::Clock::now().time_since_epoch()).count();
}

/// Full jitter: anything between nothing and `most`, so that hosts do not come
/// back in step (Brooker, "Exponential Backoff And Jitter", AWS 2015).
io::Millis jitter(io::Millis most) {
  thread_local std::minstd_rand random(std::random_device{}());
  return io::Millis(std::uniform_int_distribution<std::int64_t>(1, most.count())(random));
}

}  // namespace

void Pipeline::connect_in_background() {
  if (connecting_ || closed_) return;
  connecting_ = true;
  try {
    loop_.spawn([this] { connect_until_up(); });
  } catch (const std::bad_alloc&) {  // no stack is to be had now; the next statement asks again
    connecting_ = false;
  }
}

ConnectionPtr Pipeline::connect_once() {
  Session session({.url = options_.url,
                   .application = "cleave-" + options_.module,
                   .read_only = role_ == Role::kRead,
                   .generic_plans = true,
                   .server = role_ == Role::kRead ? "primary" : "read-write",
                   .statement_timeout = options_.statement_timeout},
                  io::Clock::now() + kConnectTime);
  if (role_ == Role::kWrite) {
    session.require_durable(io::Clock::now() + kConnectTime);
  }
  return session.release();
}

void Pipeline::connect_until_up() {
  for (io::Millis backoff = kFirstBackoff; !closed_;) {
    try {
      use(connect_once());
      break;
    } catch (const ConnectionError& error) {
      tell_down(error);
      if (error.sqlstate() == "53300") backoff = std::max(backoff, kCrowdedBackoff);
      backoff_.wait(io::Clock::now() + kFirstBackoff + jitter(backoff));
      backoff = std::min(backoff * 2, kLongestBackoff);
    }
  }
  connecting_ = false;
  closed_waiter_.wake();
}

void Pipeline::tell_down(const ConnectionError& error) {
  if (!down_) {
    log::warn(options_.module, "cannot reach the database; trying again", {{"why", error.what()}});
    stats_.down_since_ms = now_ms();
  }
  down_ = true;
  const Failure failure = error.sqlstate() == "53300" ? Failure::kCrowded : Failure::kConnection;
  stats_.failures[static_cast<std::size_t>(failure)].add();
  down_error_ = error_of(kUnavailable, error.sqlstate());
  shares_.fill(nullptr);
  for (Waiting* waiting : std::exchange(queue_, {})) answer(waiting, down_error_);
}

void Pipeline::use(ConnectionPtr connection) {
  if (PQenterPipelineMode(connection.get()) == 0) {
    throw ConnectionError(message_of(connection.get()), "");
  }
  if (!loop_.add(PQsocket(connection.get()), kReading, *this)) {
    throw ConnectionError(std::string("cannot watch its socket: ") + std::strerror(errno), "");
  }
  if (down_) log::info(options_.module, "the database is reachable again");
  connection_ = std::move(connection);
  names_.clear();
  prepared_.clear();
  next_name_ = 0;
  retire_ = false;
  down_ = false;
  PQsetNoticeReceiver(connection_.get(), &Pipeline::on_notice, this);
  write_blocked_ = false;
  stats_.down_since_ms = 0;
  stats_.connects.add();
  loop_.batch(*this);
}

/// The connection is of no more use. Reads that were in flight are sent again
/// once; of writes nobody can say whether they were committed.
void Pipeline::lost(const std::string& why) {
  if (connection_ == nullptr) return;
  loop_.remove(PQsocket(connection_.get()), *this);
  connection_.reset();
  cancel();
  if (!closed_) log::warn(options_.module, "lost a database connection", {{"why", why}});
  std::vector<Waiting*> again = std::exchange(alone_, {});
  for (Sent& sent : std::exchange(in_flight_, {})) {
    if (sent.waiting == nullptr) continue;
    const bool read = role_ == Role::kRead;
    if (read && sent.waiting->attempts < 2 && !closed_) {
      again.push_back(sent.waiting);
      continue;
    }
    const Verdict& verdict = read ? kUnavailable : kOutcomeUnknown;
    stats_.failures[static_cast<std::size_t>(verdict.failure)].add();
    answer(sent.waiting, error_of(verdict));
  }
  queue_.insert(queue_.begin(), again.begin(), again.end());
  at_ = 0;
  if (!queue_.empty()) connect_in_background();
}

void Pipeline::on_timer() {
  // The loop may have been busy while the answer, or a part of it, lay in the socket.
  char byte;
  if (recv(PQsocket(connection_.get()), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) {
    return on_ready(EPOLLIN);
  }
  lost("no answer within its statement_timeout");
}

}  // namespace cleave::postgres
