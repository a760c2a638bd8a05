#include "io/loop.hpp"

#include <malloc.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace cleave::io {
namespace {
thread_local Loop* current_loop = nullptr;

// Fibers that run between two looks at the descriptors. What came meanwhile then joins the batch of
// those still to run. Measured with 32 connections, paired, against no limit: 8 were as good, 32
// had half the gain, and a limit without Hook::When cost orders a fifth.
constexpr std::size_t kFibersATurn = 16;
// Turns that a batch waits for fibers that might add to it.
constexpr int kPatience = 8;
}  // namespace

Loop::Loop(unsigned index)
    : index_(index),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      event_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      now_(Clock::now()),
      timers_(now_),
      events_(new epoll_event[kEvents]) {
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;  // null: the wake-up descriptor
  if (epoll_ < 0 || event_fd_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, event_fd_, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make an event loop");
  }
}

Loop::~Loop() {
  // Ending idle fibers needs "current" for their last switch only; fibers still suspended in a
  // task are leaked on purpose: unwinding them would run code over objects that are gone.
  for (auto& fiber : fibers_) {
    if (fiber->task_) fiber.release();
  }
  fibers_.clear();
  delete[] events_;
  close(event_fd_);
  close(epoll_);
}

Loop* Loop::current() noexcept {
  return current_loop;
}

bool Loop::run() {
  current_loop = this;
  TimePoint give_up = TimePoint::max();
  for (;;) {
    run_posted();
    run_ready();
    run_hooks();
    if (stopping_.load(std::memory_order_acquire)) {
      if (live_ == 0 || now_ >= give_up) break;
      if (give_up == TimePoint::max()) give_up = Clock::now() + grace_.load();
    }
    // Work that this thread posted to itself woke nobody, so look before sleeping.
    const bool busy = ready_head_ != nullptr || !hooks_.empty() || has_posted_.load();
    int timeout = busy ? 0 : timers_.sleep_ms(Clock::now());
    if (give_up != TimePoint::max()) timeout = timeout < 0 ? 50 : std::min(timeout, 50);
    poll(timeout);
  }
  current_loop = nullptr;
  return live_ == 0;
}

void Loop::stop(Millis grace) {
  grace_.store(grace);
  stopping_.store(true, std::memory_order_release);
  wake();
}

void Loop::wake() noexcept {
  const std::uint64_t one = 1;
  // The only failure is a full counter, and then the loop is awake already.
  [[maybe_unused]] const auto written = write(event_fd_, &one, sizeof one);
}

void Loop::post(std::function<void()> work) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(work));
  }
  if (!has_posted_.exchange(true, std::memory_order_acq_rel) && current_loop != this) wake();
}

void Loop::run_posted() {
  if (!has_posted_.exchange(false, std::memory_order_acq_rel)) return;
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(posted_mutex_);
    work.swap(posted_);
  }
  for (auto& one : work) one();
}

void Loop::spawn(std::function<void()> task) {
  Fiber* fiber = free_;
  if (fiber != nullptr) {
    free_ = fiber->next_;
    spare_ = std::min(spare_, --free_count_);
  } else {
    fibers_.emplace_back(new Fiber(*this), [](Fiber* one) { delete one; });
    fiber = fibers_.back().get();
  }
  ++live_;
  fiber->task_ = std::move(task);
  make_ready(*fiber);
}

void Loop::recycle(Fiber& fiber) noexcept {
  --live_;
  fiber.next_ = free_;
  free_ = &fiber;
  if (++free_count_ <= kWarm || reaper_.armed()) return;
  spare_ = free_count_;
  timers_.arm(reaper_, now_ + kReapEvery);
}

/// After a burst: ends the fibers that nobody needed for a while, so that their stacks go back to
/// the kernel. The list is last in, first out, so they are its tail.
void Loop::reap() {
  const std::size_t ends = std::min({spare_, free_count_ - std::min(free_count_, kWarm), kReap});
  spare_ = free_count_ -= ends;
  if (free_count_ > kWarm) timers_.arm(reaper_, now_ + kReapEvery);
  if (ends == 0) return;
  // At the end of a burst, and never in the midst of steady work: what it had on the heap goes,
  // too (malloc_trim(3)).
  if (free_count_ == kWarm) malloc_trim(0);
  Fiber** tail = &free_;
  for (std::size_t kept = 0; kept < free_count_; ++kept) tail = &(*tail)->next_;
  for (Fiber* fiber = std::exchange(*tail, nullptr); fiber != nullptr; fiber = fiber->next_) {
    fiber->ends_ = true;
  }
  const std::lock_guard lock(look_mutex_);
  std::erase_if(fibers_, [](const auto& fiber) { return fiber->ends_; });
}

