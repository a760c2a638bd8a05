#include "http/remote_endpoint.hpp"

#include <algorithm>
#include <utility>

#include "cleave/problem.hpp"
#include "http/internal_wire.hpp"
#include "observe/log.hpp"

namespace cleave::http {
namespace {

using Outcome = RemoteEndpoint::Outcome;

// What the caller needs to say its own answer.
constexpr io::Millis kMargin{10};
constexpr io::Millis kLogPause{1000};

constexpr std::string_view kOutcomeNames[] = {"answered", "unavailable", "busy",  "late",
                                              "bad",      "refused",     "absent"};

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

/// The span "user.http" of the timeline, for as long as it lives.
class Span {
 public:
  explicit Span(router::CallContext& context)
      : timeline_(context.scope.timeline),
        index_(timeline_.open(context.target->name, observe::SpanKind::kRemote, context.span)) {}
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
  ~Span() { timeline_.close(index_); }

 private:
  observe::Timeline& timeline_;
  std::uint8_t index_;
};

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

RemoteEndpoint::RemoteEndpoint(RemoteOptions options)
    : options_(std::move(options)),
      address_(RemoteAddress::parse(options_.url)),
      names_(address_) {}

RemoteEndpoint::~RemoteEndpoint() {
  for (auto& loop : loops_) delete loop.load(std::memory_order_acquire);
}

RemoteEndpoint::PerLoop& RemoteEndpoint::here() {
  auto& slot = loops_[io::Loop::current()->index()];
  PerLoop* found = slot.load(std::memory_order_relaxed);  // only this loop writes it
  if (found == nullptr) {
    found = new PerLoop(names_, options_.pool);
    slot.store(found, std::memory_order_release);
  }
  return *found;
}

void RemoteEndpoint::call(const Request& request, router::CallContext& context,
                          Response& response) {
  const Span span(context);
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
    response = Problem(500, "malformed-call", "A service asked another one for nothing valid.")
                   .response(scope.id());
    return;
  }
  const io::TimePoint deadline =
      std::min(scope.deadline - kMargin, io::Clock::now() + options_.timeout);
  RemoteAnswer answer(options_.body, request.method == "HEAD");
  const char* why = "";
  const Outcome outcome = ask(remote, scope.trace.child(), deadline, answer, why);
  here().outcomes[static_cast<std::size_t>(outcome)].add();
  tell(outcome, why);
  if (outcome != Outcome::kAnswered) return problem(outcome, scope.id(), response);
  response = std::move(answer.response());
  std::erase_if(response.headers, [](const Header& one) { return is_internal(one.name); });
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
    const std::string bytes =
        request.text(address_, options_.token, trace, std::max(left, io::Millis(0)));
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
  return judge(answer, why);
}

/// Who speaks: the module, the host in front of it, or somebody else.
RemoteEndpoint::Outcome RemoteEndpoint::judge(RemoteAnswer& answer, const char*& why) const {
  const Response& response = answer.response();
  const int status = response.status;
  if (response.header(kModuleHeader) == options_.module) {
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
      return Outcome::kUnavailable;
    default:
      why = "another program answers at its address";
      return Outcome::kBad;
  }
}

/// One line when it changes, and not more than one a second.
void RemoteEndpoint::tell(Outcome outcome, const char* why) {
  if (told_.load(std::memory_order_relaxed) == outcome) return;
  const auto now = io::Clock::now().time_since_epoch();
  const io::Clock::duration last{told_at_.load(std::memory_order_relaxed)};
  if (last.count() != 0 && now - last < kLogPause) return;
  told_at_.store(now.count(), std::memory_order_relaxed);
  if (told_.exchange(outcome) == outcome) return;  // another loop was faster
  if (outcome == Outcome::kAnswered) {
    log::info("http", "a peer answers again", {{"peer", options_.module}, {"url", options_.url}});
    return;
  }
  const std::string place = "peer " + options_.module + " at " + options_.url;
  if (outcome == Outcome::kAbsent) {
    log::error("http", place + " answers, but does not run " + options_.module +
                           "; correct the URL, or give that host a service token");
  } else if (outcome == Outcome::kRefused) {
    log::error("http", place + " " + why);
  } else {
    log::warn("http", place + " does not answer as it should", {{"why", why}});
  }
}

void RemoteEndpoint::problem(Outcome outcome, std::string_view id, Response& response) const {
  switch (outcome) {
    case Outcome::kLate:
      response =
          Problem(504, "deadline-exceeded", "Another service did not answer in time.").response(id);
      return;
    case Outcome::kBad:
      response =
          Problem(502, "bad-peer-answer", "Another service gave an answer that makes no sense.")
              .response(id);
      return;
    default:
      response = Problem(503, "peer-unavailable", "Another service cannot be asked now.")
                     .retry_after(1)
                     .response(id);
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
  if (outcome == Outcome::kUnavailable || outcome == Outcome::kBusy || outcome == Outcome::kLate) {
    return Finding::kNoAnswer;
  }
  tell(outcome, why);
  return outcome == Outcome::kAnswered ? Finding::kRuns : Finding::kOther;
}

void RemoteEndpoint::close() {
  here().pool.close();
}

void RemoteEndpoint::collect(observe::Scrape& scrape) const {
  for (const auto& slot : loops_) {
    const PerLoop* loop = slot.load(std::memory_order_acquire);
    if (loop == nullptr) continue;
    for (std::size_t i = 0; i < kOutcomes; ++i) {
      scrape.counter("cleave_peer_calls_total", "Calls to modules in other processes, by outcome.",
                     {{"peer", options_.module}, {"outcome", kOutcomeNames[i]}},
                     static_cast<double>(loop->outcomes[i].value()));
    }
    scrape.counter("cleave_peer_repeats_total", "Calls repeated for a connection that was closed.",
                   {{"peer", options_.module}}, static_cast<double>(loop->repeated.value()));
    scrape.counter("cleave_peer_connections_total", "Connections opened to other processes.",
                   {{"peer", options_.module}}, static_cast<double>(loop->pool.opened.value()));
  }
}

}  // namespace cleave::http
