// How a connection takes bytes in: until one whole request is there, or a refusal is due.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "http/connection.hpp"
#include "http/server_impl.hpp"

namespace cleave::http {
namespace {

// A head that comes in drips is parsed again when a line ended or this many bytes came.
constexpr std::size_t kParseStep = 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
// Below this a string keeps its bytes in itself: no buffer to lend or give back.
constexpr std::size_t kSmall = 64;
constexpr Refusal kNoRoom{503, "overloaded", "Too much of other requests is being taken in."};

}  // namespace

/// One recv into the loop's buffer.
void Connection::receive() {
  const ssize_t got = recv(fd_, home_.received.data(), home_.received.size(), MSG_DONTWAIT);
  if (got > 0) {
    // A short read has emptied the socket (epoll(7)); what comes later makes a new event.
    readable_ = static_cast<std::size_t>(got) == home_.received.size() || hung_up_;
    if (state_ == State::kLingering) return;
    if (input_.capacity() < kSmall && !home_.buffers.empty()) {
      input_ = std::move(home_.buffers.back());
      home_.buffers.pop_back();
    }
    input_.erase(0, at_);
    at_ = 0;
    input_.append(home_.received.data(), static_cast<std::size_t>(got));
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    ended_ = true;
  } else if (errno == EAGAIN) {
    readable_ = false;
  }
}

void Connection::release_input() noexcept {
  at_ = looked_at_ = 0;
  input_.clear();
  if (input_.capacity() >= kSmall && input_.capacity() <= PerLoop::kLargestPooled &&
      home_.buffers.size() < PerLoop::kMostPooled) {
    home_.buffers.push_back(std::move(input_));
  }
  input_ = std::string();
}

/// Looks whether a whole request is there. True: the state changed; false: more bytes are needed.
bool Connection::take_request() {
  if (state_ == State::kBody) return take_body();
  const std::string_view bytes = pending();
  if (bytes.empty()) {
    release_input();
    return false;
  }
  if (state_ == State::kHead && bytes.size() < looked_at_ + kParseStep &&
      bytes.find('\n', looked_at_) == std::string_view::npos) {
    return false;
  }
  if (head_ == nullptr) {
    if (home_.heads.empty()) home_.heads.push_back(std::make_unique<Head>());
    head_ = std::move(home_.heads.back());
    home_.heads.pop_back();
  }
  Refusal refusal;
  const Parse parsed = parse_head(bytes, shared_.options.limits, *head_, refusal);
  if (parsed == Parse::kRefused) {
    refuse(refusal);
    return true;
  }
  if (parsed == Parse::kMore) {
    home_.heads.push_back(std::move(head_));
    looked_at_ = bytes.size();
    if (state_ == State::kIdle) {
      state_ = State::kHead;
      expire_in(shared_.options.limits.header_time);
    }
    return false;
  }
  body_at_ = head_->size;
  size_ = head_->size + static_cast<std::size_t>(head_->content_length);
  if (!head_->chunked && bytes.size() >= size_) {
    hand_over();
    return true;
  }
  state_ = State::kBody;
  expire_in(shared_.options.limits.body_time);
  if (!admit_body()) return true;
  if (head_->chunked) chunked_ = std::make_unique<ChunkedDecoder>(shared_.options.limits.body);
  if (head_->expect_continue && bytes.size() == head_->size) {
    // All answers before it were taken, so there is room; unsent is legal (RFC 9110, 10.1.1), half
    // sent is not.
    const ssize_t sent =
        ::send(fd_, kContinue.data(), kContinue.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0 && static_cast<std::size_t>(sent) != kContinue.size()) ended_ = true;
  }
  return take_body();
}

/// Whether there is room for a body of which only a part has come. One that is not to be had is
/// refused before more of it is read; a chunked one does not say how long it will be.
bool Connection::admit_body() {
  const std::size_t wanted = head_->chunked ? 1 : size_ - body_at_;
  if (shared_.held.load(std::memory_order_relaxed) + wanted <= shared_.options.limits.bodies) {
    return true;
  }
  home_.bodies_refused.add();
  refuse(kNoRoom);
  return false;
}

/// Counts what has come of the body. What counts is what is there, not what was announced: else a
/// few clients that announce much and send nothing would keep all others out. False: it is refused.
bool Connection::hold(std::size_t bytes) {
  const std::size_t more = bytes - held_;
  if (more == 0) return true;
  held_ = bytes;
  const std::size_t before = shared_.held.fetch_add(more, std::memory_order_relaxed);
  if (before + more <= shared_.options.limits.bodies) return true;
  home_.bodies_refused.add();
  refuse(kNoRoom);
  return false;
}

void Connection::let_go() noexcept {
  if (held_ != 0) shared_.held.fetch_sub(held_, std::memory_order_relaxed);
  held_ = 0;
}

bool Connection::take_body() {
  if (chunked_ != nullptr) {
    std::size_t used = 0;
    Refusal refusal;
    const Parse parsed = chunked_->feed(pending().substr(body_at_), used, refusal);
    input_.erase(at_ + body_at_, used);
    if (parsed == Parse::kRefused) {
      refuse(refusal);
      return true;
    }
    if (!hold(chunked_->body().size())) return true;
    if (parsed == Parse::kMore) return false;
    size_ = body_at_;
  } else {
    if (!hold(std::min(pending().size(), size_) - body_at_)) return true;
    if (pending().size() < size_) return false;
  }
  // The head's views point to where the buffer was before it grew. The verdict is known.
  Refusal none;
  parse_head(pending(), shared_.options.limits, *head_, none);
  hand_over();
  return true;
}

}  // namespace cleave::http
