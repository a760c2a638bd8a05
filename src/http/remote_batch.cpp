#include "http/remote_batch.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "http/batch_wire.hpp"
#include "http/internal_wire.hpp"

namespace cleave::http {

bool RemoteEndpoint::Batch::ask(Call& call) {
  if (loop_.now() < resumes_) return false;
  waiting_.push_back(&call);
  call.list = &waiting_;
  loop_.batch(*this);
  if (!call.waiter.wait(call.deadline)) {
    std::replace(call.list->begin(), call.list->end(), &call, static_cast<Call*>(nullptr));
    return true;
  }
  return call.answered;
}

void RemoteEndpoint::Batch::close() {
  while (in_flight_ > 0) ended_.wait(io::Clock::now() + kPatience);
  loop_.forget(*this);
}

void RemoteEndpoint::Batch::send_batch() {
  std::erase(waiting_, nullptr);
  if (waiting_.empty()) return;
  if (in_flight_ > 0 && loop_.now() < sent_ + kQuick) return;  // its end asks for this again
  if (holds()) return;
  const std::size_t count = std::min(waiting_.size(), kLargestBatch);
  const auto last = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  const auto calls = std::make_shared<std::vector<Call*>>(waiting_.begin(), last);
  waiting_.erase(waiting_.begin(), last);
  if (count == 1) return alone(*calls);
  // From here on: a caller that is late may run before the batch's fiber does.
  for (Call* const call : *calls) call->list = calls.get();
  ++in_flight_;
  sent_ = loop_.now();
  try {
    loop_.spawn([this, calls] {
      run(*calls);
      --in_flight_;
      ended_.wake();
      if (!waiting_.empty()) loop_.batch(*this);
    });
  } catch (const std::bad_alloc&) {  // no stack is to be had, and each of the callers has one
    --in_flight_;
    alone(*calls);
  }
}

/// Whether few wait compared with the last two batches, and more may come in a moment.
bool RemoteEndpoint::Batch::holds() {
  const std::size_t usual = last_ + before_last_;  // of two
  if (!hold_.over && usual >= kWorthHolding && waiting_.size() * 3 < usual) {
    if (!hold_.armed()) loop_.timers().arm(hold_, io::Clock::now() + kHold);
    return true;
  }
  hold_.cancel();
  hold_.over = false;
  before_last_ = std::exchange(last_, waiting_.size());
  return false;
}

void RemoteEndpoint::Batch::Hold::on_timer() {
  over = true;
  batch.send_batch();
}

void RemoteEndpoint::Batch::run(std::vector<Call*>& calls) {
  std::erase(calls, nullptr);  // later ones stay: the answers are in order
  if (calls.empty()) return;
  const io::TimePoint now = io::Clock::now();
  io::TimePoint deadline = now;
  std::string text, part;
  text.reserve(calls.size() * 512);
  for (Call* const call : calls) {
    const auto left = std::chrono::duration_cast<io::Millis>(call->deadline - now);
    part.clear();
    call->request.append_to(part, owner_.address_, owner_.options_.token, call->trace,
                            std::max(left, io::Millis(0)));
    append_part(text, part);
    deadline = std::max(deadline, call->deadline);
  }
  const cleave_header type{raw("Content-Type"), raw(kBatchType)};
  const RemoteRequest request{.module = owner_.options_.module,
                              .caller = kOutside,  // each call says its own
                              .method = "POST",
                              .path = {},
                              .query = {},
                              .body = text,
                              .headers = {&type, 1}};
  RemoteAnswer answer(owner_.options_.body, false);
  const char* why = "";
  const io::TimePoint patience = std::min(deadline, now + kPatience);
  const Outcome outcome = owner_.ask(request, observe::TraceContext::make(), patience, answer, why);
  switch (outcome) {
    case Outcome::kAnswered:
      return deal(calls, answer.response().body);
    case Outcome::kUnavailable:
    case Outcome::kBusy:
    case Outcome::kShed:
      for (Call* const call : calls) Batch::answer(call, outcome, why);
      return;
    default:  // each hears for itself what there is to hear
      if (outcome != Outcome::kLate || patience < deadline) pause();
      return alone(calls);
  }
}

void RemoteEndpoint::Batch::deal(const std::vector<Call*>& calls, std::string_view parts) {
  std::vector<Call*> left;
  for (Call* const call : calls) {
    std::string_view part;
    const bool there = take_part(parts, part);
    if (call == nullptr) continue;
    if (!there || part.empty()) {
      if (!there) pause();  // it does not know batches
      left.push_back(call);
    } else if (call->answer.feed(part) != Parse::kComplete || !call->answer.reusable()) {
      answer(call, Outcome::kBad, "an answer in its batch is malformed");
    } else {
      owner_.here().batched.add();
      const char* why = "";
      const Outcome outcome = judge(call->answer.response(), owner_.options_.module, why);
      answer(call, outcome, why);
    }
  }
  if (left.empty()) pause_ = kShortestPause;
  alone(left);
}

void RemoteEndpoint::Batch::answer(Call* call, Outcome outcome, const char* why) {
  if (call == nullptr) return;
  call->outcome = outcome;
  call->why = why;
  call->answered = true;
  call->waiter.wake();
}

void RemoteEndpoint::Batch::alone(const std::vector<Call*>& calls) {
  for (Call* const call : calls) {
    if (call != nullptr) call->waiter.wake();
  }
}

void RemoteEndpoint::Batch::pause() {
  if (loop_.now() < resumes_) return;  // another batch of the same time
  resumes_ = loop_.now() + pause_;
  pause_ = std::min(pause_ * 2, kLongestPause);
}

}  // namespace cleave::http
