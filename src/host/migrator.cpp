#include "host/migrator.hpp"

#include <stdexcept>

#include "io/wait.hpp"
#include "observe/log.hpp"

namespace cleave::host {

void Migrator::start(io::Loop& loop, std::function<void()> done) {
  done_ = std::move(done);
  loop.post([this, &loop] { loop.spawn([this] { run(); }); });
}

void Migrator::run() {
  for (int tries = 0; !stopping_; ++tries) {
    const postgres::Migrated result =
        postgres::migrate(options_, io::Clock::now() + io::Millis(60000));
    if (result.ok) {
      for (const std::string& file : result.applied) {
        log::info(options_.module, "applied migration", {{"file", file}});
      }
      done_();
    }
    if (tries == 0) first_try_.set_value(result.ok || result.retry ? "" : result.why);
    if (result.ok) return;
    if (!result.retry) {
      if (tries == 0) return;  // told by who waits for the first try
      log::error(options_.module, result.why);
    } else if (tries % 20 == 0) {
      log::warn(options_.module, result.why + "; trying again");
    }
    for (int i = 0; i < 10 && !stopping_; ++i) io::sleep_for(io::Millis(50));
  }
}

void Migrator::wait_for_first_try(io::TimePoint deadline) {
  std::future<std::string> first = first_try_.get_future();
  if (first.wait_until(deadline) != std::future_status::ready) return;
  const std::string why = first.get();
  if (!why.empty()) throw std::runtime_error(why);
}

}  // namespace cleave::host
