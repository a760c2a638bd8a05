#include "http/connection.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "http/exchange.hpp"
#include "http/server_impl.hpp"
#include "http/wire.hpp"

namespace cleave::http {
namespace {

// An idle connection keeps no more than this.
constexpr std::size_t kKeptBuffer = 512;
constexpr io::Millis kLinger{1000};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

constexpr Refusal kSlowHead{408, "request-timeout", "The request's head did not arrive in time."};
constexpr Refusal kSlowBody{408, "request-timeout", "The request's body did not arrive in time."};
constexpr Refusal kOverloaded{503, "overloaded", "Too many requests are in hand."};
constexpr Refusal kTooLarge{413, "too-large", "The body is larger than this server accepts."};

}  // namespace

Connection::Connection(int fd, Shared& shared, PerLoop& home)
    : shared_(shared), home_(home), loop_(*io::Loop::current()), fd_(fd) {
  place_ = home_.connections.insert(home_.connections.end(), this);
  shared_.connections.fetch_add(1, std::memory_order_relaxed);
  loop_.add(fd_, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this);
  expire_in(shared_.options.limits.idle_time);
}

Connection::~Connection() {
  loop_.remove(fd_, *this);
  close(fd_);
  home_.connections.erase(place_);
  shared_.connections.fetch_sub(1, std::memory_order_relaxed);
}

void Connection::destroy() {
  delete this;
}

void Connection::expire_in(io::Millis time) {
  loop_.timers().arm(*this, loop_.now() + time);
}

void Connection::on_ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0 && writer_ != nullptr) writer_->wake();
  if ((events & (EPOLLERR | EPOLLHUP)) != 0 && writer_ != nullptr) writer_->wake();
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) == 0) return;
  if (state_ == State::kBusy) {
    readable_ = true;  // read when the answer is out: the peer waits, memory does not grow
    return;
  }
  read_input();
}

void Connection::on_timer() {
  switch (state_) {
    case State::kHead:
      return refuse(kSlowHead);
    case State::kBody:
      return refuse(kSlowBody);
    case State::kBusy:
      return;  // the router keeps the request's deadline
    default:
      destroy();
  }
}

/// One recv into the loop's buffer; false when there is nothing (more) to read now.
bool Connection::receive() {
  const ssize_t got = recv(fd_, home_.buffer.data(), home_.buffer.size(), 0);
  if (got > 0) {
    if (state_ != State::kLingering)
      input_.append(home_.buffer.data(), static_cast<std::size_t>(got));
    return static_cast<std::size_t>(got) == home_.buffer.size();
  }
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) ended_ = true;
  return false;
}

void Connection::read_input() {
  for (bool more = true; more;) {
    more = receive();
    if (state_ == State::kLingering || input_.empty()) continue;
    const Parse parsed = next_request();
    if (parsed == Parse::kRefused) return;  // the answer is out, or this is gone
    if (parsed == Parse::kComplete) {
      readable_ = more || ended_;
      return dispatch();
    }
  }
  // A peer that ends inside a request will not complete it; a short read may hide its end, which
  // comes as an event of its own.
  if (ended_) destroy();
}

/// Looks whether input_ begins with a whole request. Refuses, and may destroy this, when it cannot.
Parse Connection::next_request() {
  const Limits& limits = shared_.options.limits;
  if (state_ == State::kBody) return parse_body();
  Head head;
  Refusal refusal;
  const Parse parsed = parse_head(input_, limits, head, refusal);
  if (parsed == Parse::kRefused) {
    refuse(refusal);
    return parsed;
  }
  if (parsed == Parse::kMore) {
    if (state_ == State::kIdle) {
      state_ = State::kHead;
      expire_in(limits.header_time);
    }
    return parsed;
  }
  if (head.content_length > limits.body) {
    refuse(kTooLarge);
    return Parse::kRefused;
  }
  body_at_ = head.size;
  request_size_ = head.size + head.content_length;
  if (!head.chunked && input_.size() >= request_size_) return Parse::kComplete;
  if (head.chunked) chunked_ = std::make_unique<ChunkedDecoder>(limits.body);
  state_ = State::kBody;
  expire_in(limits.body_time);
  const Parse body = parse_body();
  if (body == Parse::kMore && head.expect_continue && input_.size() == body_at_) {
    send(fd_, kContinue.data(), kContinue.size(), MSG_NOSIGNAL);  // fits an empty buffer
  }
  return body;
}

