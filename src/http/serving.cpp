#include "http/serving.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "cleave/problem.hpp"

namespace cleave::http {
namespace {

/// The limit, or what X-Cleave-Deadline-Ms leaves of it: a caller may shorten, never lengthen. A
/// header that is no number says nothing.
io::Millis time_for(const Head& head, io::Millis limit) noexcept {
  const std::string_view text = head.deadline;
  std::uint32_t asked = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), asked);
  if (error != std::errc() || end != text.data() + text.size()) return limit;
  return std::min(limit, io::Millis(asked));
}

}  // namespace

ServingJob::ServingJob(const Head& head, std::string_view body, const Handler& handler,
                       io::Millis limit)
    : head_(head), body_(body), handler_(handler) {
  method = head.method;
  scope.set_id(head.header("X-Request-Id"));
  scope.trace = observe::TraceContext::from(head.header("traceparent"));
  scope.deadline = io::Loop::current()->now() + time_for(head, limit);
}

void ServingJob::produce(Response& response) {
  if (head_.path == "*") {  // OPTIONS *, RFC 9110, 9.3.7
    response.status = 204;
    response.set("Allow", kAllMethods);
    return;
  }
  // No module sees TRACE or CONNECT: what is allowed there is what an OPTIONS is told.
  const std::string_view asked = head_.unserved ? "OPTIONS" : method;
  const Request request{.method = asked == "HEAD" ? "GET" : asked,
                        .path = head_.path,
                        .query = head_.query,
                        .body = body_,
                        .headers = head_.headers,
                        .request_id = scope.id()};
  handler_(request, scope, response);
  if (!head_.unserved || response.status >= 400) return;
  const std::string allow(response.header("Allow"));
  response = Problem(405, "method-not-allowed", "This method is not served here.")
                 .with("Allow", allow.empty() ? kAllMethods : std::string_view(allow))
                 .response(scope.id());
}

RefusalJob::RefusalJob(const Refusal& refusal, Send send)
    : refusal_(refusal), send_(std::move(send)) {
  scope.set_id({});
  scope.trace = observe::TraceContext::make();
  scope.deadline = io::Clock::now();
}

void RefusalJob::produce(Response& response) {
  Problem problem(refusal_.status, refusal_.slug, refusal_.title);
  if (refusal_.status == 405) problem = std::move(problem).with("Allow", kAllMethods);
  if (refusal_.status == 503) problem = std::move(problem).retry_after(1);
  response = problem.response(scope.id());
}

}  // namespace cleave::http
