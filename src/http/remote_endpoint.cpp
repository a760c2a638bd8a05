#include "http/remote_endpoint.hpp"

#include <algorithm>
#include <utility>

#include "http/internal_wire.hpp"
#include "http/remote_batch.hpp"
#include "http/remote_span.hpp"
#include "observe/log.hpp"
#include "router/peer_problem.hpp"

namespace cleave::http {
namespace {

using Outcome = RemoteEndpoint::Outcome;

Outcome outcome_of(RemotePool::Refused refused) noexcept {
  switch (refused) {
    case RemotePool::Refused::kUnreachable:
      return Outcome::kUnavailable;
    case RemotePool::Refused::kLate:
      return Outcome::kLate;
    case RemotePool::Refused::kBusy:
      break;
  }
  return Outcome::kBusy;
}

const char* why_of(RemotePool::Refused refused) noexcept {
  switch (refused) {
    case RemotePool::Refused::kUnreachable:
      return "cannot connect";
    case RemotePool::Refused::kLate:
      return "no connection to it came free in time";
    case RemotePool::Refused::kBusy:
      break;
  }
  return "too many calls wait for a connection to it";
}

}  // namespace

class RemoteEndpoint::Lease {
 public:
  Lease(RemotePool& pool, std::unique_ptr<RemoteConnection> connection)
      : pool_(pool), connection_(std::move(connection)), kept_(connection_->used) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    if (!reusable_) connection_.reset();
    pool_.give_back(std::move(connection_));
  }
  RemoteConnection& connection() noexcept { return *connection_; }
  /// Had carried a request before this one.
  bool kept() const noexcept { return kept_; }
  void reusable(bool is) noexcept { reusable_ = is; }

 private:
  RemotePool& pool_;
  std::unique_ptr<RemoteConnection> connection_;
  bool kept_;
  bool reusable_ = false;
};

/// The breaker's leave to ask. Whatever way the call ends, the breaker hears of it once: a probe
/// that was never heard of again would keep it half-open for good.
class RemoteEndpoint::Admission {
 public:
  explicit Admission(RemoteEndpoint& owner)
      : owner_(owner), permit_(owner.breaker_.admit(io::Clock::now())) {}
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;
  ~Admission() {
    if (!permit_) return;
    const auto change = owner_.breaker_.record(*permit_, result_, io::Clock::now());
    if (change) owner_.tell(*change);
  }
  explicit operator bool() const noexcept { return permit_.has_value(); }
  /// `hurried`: the caller had less time than a call may take, so that being late, there or here,
  /// is not the peer's doing.
  void ended(Outcome outcome, int status, bool hurried) noexcept {
    using Result = router::Breaker::Result;
    const bool late = outcome == Outcome::kLate || status == 504;
    const bool failed = outcome == Outcome::kUnavailable || outcome == Outcome::kBad || late ||
                        (status >= 500 && status != 503);
    const bool answered = outcome == Outcome::kAnswered || outcome == Outcome::kShed;
    if (failed) {
      result_ = late && hurried ? Result::kNothing : Result::kFailed;
    } else if (answered) {
      result_ = Result::kGood;
    }
  }

 private:
  RemoteEndpoint& owner_;
  std::optional<router::Breaker::Permit> permit_;
  router::Breaker::Result result_ = router::Breaker::Result::kNothing;
};

RemoteEndpoint::RemoteEndpoint(RemoteOptions options)
    : options_(std::move(options)),
      address_(RemoteAddress::parse(options_.url)),
      names_(address_),
      breaker_(static_cast<std::uint64_t>(io::Clock::now().time_since_epoch().count())) {}

RemoteEndpoint::~RemoteEndpoint() {
  for (auto& loop : loops_) delete loop.load(std::memory_order_acquire);
}

RemoteEndpoint::PerLoop::PerLoop(RemoteEndpoint& owner)
    : pool(owner.names_, owner.options_.pool), batch(std::make_unique<Batch>(owner)) {}

RemoteEndpoint::PerLoop::~PerLoop() = default;

RemoteEndpoint::PerLoop& RemoteEndpoint::here() {
  auto& slot = loops_[io::Loop::current()->index()];
  PerLoop* found = slot.load(std::memory_order_relaxed);  // only this loop writes it
  if (found == nullptr) {
    found = new PerLoop(*this);
    slot.store(found, std::memory_order_release);
  }
  return *found;
}

void RemoteEndpoint::call(const Request& request, router::CallContext& context,
                          Response& response) {
  const RemoteSpan span(context);
  const router::RequestScope& scope = context.scope;
  const RemoteRequest remote{.module = options_.module,
                             .caller = context.caller.empty() ? kOutside : context.caller,
                             .method = request.method,
                             .path = request.path,
                             .query = request.query,
                             .body = request.body,
                             .headers = request.headers,
                             .id = scope.id(),
                             .depth = context.depth};
  if (!remote.sound() || remote.path.empty()) {
    log::error("http", "a module asked another one with a malformed method or path",
               {{"caller", std::string(context.caller)}, {"callee", options_.module}});
    response = router::malformed_call().response(scope.id());
    return;
  }
  Admission admission(*this);
  if (!admission) {
    here().outcomes[static_cast<std::size_t>(Outcome::kOpen)].add();
    return problem(Outcome::kOpen, scope.id(), response);
  }
  const io::TimePoint longest = io::Clock::now() + options_.timeout;
  const io::TimePoint deadline = std::min(scope.deadline - kAnswerMargin, longest);
  RemoteAnswer answer(options_.body, request.method == "HEAD");
  const char* why = "";
  const Outcome outcome = ask_together(remote, scope.trace.child(), deadline, answer, why);
  here().outcomes[static_cast<std::size_t>(outcome)].add();
  tell(outcome, why);
  admission.ended(outcome, answer.response().status, deadline < longest);
  if (outcome != Outcome::kAnswered) return problem(outcome, scope.id(), response);
  response = std::move(answer.response());
  std::erase_if(response.headers, [](const Header& one) { return is_internal(one.name); });
}

