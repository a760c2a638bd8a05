#include "http/remote_question.hpp"

#include <algorithm>
#include <utility>

namespace cleave::http {
namespace {

bool names(const Response& response, std::string_view id) {
  if (response.body.find(id) != std::string::npos) return true;
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [id](const Header& one) { return one.value.find(id) != std::string::npos; });
}

}  // namespace

RemoteEndpoint::Question::~Question() {
  sent();
  for (Joined* one : joined_) one->waiter.wake();
}

void RemoteEndpoint::Question::answered(const Response& response) {
  if (names(response, request_.id)) return;
  for (Joined* one : joined_) one->response = response;
}

std::optional<Response> RemoteEndpoint::Question::join(io::TimePoint deadline) {
  Joined me;
  joined_.push_back(&me);
  // Woken: the question is gone.
  if (!me.waiter.wait(deadline)) std::erase(joined_, &me);
  return std::move(me.response);
}

RemoteEndpoint::Outcome RemoteEndpoint::ask_together(const RemoteRequest& request,
                                                     const observe::TraceContext& trace,
                                                     io::TimePoint deadline, RemoteAnswer& answer,
                                                     const char*& why) {
  PerLoop& loop = here();
  // Where a connection is to be had, calls run side by side.
  if (!request.repeatable() || !request.body.empty() || loop.pool.has_room()) {
    return ask(request, trace, deadline, answer, why);
  }
  const auto same = std::find_if(loop.open.begin(), loop.open.end(),
                                 [&](const Question* one) { return one->is(request); });
  if (same == loop.open.end()) {
    Question question(loop.open, request);
    const Outcome outcome = ask(request, trace, deadline, answer, why, &question);
    if (outcome == Outcome::kAnswered) question.answered(answer.response());
    return outcome;
  }
  if (auto response = (*same)->join(deadline)) {
    loop.shared.add();
    answer.response() = std::move(*response);
    return Outcome::kAnswered;
  }
  // Alone, not together again: otherwise those that waited together would go one after the other.
  return ask(request, trace, deadline, answer, why);
}

}  // namespace cleave::http
