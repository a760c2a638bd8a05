#include "io/threads.hpp"

#include <csignal>
#include <exception>
#include <future>
#include <utility>

namespace cleave::io {

Threads::Threads(unsigned count) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // new threads inherit the mask
  for (unsigned i = 0; i < count; ++i) {
    loops_.push_back(std::make_unique<Loop>(i));
    Loop* const loop = loops_.back().get();
    threads_.emplace_back([this, loop] {
      if (!loop->run()) clean_ = false;
    });
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Threads::~Threads() {
  stop();
}

std::vector<const Loop*> Threads::loops() const {
  std::vector<const Loop*> all;
  for (const auto& loop : loops_) all.push_back(loop.get());
  return all;
}

void Threads::run_on(std::size_t index, const std::function<void()>& work) {
  // The exception is moved to the waiting thread, whole: were both to hold it for a moment, either
  // might be the one to free what the other has just read.
  std::promise<std::exception_ptr> done;
  Loop& loop = *loops_[index];
  loop.post([&] {
    loop.spawn([&] {
      std::exception_ptr failed;
      try {
        work();
      } catch (...) {
        failed = std::current_exception();
      }
      done.set_value(std::move(failed));
    });
  });
  if (const std::exception_ptr failed = done.get_future().get()) std::rethrow_exception(failed);
}

void Threads::run_on_all(const std::function<void()>& work) {
  std::vector<std::future<void>> all;
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    all.push_back(std::async(std::launch::async, [this, i, &work] { run_on(i, work); }));
  }
  for (auto& one : all) one.get();
}

bool Threads::stop(Millis grace) {
  for (auto& loop : loops_) loop->stop(grace);
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  return clean_;
}

}  // namespace cleave::io
