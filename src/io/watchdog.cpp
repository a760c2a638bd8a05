#include "io/watchdog.hpp"

namespace cleave::io {

Watchdog::Watchdog(std::vector<const Loop*> loops, Report report, Millis limit)
    : loops_(std::move(loops)),
      report_(std::move(report)),
      limit_(limit),
      thread_([this] { watch(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Watchdog::watch() {
  struct Seen {
    std::uint64_t resumes = 0;
    TimePoint since;
    bool told = false;
  };
  std::vector<Seen> seen(loops_.size());
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, limit_ / 4, [this] { return quit_; })) {
    const TimePoint now = Clock::now();
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      const std::string label = loops_[i]->running_label();
      const std::uint64_t resumes = loops_[i]->resumes();
      if (label.empty() || resumes != seen[i].resumes) {
        seen[i] = {resumes, now, false};
        continue;
      }
      const auto held = std::chrono::duration_cast<Millis>(now - seen[i].since);
      if (held < limit_ || seen[i].told) continue;
      seen[i].told = true;
      report_(label, held);
    }
  }
}

}  // namespace cleave::io
