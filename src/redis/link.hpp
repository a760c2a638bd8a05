// Link: one pipelined connection to Redis on one loop, over hiredis in its non-blocking form.
//
//              connect            handshake done
//   kDown ---------------> kOpening ------------> kUp
//     ^   backoff, timer      |                    |
//     +-----------------------+--------------------+   error, or no answer within the timeout
//
// Commands of one turn leave in one write at its end. Only an up link takes commands: that is the
// circuit breaker. A dead or hung server costs its callers one timeout; from then on they are
// refused at once, until a handshake (a probe that the link makes on its own) has succeeded.
#pragma once

#include <hiredis/hiredis.h>

#include <array>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/resolver.hpp"
#include "io/wait.hpp"
#include "observe/metrics.hpp"
#include "redis/address.hpp"

namespace cleave::redis {

struct ReplyFree {
  void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, ReplyFree>;  // null: none came

using Command = std::initializer_list<std::string_view>;

/// Why Redis did not do it.
enum class Trouble {
  kTimeout,
  kConnection,
  kProtocol,
  kOom,
  kLoading,
  kReadOnly,
  kWrongType,
  kNoPerm,
  kNoAuth,
  kGarbage,
  kOther
};
inline constexpr std::array<std::string_view, 11> kTroubleNames = {
    "timeout",   "connection", "protocol", "oom",     "loading", "readonly",
    "wrongtype", "noperm",     "noauth",   "garbage", "other"};

/// One writer: the loop's thread.
using Troubles = std::array<observe::Counter, kTroubleNames.size()>;

/// Used on its loop only. Closed before it is destroyed.
class Link final : public io::FdHandler, public io::Hook {
 public:
  using Done = std::function<void(Reply)>;  // on the loop, not on a fiber: must not wait

  struct Setup {
    const Address* address;
    io::Resolver* resolver;
    io::Millis timeout;
    Troubles* troubles;                             // outlives the link
    std::function<void(Link&)> opened;              // sends more of a handshake; must call ready()
    std::function<void()> up, down;                 // either may be empty
    std::function<bool(const redisReply&)> pushed;  // sees each reply first; true: took it
  };
  explicit Link(Setup setup);
  ~Link() override;

  void open();   // begins to connect, and again after each loss
  void close();  // for good; whoever waits gets a null reply

  bool up() const noexcept { return state_ == State::kUp; }
  /// Waits for the very first attempt to end. True: up.
  bool wait_first(io::TimePoint deadline);

  /// One command; null when the link is down, lost, or the deadline passed. [fiber]
  Reply ask(Command command, io::TimePoint deadline);
  /// The same without waiting: `done` gets the reply, or null, maybe before send() returns.
  void send(Command command, Done done);
  /// From `opened`: the handshake is complete.
  void ready();
  /// Gives the connection up and tries again after the backoff.
  void lose(Trouble trouble, std::string_view why);

  void count(Trouble trouble) noexcept {
    (*setup_.troubles)[static_cast<std::size_t>(trouble)].add();
  }
  /// Counts an error reply by kind; true when it is one.
  bool is_error(const Reply& reply) noexcept;

 private:
  enum class State { kDown, kOpening, kUp, kClosed };
  struct Alarm final : io::Timer {
    explicit Alarm(Link& owner) : link(owner) {}
    void on_timer() override { link.on_alarm(); }
    Link& link;
  };

  void on_ready(std::uint32_t events) override;
  void send_batch() override;
  void on_alarm();
  void connect();
  static std::optional<Trouble> trouble_of(const Reply& reply) noexcept;
  void greet();
  void greeted(Reply reply);
  void append(Command command, Done done);
  void read();
  void deliver();
  void watch(std::uint32_t events);
  void drop();
  void end_first();

  Setup setup_;
  io::Loop& loop_;
  State state_ = State::kDown;
  redisContext* context_ = nullptr;
  std::uint32_t watched_ = 0;
  bool connected_ = false;    // the socket; before that nothing may be written
  bool ever_ = false;         // the first attempt has ended
  bool told_ = false;         // its loss is in the log
  int greetings_ = 0;         // handshake replies still to come
  std::deque<Done> waiting_;  // in the order of their commands
  std::size_t sent_ = 0;      // how many of them Redis can know of
  io::TimePoint progress_;    // since when the oldest of them waits
  io::TimePoint up_since_;
  io::Millis backoff_{0};
  Alarm alarm_;  // down: when to try again; else: when the oldest has waited too long
  std::vector<io::Waiter*> first_;
};

}  // namespace cleave::redis
