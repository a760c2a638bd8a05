#include "io/wait.hpp"

#include <sys/epoll.h>

#include <cassert>
#include <new>

namespace cleave::io {

bool Waiter::wait(TimePoint deadline) {
  if (!woken_) {
    fiber_ = Fiber::current();
    loop_ = Loop::current();
    assert(fiber_ != nullptr && "only a fiber may wait");
    if (deadline != TimePoint::max()) loop_->timers().arm(*this, deadline);
    fiber_->suspend();
    cancel();
    fiber_ = nullptr;
    queued_ = false;
  }
  const bool woken = woken_;
  woken_ = false;
  return woken;
}

void Waiter::wake() noexcept {
  if (woken_) return;
  woken_ = true;
  if (fiber_ == nullptr || queued_) return;  // nobody waits yet, or the deadline came first
  cancel();
  queued_ = true;
  loop_->make_ready(*fiber_);
}

void Waiter::on_timer() {
  queued_ = true;
  loop_->make_ready(*fiber_);
}

namespace {
struct OneShot final : FdHandler {
  Waiter waiter;
  void on_ready(std::uint32_t) override { waiter.wake(); }
};
}  // namespace

bool wait_fd(int fd, std::uint32_t events, TimePoint deadline) {
  OneShot shot;
  Loop& loop = *Loop::current();
  if (!loop.add(fd, events | EPOLLONESHOT, shot)) {
    sleep_for(Millis(1));  // the caller's I/O will say why; should it not, nobody spins
    return Clock::now() < deadline;
  }
  const bool ready = shot.waiter.wait(deadline);
  loop.remove(fd, shot);
  return ready;
}

void sleep_until(TimePoint when) {
  Waiter().wait(when);
}

void gather(std::span<const std::function<void()>> tasks) {
  Loop& loop = *Loop::current();
  Fiber& parent = *Fiber::current();
  std::size_t left = tasks.size();
  if (left == 0) return;
  Waiter done;
  const std::string label = parent.label.text();
  for (const auto& task : tasks) {
    const auto run = [&] {
      task();
      if (--left == 0) done.wake();
    };
    try {
      loop.spawn([&, run] {
        Fiber::current()->context = parent.context;
        Fiber::current()->label.set(label);
        run();
      });
    } catch (const std::bad_alloc&) {
      run();  // no stack is left: here, then; those already begun lean on this frame
    }
  }
  done.wait(TimePoint::max());  // each task has deadlines of its own
}

}  // namespace cleave::io
