// How a connection takes bytes in: until one whole request is there, or a refusal is due.
#include <sys/socket.h>

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

bool Connection::take_body() {
  if (chunked_ != nullptr) {
    std::size_t used = 0;
    Refusal refusal;
    const Parse parsed = chunked_->feed(pending().substr(body_at_), used, refusal);
    input_.erase(at_ + body_at_, used);
    if (parsed == Parse::kMore) return false;
    if (parsed == Parse::kRefused) {
      refuse(refusal);
      return true;
    }
    size_ = body_at_;
  } else if (pending().size() < size_) {
    return false;
  }
  // The head's views point to where the buffer was before it grew. The verdict is known.
  Refusal none;
  parse_head(pending(), shared_.options.limits, *head_, none);
  hand_over();
  return true;
}

}  // namespace cleave::http
