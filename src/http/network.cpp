#include "http/network.hpp"

#include <algorithm>
#include <utility>

#include "http/internal.hpp"
#include "http/internal_wire.hpp"
#include "http/remote_endpoint.hpp"
#include "http/remote_request.hpp"
#include "http/remote_span.hpp"
#include "http/serving.hpp"
#include "io/wait.hpp"
#include "observe/log.hpp"
#include "router/peer_problem.hpp"

namespace cleave::http {
namespace {

/// The running fiber's context while it plays the callee's host.
class Visit {
 public:
  explicit Visit(router::CallContext& inner)
      : fiber_(*io::Fiber::current()), outer_(std::exchange(fiber_.context, &inner)) {}
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() { fiber_.context = outer_; }

 private:
  io::Fiber& fiber_;
  void* outer_;
};

/// Gives the answer's bytes to their reader.
class CopyJob final : public ServingJob {
 public:
  CopyJob(const Head& head, std::string_view body, const Options& options, RemoteAnswer& answer)
      : ServingJob(head, body, options.handler, options.limits.request_time), answer_(answer) {}
  std::string_view connection() noexcept override { return ""; }
  void send(std::string_view head, std::string_view body) noexcept override {
    read_ = answer_.feed(head);
    if (read_ == Parse::kMore) read_ = answer_.feed(body);
  }
  Parse read() const noexcept { return read_; }

 private:
  RemoteAnswer& answer_;
  Parse read_ = Parse::kMore;
};

/// False, at once: it would not arrive before `limit`.
bool travel(io::Clock::duration time, io::TimePoint limit) {
  const io::TimePoint arrival = io::Clock::now() + time;
  if (arrival > limit) return false;
  if (time > io::Clock::duration(0)) io::sleep_until(arrival);
  return true;
}

void tell(const router::CallContext& context, std::string_view why) {
  log::warn("http", "a call would not survive a wire",
            {{"caller", std::string(context.caller)},
             {"callee", context.target->name},
             {"why", std::string(why)}});
}

/// The callee's host, as internal.cpp is it: the module sees what arrived, and the call is part of
/// a request with a scope of its own.
Handler serve(router::Endpoint& endpoint, const router::CallContext& context) {
  return [&](const Request& arrived, router::RequestScope& scope, Response& response) {
    const std::string& module = context.target->name;
    const std::vector<cleave_header> headers = end_to_end(arrived.headers);
    Request inner = arrived;
    inner.path = arrived.path.substr(kInternalPath.size() + module.size());
    inner.headers = headers;
    router::CallContext there{.scope = scope,
                              .target = context.target,
                              .caller = context.caller,
                              .request = &inner,
                              .depth = context.depth};
    const Visit visit(there);
    endpoint.call(inner, there, response);
    std::erase_if(response.headers, [](const Header& one) { return is_internal(one.name); });
    response.set(kModuleHeader, module);
  };
}

std::string text_of(const std::vector<router::NetRule>& rules) {
  std::string text;
  for (const router::NetRule& rule : rules) text += (text.empty() ? "" : " ") + rule.text;
  return text;
}

RemoteRequest on_the_wire(const Request& request, const router::CallContext& context) {
  return {.module = context.target->name,
          .caller = context.caller,
          .method = request.method,
          .path = request.path,
          .query = request.query,
          .body = request.body,
          .headers = request.headers,
          .id = context.scope.id(),
          .depth = context.depth};
}

}  // namespace

Network::Network(NetworkOptions options)
    : options_(std::move(options)),
      faults_(options_.rules, options_.seed),
      address_(RemoteAddress::parse("unix:/")) {
  if (options_.rules.empty()) {
    log::info("http", "calls between modules here are copied as on a wire");
    return;
  }
  log::warn("http", "calls here meet the faults of a played network; not for production",
            {{"net", text_of(options_.rules)}, {"seed", std::to_string(options_.seed)}});
}

void Network::call(router::Endpoint& endpoint, const Request& request, router::CallContext& context,
                   Response& response) {
  using Fate = router::NetFaults::Fate;
  if (endpoint.passes_on()) return endpoint.call(request, context, response);
  const bool outside = context.caller.empty();
  const Fate fate = faults_.next(context.caller, context.target->name);
  if (outside && fate == Fate{}) return endpoint.call(request, context, response);
  const RemoteSpan span(context);
  const io::Millis most = outside ? options_.limits.request_time : options_.peer_timeout;
  const io::TimePoint limit =
      std::min(context.scope.deadline - kAnswerMargin, io::Clock::now() + most);
  const auto late = [&] {
    io::sleep_until(limit);
    response = router::peer_late().response(context.scope.id());
  };
  if (fate.request_lost || !travel(fate.before, limit)) return late();
  deliver(endpoint, request, context, limit, response);
  if (fate.twice) {
    Response dropped;
    deliver(endpoint, request, context, limit, dropped);
  }
  if (fate.answer_lost || !travel(fate.after, limit)) late();
}

void Network::deliver(router::Endpoint& endpoint, const Request& request,
                      router::CallContext& context, io::TimePoint limit, Response& response) const {
  if (context.caller.empty()) return endpoint.call(request, context, response);
  const std::string_view module = context.target->name;
  const RemoteRequest remote = on_the_wire(request, context);
  if (!remote.sound() || remote.path.empty()) {
    tell(context, "its method or path is malformed");
    response = router::malformed_call().response(context.scope.id());
    return;
  }
  const auto left = std::chrono::duration_cast<io::Millis>(limit - io::Clock::now());
  std::string bytes;
  remote.append_to(bytes, address_, options_.token, context.scope.trace.child(),
                   std::max(left, io::Millis(0)));
  const auto spoilt = [&](const char* why) {
    tell(context, why);
    response = router::bad_peer_answer().response(context.scope.id());
  };
  Head head;
  Refusal refusal;
  if (parse_head(bytes, options_.limits, head, refusal) != Parse::kComplete) {
    return spoilt(refusal.title);
  }
  const Options there{.limits = options_.limits, .handler = serve(endpoint, context)};
  RemoteAnswer answer(RemoteOptions{}.body, request.method == "HEAD");
  CopyJob job(head, std::string_view(bytes).substr(head.size), there, answer);
  exchange(job);
  const char* why = answer.why();
  if (job.read() != Parse::kComplete ||
      RemoteEndpoint::judge(answer.response(), module, why) != RemoteEndpoint::Outcome::kAnswered) {
    return spoilt(why);
  }
  response = std::move(answer.response());
  std::erase_if(response.headers, [](const Header& one) { return is_internal(one.name); });
}

}  // namespace cleave::http