Parse Connection::parse_body() {
  if (chunked_ == nullptr) {
    return input_.size() >= request_size_ ? Parse::kComplete : Parse::kMore;
  }
  std::size_t used = 0;
  Refusal refusal;
  const Parse parsed = chunked_->feed(std::string_view(input_).substr(body_at_), used, refusal);
  input_.erase(body_at_, used);
  request_size_ = body_at_;
  if (parsed == Parse::kRefused) refuse(refusal);
  return parsed;
}

/// A whole request is there: a fiber answers it, unless there are too many already.
void Connection::dispatch() {
  cancel();
  if (home_.in_hand >= shared_.options.limits.requests) {
    home_.overloaded.add();
    return refuse(kOverloaded);
  }
  state_ = State::kBusy;
  ++home_.in_hand;
  loop_.spawn([this] { serve(); });
}

/// On a fiber: answers the request at hand and those that were pipelined behind it.
void Connection::serve() {
  bool alive = true;
  while ((alive = serve_one()) && !close_ && !input_.empty()) {
    state_ = State::kIdle;
    const Parse parsed = next_request();
    if (parsed == Parse::kRefused) {
      --home_.in_hand;
      return;
    }
    if (parsed == Parse::kMore) break;
    cancel();
    state_ = State::kBusy;
  }
  --home_.in_hand;
  if (!alive) return destroy();
  if (close_) return linger();
  if (state_ == State::kBusy) go_idle();
  if (std::exchange(readable_, false)) read_input();
}

/// One exchange; false when the client is gone.
bool Connection::serve_one() {
  home_.requests.add();
  const Limits& limits = shared_.options.limits;
  Head head;
  Refusal unused;
  parse_head(input_, limits, head, unused);  // its views are good while nothing is received
  close_ = !head.keep_alive || draining_ || shared_.closing.load(std::memory_order_relaxed);
  const std::string_view body =
      chunked_ != nullptr ? std::string_view(chunked_->body())
                          : std::string_view(input_).substr(body_at_, request_size_ - body_at_);
  const bool sent =
      exchange(head, body, shared_.options, close_,
               [this](std::string_view h, std::string_view b) { return send_now(h, b); });
  input_.erase(0, request_size_);
  chunked_.reset();
  return sent;
}

void Connection::go_idle() {
  state_ = State::kIdle;
  if (input_.capacity() > kKeptBuffer) input_.shrink_to_fit();
  expire_in(shared_.options.limits.idle_time);
}

/// One writev; what does not fit waits for room. False when the peer is gone or takes nothing for
/// write_time. [fiber]
bool Connection::send_now(std::string_view head, std::string_view body) {
  const io::TimePoint give_up = loop_.now() + shared_.options.limits.write_time;
  io::Waiter room;
  while (!head.empty() || !body.empty()) {
    const iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                            {const_cast<char*>(body.data()), body.size()}};
    msghdr message = {};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = 2;
    const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    const std::size_t of_head = std::min(taken, head.size());
    head.remove_prefix(of_head);
    body.remove_prefix(taken - of_head);
    if (head.empty() && body.empty()) break;
    writer_ = &room;
    const bool woken = room.wait(give_up);
    writer_ = nullptr;
    if (!woken) return false;
  }
  return true;
}

/// Answers by itself and closes: after a framing error nobody knows where the next request begins.
void Connection::refuse(const Refusal& refusal) {
  home_.refused[static_cast<std::size_t>(refusal.status / 100)].add();
  const std::string answer = format(refusal, true);
  send(fd_, answer.data(), answer.size(),
       MSG_NOSIGNAL);  // short; a full buffer is the peer's doing
  linger();
}

/// Closes so that the peer gets the answer: close(2) with unread bytes would reset the connection
/// and drop it (RFC 9112, 9.6).
void Connection::linger() {
  state_ = State::kLingering;
  input_ = std::string();
  chunked_.reset();
  if (ended_) return destroy();
  shutdown(fd_, SHUT_WR);
  expire_in(kLinger);
  read_input();
}

void Connection::drain(io::Millis grace) {
  draining_ = true;
  if (state_ == State::kIdle) return destroy();
  if (state_ == State::kHead || state_ == State::kBody) expire_in(grace);
}

}  // namespace cleave::http
