// Loop: one thread, one epoll, many fibers.
//
// Each turn: posted work, some of the ready fibers, epoll. When no fiber is ready any more, the
// hooks send what the fibers batched. So statements that fibers issue side by side leave in one
// packet, and a busy loop makes bigger batches instead of longer queues.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/fiber.hpp"
#include "io/timer.hpp"

struct epoll_event;  // <sys/epoll.h>

namespace cleave::io {

/// Told when its descriptor may be read or written. Runs on the loop, not on a fiber: must not
/// wait.
class FdHandler {
 public:
  virtual ~FdHandler() = default;
  virtual void on_ready(std::uint32_t epoll_events) = 0;
};

/// Runs once, soon after it was asked for: where batches are sent.
class Hook {
 public:
  /// kBatch: when no fiber is ready any more and a look at the descriptors brings none, as each may
  /// add to the batch; after a few turns at the latest. For what costs less the more go together.
  /// kTurn: at the end of the turn. For what takes long however few go together, such as a commit:
  /// those that come meanwhile are the next batch.
  enum class When { kBatch, kTurn };
  explicit Hook(When when = When::kBatch) noexcept : when_(when) {}
  virtual ~Hook() = default;
  /// On the loop, not on a fiber: must not wait.
  virtual void send_batch() = 0;

 private:
  friend class Loop;
  When when_;
  bool queued_ = false;
};

class Loop {
 public:
  /// `index` numbers the loops of a process from 0; per-loop resources are found by it.
  explicit Loop(unsigned index = 0);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  /// The loop that runs on this thread; null elsewhere.
  static Loop* current() noexcept;
  unsigned index() const noexcept { return index_; }

  /// Runs until stop(), and then until no fiber is left or its grace has passed. False: fibers were
  /// left (their stacks are then kept, not unwound). [the loop's thread]
  bool run();
  void stop(Millis grace = Millis(10000));  // [any thread]
  void post(std::function<void()> work);    // runs on the loop's own stack [any thread]

  // Everything below: on the loop's thread.

  /// Starts `task` on a pooled fiber in this turn. An exception that leaves it ends the process.
  void spawn(std::function<void()> task);
  /// Queues a suspended fiber to be resumed in this turn.
  void make_ready(Fiber& fiber) noexcept;

  /// Registers a descriptor; `events` as epoll_ctl(2), EPOLLET welcome. False: errno says why.
  bool add(int fd, std::uint32_t events, FdHandler& handler) noexcept;
  bool modify(int fd, std::uint32_t events, FdHandler& handler) noexcept;
  /// After this the handler is not called again, not even for events already fetched.
  void remove(int fd, FdHandler& handler) noexcept;

  /// Runs the hook once, at the time it names. Asked again before that, still once.
  void batch(Hook& hook);
  void forget(Hook& hook) noexcept;

  TimerWheel& timers() noexcept { return timers_; }
  /// The time at the start of this turn: cheap, good for deadlines, not for measuring.
  TimePoint now() const noexcept { return now_; }
  std::size_t fibers() const noexcept { return live_; }

  // For the watchdog, from any thread: what runs now (empty: the loop sleeps or runs no fiber)
  // and a number that changes with each resume.
  std::string running_label() const;
  std::uint64_t resumes() const noexcept { return resumes_.load(std::memory_order_relaxed); }

 private:
  friend class Fiber;
  static constexpr std::size_t kEvents = 64;
  static constexpr std::size_t kWarm = 64;   // idle fibers that are kept for good
  static constexpr std::size_t kReap = 128;  // most that one reap() ends, so that it stays short
  static constexpr Millis kReapEvery{50};

  struct Reaper final : Timer {
    explicit Reaper(Loop& of) : loop(of) {}
    void on_timer() override { loop.reap(); }
    Loop& loop;
  };

  void recycle(Fiber& fiber) noexcept;  // from Fiber::main
  void reap();
  void run_posted();
  void run_ready();
  void run_hooks();
  void poll(int timeout_ms);
  void wake() noexcept;

  unsigned index_;
  int epoll_;
  int event_fd_;
  TimePoint now_;
  TimerWheel timers_;
  std::vector<Hook*> hooks_;
  int postponed_ = 0;    // turns that batches have waited
  bool looked_ = false;  // at the descriptors, since the last fiber ran

  Fiber* ready_head_ = nullptr;
  Fiber* ready_tail_ = nullptr;
  std::size_t ready_count_ = 0;
  Fiber* free_ = nullptr;
  std::size_t free_count_ = 0;
  std::size_t spare_ = 0;  // fewest idle fibers since the last reap(): nobody needed those
  Reaper reaper_{*this};
  std::size_t live_ = 0;
  std::vector<std::unique_ptr<Fiber, void (*)(Fiber*)>> fibers_;

  ::epoll_event* events_;  // of the batch at hand
  int event_count_ = 0;
  int event_at_ = 0;

  mutable std::mutex look_mutex_;  // of who looks at running_ from another thread, and of reap()
  std::atomic<Fiber*> running_{nullptr};
  std::atomic<std::uint64_t> resumes_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<Millis> grace_{Millis(0)};
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
  std::atomic<bool> has_posted_{false};
};

}  // namespace cleave::io