RemoteEndpoint::Outcome RemoteEndpoint::ask_together(const RemoteRequest& request,
                                                     const observe::TraceContext& trace,
                                                     io::TimePoint deadline, RemoteAnswer& answer,
                                                     const char*& why) {
  if (request.repeatable() && request.body.empty()) {
    Batch::Call call{request, trace, deadline, answer};
    if (here().batch->ask(call)) {
      why = call.why;
      return call.outcome;
    }
  }
  return ask(request, trace, deadline, answer, why);
}

RemoteEndpoint::Outcome RemoteEndpoint::ask(const RemoteRequest& request,
                                            const observe::TraceContext& trace,
                                            io::TimePoint deadline, RemoteAnswer& answer,
                                            const char*& why) {
  PerLoop& loop = here();
  for (bool again = false;; again = true) {
    if (io::Clock::now() >= deadline) {
      why = "no time was left to ask";
      return Outcome::kLate;
    }
    RemotePool::Refused refused;
    auto connection = loop.pool.take(again, deadline, refused);
    if (connection == nullptr) {
      why = why_of(refused);
      return outcome_of(refused);
    }
    Lease lease(loop.pool, std::move(connection));
    const auto left = std::chrono::duration_cast<io::Millis>(deadline - io::Clock::now());
    std::string bytes;
    request.append_to(bytes, address_, options_.token, trace, std::max(left, io::Millis(0)));
    std::size_t sent = 0;
    const Outcome outcome = exchange(lease, bytes, deadline, answer, sent, why);
    // A kept connection may have been closed while the request was on its way: the peer has then
    // seen nothing of it, or, as far as we know, has worked on it.
    const bool stale = outcome == Outcome::kBad && lease.kept() && !answer.begun();
    if (!stale || again || (sent > 0 && !request.repeatable())) return outcome;
    loop.repeated.add();
  }
}

RemoteEndpoint::Outcome RemoteEndpoint::exchange(Lease& lease, std::string_view bytes,
                                                 io::TimePoint deadline, RemoteAnswer& answer,
                                                 std::size_t& sent, const char*& why) {
  using Result = RemoteConnection::Result;
  RemoteConnection& connection = lease.connection();
  Result result = connection.send(bytes, sent, deadline);
  Parse step = Parse::kMore;
  while (result == Result::kDone && step == Parse::kMore) {
    std::string_view received;
    result = connection.receive(received, deadline);
    if (result == Result::kDone) step = answer.feed(received);
  }
  if (result == Result::kLate) {
    why = "no answer in time";
    return Outcome::kLate;
  }
  if (result == Result::kClosed) {
    why = answer.begun() ? "its answer was cut" : "it closed the connection without an answer";
    return Outcome::kBad;
  }
  if (step == Parse::kRefused) {
    why = answer.why();
    return Outcome::kBad;
  }
  lease.reusable(answer.reusable());
  return judge(answer.response(), options_.module, why);
}

RemoteEndpoint::Outcome RemoteEndpoint::judge(const Response& response, std::string_view module,
                                              const char*& why) {
  const int status = response.status;
  if (response.header(kModuleHeader) == module) {
    if (status < 300 || status == 304 || status >= 400) return Outcome::kAnswered;
    why = "it redirects, and calls do not follow";
    return Outcome::kBad;
  }
  switch (status) {
    case 401:
      why = "does not accept our service token; give both hosts the same CLEAVE_SERVICE_TOKEN";
      return Outcome::kRefused;
    case 403:
      why = "does not know that the caller depends on it; install the same modules in both places";
      return Outcome::kRefused;
    case 404:
      return Outcome::kAbsent;
    case 503:
      why = "turns calls away";
      return Outcome::kShed;
    default:
      why = "another program answers at its address";
      return Outcome::kBad;
  }
}

RemoteEndpoint::Finding RemoteEndpoint::look(std::string_view caller) {
  const RemoteRequest request{.module = options_.module,
                              .caller = caller,
                              .method = "GET",
                              .path = {},
                              .query = {},
                              .body = {}};
  RemoteAnswer answer(options_.body, false);
  const char* why = "";
  const Outcome outcome =
      ask(request, observe::TraceContext::make(), io::Clock::now() + options_.timeout, answer, why);
  if (outcome == Outcome::kUnavailable || outcome == Outcome::kBusy || outcome == Outcome::kLate ||
      outcome == Outcome::kShed) {
    return Finding::kNoAnswer;
  }
  tell(outcome, why);
  return outcome == Outcome::kAnswered ? Finding::kRuns : Finding::kOther;
}

void RemoteEndpoint::close() {
  here().batch->close();
  here().pool.close();
}

}  // namespace cleave::http
