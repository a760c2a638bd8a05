// Batch: calls to one module of another host that wait together, as one request (batch_wire.hpp).
#pragma once

#include <vector>

#include "http/remote_endpoint.hpp"
#include "io/loop.hpp"
#include "io/wait.hpp"

namespace cleave::http {

/// One a loop; used there only. What waits when no fiber is ready any more goes together, or alone
/// when it is one call. While a batch is on its way more gather, unless it takes longer than
/// kQuick.
///
/// A batch that is small as batches go now is held for company, kHold at most. Else the answers of
/// a large one bring their callers back in a trickle, the first of whom would leave at once, and
/// large and small batches would alternate ever after, like buses in a row
/// (docs/decisions/0025-small-batches-wait.md).
///
/// In a batch nobody sees another's answer or error, but all wait for the slowest. So a batch has
/// kPatience: then each of its calls is made alone, and for a while no batch is sent. The same when
/// the peer does not know batches.
class RemoteEndpoint::Batch final : io::Hook {
 public:
  explicit Batch(RemoteEndpoint& owner) : owner_(owner), loop_(*io::Loop::current()) {}
  ~Batch() override = default;  // after close()

  /// On the stack of who asks. `answer`, `outcome` and `why` are set when ask() returns true.
  struct Call {
    const RemoteRequest& request;  // GET or HEAD, without a body
    const observe::TraceContext& trace;
    io::TimePoint deadline;
    RemoteAnswer& answer;
    Outcome outcome = Outcome::kLate;
    const char* why = "no answer in time";
    io::Waiter waiter = {};
    bool answered = false;
    std::vector<Call*>* list = nullptr;  // where it is found
  };
  /// False: the call is to be made alone, in the time that is left. [fiber]
  bool ask(Call& call);
  /// Waits for batches on their way. [fiber]
  void close();

 private:
  static constexpr io::Millis kQuick{5}, kPatience{100};
  static constexpr io::Millis kHold{1};
  static constexpr std::size_t kWorthHolding = 8;  // calls in two batches: below that little is won
  static constexpr io::Millis kShortestPause{1000}, kLongestPause{60000};

  struct Hold final : io::Timer {
    explicit Hold(Batch& of) : batch(of) {}
    void on_timer() override;
    Batch& batch;
    bool over = false;  // it has been long enough
  };

  void send_batch() override;
  bool holds();
  void run(std::vector<Call*>& calls);
  void deal(const std::vector<Call*>& calls, std::string_view parts);
  static void answer(Call* call, Outcome outcome, const char* why);
  static void alone(const std::vector<Call*>& calls);
  void pause();

  RemoteEndpoint& owner_;
  io::Loop& loop_;
  std::vector<Call*> waiting_;              // a null gave up
  std::size_t last_ = 0, before_last_ = 0;  // how many the batches had
  Hold hold_{*this};
  int in_flight_ = 0;
  io::Waiter ended_;
  io::TimePoint sent_, resumes_;
  io::Millis pause_ = kShortestPause;
};

}  // namespace cleave::http
