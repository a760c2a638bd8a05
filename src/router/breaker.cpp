#include "router/breaker.hpp"

#include <algorithm>

namespace cleave::router {
namespace {

constexpr std::uint64_t kField = (1U << 20) - 1;  // a million calls a second is never reached

std::uint64_t second_of(io::TimePoint now) noexcept {
  return static_cast<std::uint64_t>(
             std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count()) &
         ((1U << 24) - 1);
}

}  // namespace

std::optional<Breaker::Permit> Breaker::admit(io::TimePoint now) {
  const Permit era = era_.load(std::memory_order_acquire);
  const State state = state_.load(std::memory_order_acquire);
  if (state == State::kClosed) [[likely]]
    return era;
  if (state == State::kOpen && open_for(now).count() > 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (state_ == State::kClosed) return era_;
  if (state_ == State::kOpen) {
    if (open_for(now).count() > 0) return std::nullopt;
    state_ = State::kHalfOpen;
    ++era_;
    probes_ = good_ = 0;
  }
  if (probes_ >= kProbes) return std::nullopt;
  ++probes_;
  return era_;
}

std::optional<Breaker::State> Breaker::record(Permit permit, Result result, io::TimePoint now) {
  if (state() == State::kClosed) {
    if (permit != era_.load(std::memory_order_acquire) || result == Result::kNothing) return {};
    count(result, now);
    if (result == Result::kGood || !fails(now)) return {};
  }
  const std::lock_guard lock(mutex_);
  if (permit != era_) return {};
  if (state_ == State::kClosed) return fails(now) ? std::optional(open(now)) : std::nullopt;
  if (result == Result::kFailed) {
    period_ = std::min(period_ * 2, kLongest);
    return open(now);
  }
  if (result == Result::kNothing) {
    --probes_;  // somebody else may find out
    return {};
  }
  return ++good_ == kProbes ? std::optional(close()) : std::nullopt;
}

io::Millis Breaker::open_for(io::TimePoint now) const noexcept {
  if (state() != State::kOpen) return io::Millis(0);
  const io::Clock::duration left =
      io::Clock::duration(until_.load(std::memory_order_acquire)) - now.time_since_epoch();
  return std::max(std::chrono::ceil<io::Millis>(left), io::Millis(0));
}

void Breaker::count(Result result, io::TimePoint now) noexcept {
  const std::uint64_t second = second_of(now);
  std::atomic<std::uint64_t>& bucket = buckets_[second % kBuckets];
  const std::uint64_t one = 1 + (result == Result::kFailed ? std::uint64_t{1} << 20 : 0);
  std::uint64_t old = bucket.load(std::memory_order_relaxed);
  std::uint64_t sum;
  do {
    sum = (old >> 40 == second ? old : second << 40) + one;
  } while (!bucket.compare_exchange_weak(old, sum, std::memory_order_relaxed));
}

bool Breaker::fails(io::TimePoint now) const noexcept {
  const std::uint64_t second = second_of(now);
  std::uint64_t calls = 0, failed = 0;
  for (const std::atomic<std::uint64_t>& bucket : buckets_) {
    const std::uint64_t word = bucket.load(std::memory_order_relaxed);
    if (((second - (word >> 40)) & ((1U << 24) - 1)) >= kBuckets) continue;
    calls += word & kField;
    failed += word >> 20 & kField;
  }
  return calls >= kLeastCalls && failed * 2 >= calls;
}

Breaker::State Breaker::open(io::TimePoint now) {
  random_ ^= random_ << 13;  // xorshift64 (Marsaglia, 2003)
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  const auto percent = static_cast<std::int64_t>(80 + random_ % 41);
  until_ = (now + period_ * percent / 100).time_since_epoch().count();
  state_ = State::kOpen;
  ++era_;
  return State::kOpen;
}

Breaker::State Breaker::close() {
  for (std::atomic<std::uint64_t>& bucket : buckets_) bucket = 0;
  period_ = kFirst;
  state_ = State::kClosed;
  ++era_;
  return State::kClosed;
}

}  // namespace cleave::router
