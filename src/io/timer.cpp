#include "io/timer.hpp"

#include <algorithm>

namespace cleave::io {

void Timer::cancel() noexcept {
  if (next_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  next_ = previous_ = nullptr;
}

TimerWheel::TimerWheel(TimePoint start) : start_(start) {
  for (Slot& slot : slots_) slot.next_ = slot.previous_ = &slot;
}

TimerWheel::~TimerWheel() {
  for (Slot& slot : slots_) {
    while (slot.next_ != &slot) slot.next_->cancel();
    slot.next_ = slot.previous_ = nullptr;
  }
}

std::int64_t TimerWheel::tick_of(TimePoint when) const noexcept {
  // Rounded up: a timer never fires early.
  return std::chrono::ceil<Millis>(when - start_).count();
}

void TimerWheel::arm(Timer& timer, TimePoint when) noexcept {
  timer.cancel();
  timer.tick_ = std::max(tick_of(when), now_ + 1);
  Slot& slot = slots_[static_cast<std::size_t>(timer.tick_ % kSlots)];
  timer.previous_ = slot.previous_;
  timer.next_ = &slot;
  slot.previous_->next_ = &timer;
  slot.previous_ = &timer;
}

void TimerWheel::advance(TimePoint now) {
  const std::int64_t target = std::chrono::floor<Millis>(now - start_).count();
  // After a long pause one turn of the wheel visits every slot, and due timers go by their tick.
  const std::int64_t from = std::max(now_ + 1, target - kSlots + 1);
  for (std::int64_t tick = from; tick <= target; ++tick) {
    now_ = tick;
    Slot& slot = slots_[static_cast<std::size_t>(tick % kSlots)];
    // A firing timer may arm or cancel any other; restarting at the head keeps that safe. What it
    // arms lands on a later tick, so this ends.
    Timer* timer = slot.next_;
    while (timer != &slot) {
      if (timer->tick_ > target) {
        timer = timer->next_;
        continue;
      }
      timer->cancel();
      timer->on_timer();
      timer = slot.next_;
    }
  }
  now_ = std::max(now_, target);
}

int TimerWheel::sleep_ms(TimePoint now) const noexcept {
  for (std::int64_t i = 1; i <= kSlots; ++i) {
    const Slot& slot = slots_[static_cast<std::size_t>((now_ + i) % kSlots)];
    if (slot.next_ == &slot) continue;
    // Some timer lives in this slot: this turn's or a later one's. Waking for a later turn's costs
    // one wake-up a second and saves a sorted structure.
    const TimePoint due = start_ + Millis(now_ + i);
    const auto left = std::chrono::ceil<Millis>(due - now).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
  }
  return -1;
}

}  // namespace cleave::io
