#include "supervise/keeper.hpp"

#include <csignal>
#include <stdexcept>

#include "observe/log.hpp"

namespace cleave::supervise {
namespace {

constexpr std::chrono::milliseconds kLookEvery{200};

}  // namespace

Keeper::Keeper(std::vector<Server> servers) {
  for (Server& server : servers) kept_.push_back({.server = std::move(server)});
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // the new thread inherits the mask
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Keeper::~Keeper() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Keeper::work() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kLookEvery, [this] { return quit_; })) {
    lock.unlock();
    for (Kept& kept : kept_) look_after(kept);
    lock.lock();
  }
  // Here, since a child dies with the thread that started it: prctl(2), PR_SET_PDEATHSIG.
  for (auto kept = kept_.rbegin(); kept != kept_.rend(); ++kept) kept->server.stop();
}

void Keeper::look_after(Kept& kept) {
  if (!kept.down && kept.server.running()) return;
  const Clock::time_point now = Clock::now();
  const auto wait_after = [&](Clock::duration lived) {
    kept.again =
        now + kept.backoff.next(std::chrono::duration_cast<std::chrono::milliseconds>(lived));
  };
  if (!kept.down) {
    kept.down = true;
    wait_after(now - kept.started);
    log::warn("embedded", kept.server.name + " ended; it is started again");
  }
  if (now < kept.again) return;
  try {
    kept.server.start();
    kept.started = Clock::now();
    kept.down = false;
    log::info("embedded", kept.server.name + " serves again");
  } catch (const std::runtime_error& error) {
    wait_after(Clock::duration(0));
    log::error("embedded", kept.server.name + " cannot be started; tried again",
               {{"why", error.what()}});
  }
}

}  // namespace cleave::supervise
