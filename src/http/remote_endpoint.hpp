// RemoteEndpoint: the last hop to a module in another process, over HTTP (internal_wire.hpp).
//
// A client of our own over the door's strict framing, not cpp-httplib's:
// docs/decisions/0010-remote-client.md says why.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/identity.hpp"
#include "http/remote_address.hpp"
#include "http/remote_answer.hpp"
#include "http/remote_pool.hpp"
#include "http/remote_request.hpp"
#include "router/breaker.hpp"
#include "router/router.hpp"

namespace cleave::http {

/// Of the time that a request has left: what its caller needs to say its own answer.
inline constexpr io::Millis kAnswerMargin{10};

struct RemoteOptions {
  std::string module;  // "user"
  std::string url;     // as RemoteAddress::parse takes it
  std::string token;   // the shared service token
  io::Millis timeout{800};
  std::size_t body = 1024 * 1024;  // of an answer
  RemotePool::Limits pool = {};    // a loop
};

class RemoteEndpoint final : public router::Endpoint {
 public:
  /// Throws std::invalid_argument for a URL that makes no sense. Connects to nobody.
  explicit RemoteEndpoint(RemoteOptions options);
  ~RemoteEndpoint() override;

  /// Asks within min(what the request has left - 10 ms, timeout). The answer is the module's own,
  /// or a problem: 503 "peer-unavailable" with Retry-After when the peer cannot be reached, refuses
  /// us, or does not run the module; 504 "deadline-exceeded" when none came in time; 502
  /// "bad-peer-answer" for one that is cut, malformed, too large, a redirect or of another program.
  /// A peer that mostly fails is not asked for a while: 503 at once, with the time that is left in
  /// Retry-After (router/breaker.hpp). Failures: no connection, no answer in the time that a call
  /// may take, no sense in it, a 5xx other than 503. Nothing is asked twice, except on a kept
  /// connection that the peer turns out to have closed: GET and HEAD then, and any method of which
  /// no byte had left. GETs and HEADs that are made together travel together (remote_batch.hpp).
  /// [fiber, concurrent]
  void call(const Request& request, router::CallContext& context, Response& response) override;
  /// Always: whether the peer is up is for each call to find out.
  bool ready() const noexcept override { return true; }
  bool passes_on() const noexcept override { return true; }

  /// Asks whether the module runs there, as `caller`. Nothing: no answer at all. [fiber]
  enum class Finding { kRuns, kNoAnswer, kOther };
  Finding look(std::string_view caller);

  /// Asks who the module there is. Without an identity, `why` says so for people: "nobody answers
  /// there (cannot connect)". Logs nothing. [fiber]
  struct Inquiry {
    std::optional<Identity> identity;
    std::string why;
  };
  Inquiry inquire(io::Millis time);

  /// Ends the connections of the running loop. No call may be in hand. [fiber on each loop, before
  /// the end]
  void close();
  void collect(observe::Scrape& scrape) const;
  router::Breaker::State breaker_state() const noexcept { return breaker_.state(); }
  const RemoteAddress& address() const noexcept { return address_; }

  enum class Outcome : std::uint8_t {
    kAnswered,
    kUnavailable,
    kBusy,
    kLate,
    kBad,
    kRefused,
    kAbsent,
    kShed,  // its host turned the call away, as it does when there are too many
    kOpen   // not asked: the breaker is open
  };
  static constexpr std::size_t kOutcomes = 9;

  /// Who speaks in a whole answer: `module`, the host in front of it, or somebody else. `why` is
  /// set when it is not kAnswered or kAbsent.
  static Outcome judge(const Response& response, std::string_view module, const char*& why);

 private:
  class Batch;
  struct PerLoop {
    explicit PerLoop(RemoteEndpoint& owner);
    ~PerLoop();
    RemotePool pool;
    std::unique_ptr<Batch> batch;
    std::array<observe::Counter, kOutcomes> outcomes;
    observe::Counter repeated, batched;
  };

  /// Gives a connection back, or ends it, when it goes.
  class Lease;
  class Admission;

  PerLoop& here();
  Outcome ask_together(const RemoteRequest& request, const observe::TraceContext& trace,
                       io::TimePoint deadline, RemoteAnswer& answer, const char*& why);
  Outcome ask(const RemoteRequest& request, const observe::TraceContext& trace,
              io::TimePoint deadline, RemoteAnswer& answer, const char*& why);
  Outcome exchange(Lease& lease, std::string_view bytes, io::TimePoint deadline,
                   RemoteAnswer& answer, std::size_t& sent, const char*& why);
  void tell(Outcome outcome, const char* why);
  void tell(router::Breaker::State state) const;
  void problem(Outcome outcome, std::string_view id, Response& response) const;

  RemoteOptions options_;
  RemoteAddress address_;
  RemoteNames names_;
  router::Breaker breaker_;
  std::array<std::atomic<PerLoop*>, router::Target::kLoops> loops_ = {};
  std::atomic<Outcome> told_{Outcome::kAnswered};  // the last state in the log
  std::atomic<io::Clock::rep> told_at_{0};
};

}  // namespace cleave::http
