// The two kinds of job that a connection gives to the exchange: a request for the handler, and a
// refusal by the door itself.
#pragma once

#include <functional>
#include <string_view>

#include "http/exchange.hpp"
#include "http/framing.hpp"
#include "http/server.hpp"

namespace cleave::http {

/// Makes the request and its scope from what the door read, and runs the handler. `limit`: the time
/// that it has unless it asks for less.
class ServingJob : public Job {
 public:
  /// All of it must outlive the job.
  ServingJob(const Head& head, std::string_view body, const Handler& handler, io::Millis limit);
  void produce(Response& response) override;

 private:
  const Head& head_;
  std::string_view body_;
  const Handler& handler_;
};

/// A problem, and "Connection: close".
class RefusalJob final : public Job {
 public:
  using Send = std::function<void(std::string_view head, std::string_view body)>;
  RefusalJob(const Refusal& refusal, Send send);
  void produce(Response& response) override;
  std::string_view connection() noexcept override { return "close"; }
  void send(std::string_view head, std::string_view body) noexcept override { send_(head, body); }

 private:
  const Refusal& refusal_;
  Send send_;
};

}  // namespace cleave::http
