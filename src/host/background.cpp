#include "host/background.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "io/wait.hpp"
#include "observe/log.hpp"

namespace cleave::host {

/// All of it on one loop, so that between "not over" and the call nothing comes.
class Background::Rounds {
 public:
  Rounds(Instance& instance, const router::Target& target)
      : instance_(instance),
        target_(target),
        name_(instance.name()),
        every_(instance.background_every()) {}

  void run() {
    io::Fiber::current()->label.set(name_ + " background");
    io::Millis rest = every_;
    while (!over_) {
      rest_.wait(io::Clock::now() + rest);
      if (over_ || target_.endpoint.load(std::memory_order_acquire) == nullptr) continue;
      const bool done = instance_.background();
      rest = done ? every_ : std::min(rest * 2, std::max(every_, kLongestRest));
      tell(done);
    }
  }
  void end() {
    over_ = true;
    rest_.wake();
  }

 private:
  /// Once when it begins to fail, once when it works again.
  void tell(bool done) {
    if (std::exchange(done_, done) == done) return;
    if (done) {
      log::info("host", "a module's background work is done again", {{"module", name_}});
    } else {
      log::warn("host", "a module's background work cannot be done; it is tried again",
                {{"module", name_}});
    }
  }

  Instance& instance_;  // not to be touched when it is over
  const router::Target& target_;
  const std::string name_;
  const io::Millis every_;
  bool over_ = false, done_ = true;
  io::Waiter rest_;
};

void Background::begin() {
  if (instance_.background_every() == io::Millis(0)) return;
  rounds_ = std::make_shared<Rounds>(instance_, target_);
  threads_.run_on(0, [this] { io::Loop::current()->spawn([rounds = rounds_] { rounds->run(); }); });
}

void Background::end() {
  if (!rounds_) return;
  threads_.run_on(0, [this] { rounds_->end(); });
  rounds_.reset();
}

}  // namespace cleave::host
