#include "http/connection.hpp"

#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "http/server_impl.hpp"
#include "http/serving.hpp"

namespace cleave::http {
namespace {

constexpr io::Millis kLinger{1000};
// Room to write is asked about only while some is missing: a unix socket tells of room whenever the
// peer has read an answer, and each time would wake a loop that has nothing to write.
constexpr std::uint32_t kReading = EPOLLIN | EPOLLRDHUP | EPOLLET;
// A peer that still sends after its last answer is not worth more reads than this a turn.
constexpr int kMostLingerReads = 32;

constexpr Refusal kSlowHead{408, "request-timeout", "The request's head did not arrive in time."};
constexpr Refusal kSlowBody{408, "request-timeout", "The request's body did not arrive in time."};
constexpr Refusal kOverloaded{503, "overloaded", "Too many requests are in hand."};
constexpr Refusal kCrowded{503, "overloaded", "Too many connections are open."};

}  // namespace

Connection::Connection(int fd, Shared& shared, PerLoop& home)
    : shared_(shared), home_(home), loop_(*io::Loop::current()), fd_(fd) {
  place_ = home_.connections.insert(home_.connections.end(), this);
}

Connection::~Connection() {
  loop_.remove(fd_, *this);
  close(fd_);
  release_input();
  let_go();
  home_.connections.erase(place_);
  shared_.connections.fetch_sub(1, std::memory_order_release);
}

void Connection::adopt(int fd, Shared& shared, PerLoop& home) {
  auto* const one = new Connection(fd, shared, home);
  one->expire_in(shared.options.limits.idle_time);
  if (!one->loop_.add(fd, kReading, *one)) delete one;
}

void Connection::turn_away(int fd) noexcept {
  RefusalJob job(kCrowded, [fd](std::string_view head, std::string_view body) {
    for (const std::string_view part : {head, body}) {
      if (!part.empty()) ::send(fd, part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
  });
  exchange(job);
  shutdown(fd, SHUT_WR);
  char unread[4096];  // close(2) over unread bytes would reset the connection and drop the answer
  for (int reads = 0; reads < kMostLingerReads; ++reads) {
    if (recv(fd, unread, sizeof unread, MSG_DONTWAIT) != sizeof unread) break;
  }
  close(fd);
}

void Connection::on_ready(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
  if (state_ == State::kWriting) flush();
  advance();
}

/// One timer a connection, armed lazily: a later deadline only changes a number, and the timer that
/// fires too early is armed again. So a busy keep-alive connection does not touch the wheel.
void Connection::expire_in(io::Millis time) {
  deadline_ = loop_.now() + time;
  if (armed() && armed_for_ <= deadline_) return;
  armed_for_ = deadline_;
  loop_.timers().arm(*this, deadline_);
}

void Connection::on_timer() {
  if (loop_.now() < deadline_) {
    if (deadline_ == io::TimePoint::max()) return;  // in hand: the router keeps the deadline
    armed_for_ = deadline_;
    return loop_.timers().arm(*this, deadline_);
  }
  if (state_ == State::kHead || state_ == State::kBody) {
    refuse(state_ == State::kHead ? kSlowHead : kSlowBody);
    return advance();
  }
  // epoll tells of room only when a third of the send buffer is free, which takes a slow reader
  // longer than write_time: what counts is whether the kernel got rid of anything.
  if (state_ == State::kWriting && in_kernel() < queued_) {
    queued_ = in_kernel();
    return expire_in(shared_.options.limits.write_time);
  }
  delete this;  // idle, lingering, or it takes nothing
}

/// Goes as far as the bytes at hand allow. May destroy this: nothing may follow a call.
void Connection::advance() {
  for (int reads = 0;; ++reads) {
    // In hand and writing: the peer's next bytes wait in the kernel, so memory does not grow.
    if (state_ == State::kInHand || state_ == State::kWriting) return;
    if (state_ != State::kLingering && take_request()) continue;
    if (ended_ || (state_ == State::kLingering && reads > kMostLingerReads)) break;
    if (!readable_) {
      if (state_ == State::kIdle && draining_) break;
      return;
    }
    receive();
  }
  delete this;
}

/// A whole request is there: a fiber answers it, unless there are too many already.
void Connection::hand_over() {
  if (home_.in_hand >= shared_.options.limits.requests) return refuse(kOverloaded);
  const State before = std::exchange(state_, State::kInHand);
  deadline_ = io::TimePoint::max();
  ++home_.in_hand;
  try {
    loop_.spawn([this] { serve(); });
  } catch (const std::bad_alloc&) {  // no stack is to be had
    --home_.in_hand;
    state_ = before;
    refuse(kOverloaded);
  }
}

bool Connection::going() const noexcept {
  return draining_ || shared_.closing.load(std::memory_order_relaxed);
}

/// What the exchange asks of a connection with a request in hand.
class Connection::Serving final : public ServingJob {
 public:
  Serving(Connection& owner, std::string_view body)
      : ServingJob(*owner.head_, body, owner.shared_.options.handler,
                   owner.shared_.options.limits.request_time),
        owner_(owner) {}
  std::string_view connection() noexcept override {
    owner_.close_ = !owner_.head_->keep_alive || owner_.going();
    if (owner_.close_) return "close";
    return owner_.head_->http10 ? "keep-alive" : "";
  }
  void send(std::string_view head, std::string_view body) noexcept override {
    owner_.let_go();  // the handler is done: who has the answer may count on the room
    owner_.send(head, body);
  }

 private:
  Connection& owner_;
};

/// [fiber]
void Connection::serve() {
  {
    Serving job(*this, chunked_ != nullptr ? std::string_view(chunked_->body())
                                           : pending().substr(body_at_, size_ - body_at_));
    home_.requests.add();
    exchange(job);
    home_.answers[static_cast<std::size_t>(job.status / 100)].add();
  }
  --home_.in_hand;
  if (home_.heads.size() < PerLoop::kMostPooled) home_.heads.push_back(std::move(head_));
  head_.reset();
  chunked_.reset();
  at_ += size_;
  looked_at_ = 0;
  answered();
  advance();
}

/// Answers by itself and closes: after a framing error nobody knows where the next request begins.
void Connection::refuse(const Refusal& refusal) {
  RefusalJob job(refusal,
                 [this](std::string_view head, std::string_view body) { send(head, body); });
  // While a body comes, the head's views may point to a buffer that has grown; a HEAD has none.
  if (state_ != State::kBody && head_ != nullptr && head_->method == "HEAD") job.method = "HEAD";
  exchange(job);
  home_.answers[static_cast<std::size_t>(job.status / 100)].add();
  close_ = true;
  answered();
}

/// One system call; what the socket does not take is kept for flush().
void Connection::send(std::string_view head, std::string_view body) noexcept {
  ssize_t result;
  if (body.empty()) {
    result = ::send(fd_, head.data(), head.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  } else {
    iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                      {const_cast<char*>(body.data()), body.size()}};
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    result = sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  if (result < 0 && errno != EAGAIN && errno != EINTR) {
    ended_ = close_ = true;
    return;
  }
  const std::size_t taken = result < 0 ? 0 : static_cast<std::size_t>(result);
  if (taken == head.size() + body.size()) return;
  try {
    output_.reserve(head.size() + body.size() - taken);
    if (taken < head.size()) output_ += head.substr(taken);
    output_ += body.substr(taken > head.size() ? taken - head.size() : 0);
  } catch (const std::bad_alloc&) {
    ended_ = close_ = true;
  }
}

/// Bytes that the peer has not acknowledged (tcp(7), unix sockets alike).
int Connection::in_kernel() const noexcept {
  int bytes = 0;
  ioctl(fd_, SIOCOUTQ, &bytes);
  return bytes;
}

void Connection::flush() {
  while (sent_ < output_.size()) {
    const ssize_t result =
        ::send(fd_, output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (result < 0 && errno == EAGAIN) return;
    if (result < 0 && errno != EINTR) {
      ended_ = close_ = true;
      break;
    }
    if (result > 0) sent_ += static_cast<std::size_t>(result);
    queued_ = in_kernel();
    expire_in(shared_.options.limits.write_time);
  }
  output_ = std::string();
  sent_ = 0;
  if (!loop_.modify(fd_, kReading, *this)) ended_ = close_ = true;
  answered();
}

/// Sets what follows an answer; the caller advances.
void Connection::answered() {
  if (!output_.empty()) {
    if (!loop_.modify(fd_, kReading | EPOLLOUT, *this)) ended_ = close_ = true;
    state_ = State::kWriting;
    queued_ = in_kernel();
    return expire_in(shared_.options.limits.write_time);
  }
  if (close_) return linger();
  state_ = State::kIdle;
  expire_in(shared_.options.limits.idle_time);
}

/// Closes so that the peer gets the answer: close(2) with unread bytes would reset the connection
/// and drop it (RFC 9112, 9.6).
void Connection::linger() {
  state_ = State::kLingering;
  readable_ = true;
  release_input();
  chunked_.reset();
  let_go();
  shutdown(fd_, SHUT_WR);
  expire_in(kLinger);
}

void Connection::drain(io::Millis grace) {
  draining_ = true;
  if (state_ == State::kHead || state_ == State::kBody) expire_in(grace);
  if (state_ == State::kIdle) readable_ = true;  // a request may be there that no event told yet
  advance();
}

void Connection::abandon() {
  if (state_ != State::kInHand) {
    delete this;
    return;
  }
  draining_ = true;
  ended_ = true;
}

}  // namespace cleave::http
