// Exchange: one request's way through cpp-httplib, which runs the hooks and formats the answer.
//
// The door has read and judged the request already. httplib sees neither its path nor a header nor
// a body: it would decode %0d%0a inside header values (CVE-2026-45372), honour Range, compress for
// Accept-Encoding, and read bodies by rules of its own. Handlers get what the door parsed. Of the
// answer, httplib writes the status line, the length and the body.
#pragma once

#include <memory>
#include <string_view>

#include "cleave/message.hpp"
#include "router/context.hpp"

namespace cleave::http {

/// What one answer needs from its connection. Lives on the caller's stack during Exchange::run.
class Job {
 public:
  /// As in the request line; a HEAD is answered without its body.
  std::string_view method = "GET";
  router::RequestScope scope;
  int status = 500;  // of the answer, once produced

  /// Makes the answer; may wait when run() was called on a fiber. An exception becomes a 500.
  virtual void produce(Response& response) = 0;
  /// Asked after produce(): whether the connection stays, and what to say of it.
  virtual std::string_view connection() noexcept = 0;  // "close", "keep-alive" or ""
  /// The whole answer, once. `body` is empty for a HEAD.
  virtual void send(std::string_view head, std::string_view body) noexcept = 0;

 protected:
  ~Job() = default;
};

/// Stateless after construction: any number of jobs at once, on any thread.
class Exchange {
 public:
  Exchange();
  ~Exchange();
  /// Returns after job.send(). Never throws.
  void run(Job& job) const noexcept;

 private:
  class Httplib;
  std::unique_ptr<Httplib> httplib_;
};

}  // namespace cleave::http
