#include "supervise/guarded.hpp"

#include "observe/log.hpp"

namespace cleave::supervise {

Guarded::Guarded(std::string module, ChildOptions child)
    : module_(std::move(module)), options_(std::move(child)) {}

Guarded::~Guarded() {
  stop();
}

void Guarded::start() {
  quarantined_ = false;
  child_ = std::make_unique<Child>(options_);
  pid_ = child_->pid();
}

bool Guarded::tend() {
  if (child_ == nullptr || child_->running()) return false;
  const std::string how = describe_end(child_->stop(0, std::chrono::milliseconds(0)));
  const pid_t ended = pid_.exchange(-1);
  child_.reset();
  const Clock::time_point now = Clock::now();
  crashes_.push_back(now);
  while (now - crashes_.front() > kWindow) crashes_.pop_front();
  if (crashes_.size() >= kCrashes) {
    quarantined_ = true;
    crashes_.clear();
    log::error("guard",
               "module " + module_ +
                   " crashed three times within a minute and is quarantined: its "
                   "routes answer 503; mend it, then `cleave move " +
                   module_ + " guarded`",
               {{"ended", how}});
    return false;
  }
  try {
    start();
  } catch (const std::runtime_error& error) {
    quarantined_ = true;
    log::error("guard", "module " + module_ + " cannot be started again: its routes answer 503",
               {{"why", error.what()}});
    return false;
  }
  log::warn(
      "guard", "the process of module " + module_ + " ended; started again",
      {{"ended", how}, {"pid", std::to_string(ended)}, {"new_pid", std::to_string(pid_.load())}});
  return true;
}

void Guarded::stop() noexcept {
  if (child_ != nullptr) child_->stop(SIGTERM, std::chrono::seconds(5));
  child_.reset();
  pid_ = -1;
}

}  // namespace cleave::supervise