void Loop::make_ready(Fiber& fiber) noexcept {
  fiber.next_ = nullptr;
  ++ready_count_;
  if (ready_tail_ != nullptr) {
    ready_tail_->next_ = &fiber;
  } else {
    ready_head_ = &fiber;
  }
  ready_tail_ = &fiber;
}

void Loop::run_ready() {
  // Only what is ready now: fibers that make each other ready must not starve the descriptors.
  // Half of them when they are many: each that waits here has a stack that leaves the caches.
  Fiber* const last = ready_tail_;
  looked_ = looked_ && last == nullptr;
  const std::size_t most = std::max(kFibersATurn, ready_count_ / 2);
  for (std::size_t ran = 0; ready_head_ != nullptr && ran < most; ++ran) {
    --ready_count_;
    Fiber* const fiber = ready_head_;
    ready_head_ = fiber->next_;
    if (ready_head_ == nullptr) ready_tail_ = nullptr;
    running_.store(fiber, std::memory_order_release);
    resumes_.store(resumes_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    fiber->resume();
    running_.store(nullptr, std::memory_order_relaxed);
    if (fiber == last) break;
  }
}

void Loop::batch(Hook& hook) {
  if (hook.queued_) return;
  hook.queued_ = true;
  hooks_.push_back(&hook);
}

void Loop::forget(Hook& hook) noexcept {
  if (!hook.queued_) return;
  hook.queued_ = false;
  std::replace(hooks_.begin(), hooks_.end(), &hook, static_cast<Hook*>(nullptr));
}

void Loop::run_hooks() {
  if (hooks_.empty()) return;
  // No fiber is ready, and the look before this turn found none: nobody comes to join a batch.
  const bool quiet = ready_head_ == nullptr;
  const bool all = (quiet && looked_) || ++postponed_ >= kPatience;
  looked_ = quiet;
  if (all) postponed_ = 0;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < hooks_.size(); ++i) {  // a hook may queue another
    Hook* const hook = hooks_[i];
    if (hook == nullptr) continue;
    if (!all && hook->when_ == Hook::When::kBatch) {
      hooks_[kept++] = hook;
      continue;
    }
    hook->queued_ = false;
    hook->send_batch();
  }
  hooks_.resize(kept);
}

bool Loop::add(int fd, std::uint32_t events, FdHandler& handler) noexcept {
  epoll_event event = {};
  event.events = events;
  event.data.ptr = &handler;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool Loop::modify(int fd, std::uint32_t events, FdHandler& handler) noexcept {
  epoll_event event = {};
  event.events = events;
  event.data.ptr = &handler;
  return epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0;
}

void Loop::remove(int fd, FdHandler& handler) noexcept {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  for (int i = event_at_; i < event_count_; ++i) {
    if (events_[i].data.ptr == &handler) events_[i].events = 0;
  }
}

void Loop::poll(int timeout_ms) {
  const int count = epoll_wait(epoll_, events_, kEvents, timeout_ms);
  now_ = Clock::now();
  event_count_ = std::max(count, 0);
  for (event_at_ = 0; event_at_ < event_count_;) {
    const epoll_event event = events_[event_at_++];
    if (event.events == 0) continue;
    if (event.data.ptr == nullptr) {
      std::uint64_t ignored;
      [[maybe_unused]] const auto got = read(event_fd_, &ignored, sizeof ignored);
      continue;
    }
    static_cast<FdHandler*>(event.data.ptr)->on_ready(event.events);
  }
  event_count_ = 0;
  timers_.advance(now_);
}

std::string Loop::running_label() const {
  // No fiber goes away while it is looked at; none runs while reap() has this.
  const std::lock_guard lock(look_mutex_);
  const Fiber* const fiber = running_.load(std::memory_order_acquire);
  return fiber != nullptr ? fiber->label.text() : std::string();
}

}  // namespace cleave::io
