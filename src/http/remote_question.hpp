// Question: a call that waits for a connection, and the identical calls that wait for its answer.
#pragma once

#include <optional>
#include <vector>

#include "http/remote_endpoint.hpp"
#include "io/wait.hpp"

namespace cleave::http {

/// Only one that has not been sent yet can be joined, so its answer is made after all of them had
/// begun, as if each had been asked alone. Once it is on its way it may be answered from before a
/// later caller's own write. Lives on the stack of who asks; used on its loop only.
class RemoteEndpoint::Question {
 public:
  /// Is found in `open` from now on, until it is sent. Both outlive this.
  Question(std::vector<Question*>& open, const RemoteRequest& request)
      : open_(open), request_(request) {
    open_.push_back(this);
  }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;
  /// Those that still wait have no answer from here.
  ~Question();

  bool is(const RemoteRequest& request) const noexcept { return request_.same_as(request); }
  /// From now on nobody joins.
  void sent() noexcept { std::erase(open_, this); }
  /// For all that wait, each a copy, unless it speaks of who asked: a problem names its request.
  void answered(const Response& response);

  /// Nothing: no answer that can be shared, and `deadline` may have passed. [fiber]
  std::optional<Response> join(io::TimePoint deadline);

 private:
  struct Joined {
    io::Waiter waiter;
    std::optional<Response> response;
  };
  std::vector<Question*>& open_;
  const RemoteRequest& request_;
  std::vector<Joined*> joined_;
};

}  // namespace cleave::http
