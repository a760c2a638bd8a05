#include "host/warden.hpp"

#include <csignal>
#include <exception>
#include <future>
#include <utility>

namespace cleave::host {

Warden::Warden(std::function<bool()> tend) : tend_(std::move(tend)) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // the main thread takes them
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Warden::~Warden() {
  stop();
}

bool Warden::try_run(std::function<void()> job, std::function<void()> then) {
  const std::lock_guard lock(mutex_);
  if (busy_ || quit_) return false;
  busy_ = true;
  job_ = std::move(job);
  then_ = std::move(then);
  changed_.notify_all();
  return true;
}

void Warden::run(const std::function<void()>& job) {
  std::promise<std::exception_ptr> done;
  const auto told = [&] {
    std::exception_ptr failed;
    try {
      job();
    } catch (...) {
      failed = std::current_exception();
    }
    done.set_value(std::move(failed));
  };
  while (!try_run(told)) std::this_thread::sleep_for(kSoon);
  if (const std::exception_ptr failed = done.get_future().get()) std::rethrow_exception(failed);
}

void Warden::stop() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Warden::work() {
  io::Millis pause = kSoon;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_for(lock, pause, [this] { return busy_ || quit_; });
    const bool has_job = busy_;
    if (quit_ && !has_job) return;
    const std::function<void()> job = std::exchange(job_, nullptr);
    const std::function<void()> then = std::exchange(then_, nullptr);
    lock.unlock();
    if (has_job) {
      job();
      lock.lock();
      busy_ = false;
      lock.unlock();
      if (then) then();
    }
    pause = tend_() ? kSoon : kLater;
    lock.lock();
  }
}

}  // namespace cleave::host
